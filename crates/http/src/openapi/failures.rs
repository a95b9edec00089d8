//! Error responses in the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

type Statuses = &'static [(&'static str, &'static str)];

const ANY: Statuses = &[
    ("400", "Refused: `Errors` lists every reason."),
    ("414", "The URL is too long."),
    ("431", "The headers are too long, or too many."),
    ("500", "A fault on the server's side."),
    ("503", "The database, a DIGIT service or the gateway is unavailable, or the server is overloaded."),
];
const WITH_BODY: Statuses =
    &[("408", "The body did not arrive in time."), ("413", "The body is larger than allowed.")];

const OF_OPERATORS: Statuses = &[
    ("401", "The request proves no caller who may ask this."),
    ("403", "The caller lacks the role at this tenant."),
    ("404", "There is no such thing, or the caller has no role and no token is shared."),
];

const OF_NAMED: Statuses = &[
    ("401", "The request proves no caller with a name."),
    ("403", "The caller lacks the role at this tenant, or decides about a refund of their own."),
    ("404", "The caller has no role and no token is shared."),
];

fn failing(more: &[Statuses]) -> BTreeMap<String, RefOr<Response>> {
    ANY.iter()
        .chain(more.iter().copied().flatten())
        .map(|(status, description)| ((*status).to_owned(), failure(status, description).into()))
        .collect()
}

fn failure(status: &str, description: &str) -> Response {
    let envelope = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorEnvelope"))).build();
    let response = ResponseBuilder::new().description(description).content("application/json", envelope);
    match status {
        "409" | "503" => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer);
            let description = "Seconds after which sending the request again makes sense.";
            response
                .header(
                    "Retry-After",
                    HeaderBuilder::new().schema(Some(seconds)).description(Some(description)).build(),
                )
                .build()
        }
        "401" => {
            let bearer = ObjectBuilder::new().schema_type(Type::String);
            let description = "How to present the token: `Bearer`.";
            response
                .header(
                    "WWW-Authenticate",
                    HeaderBuilder::new().schema(Some(bearer)).description(Some(description)).build(),
                )
                .build()
        }
        _ => response.build(),
    }
}

fn see_other() -> (String, RefOr<Response>) {
    let location = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(
            "The callback URL of the transaction, with `eg_pg_txnid` and `txnStatus` in its query.",
        ))
        .build();
    let response =
        ResponseBuilder::new().description("On to the application.").header("Location", location).build();
    ("303".to_owned(), response.into())
}

macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident: [$($statuses:expr),*] $(, $more:expr)?;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                #[allow(unused_mut)]
                let mut responses = failing(&[$($statuses),*]);
                $(responses.extend([$more]);)?
                responses
            }
        }
    )*};
}

failures! {
    Always: [];
    Reading: [WITH_BODY];
    Creating: [WITH_BODY, &[
        ("409", "The `Idempotency-Key` was used for another request, or its first request is still at work."),
        ("502", "The gateway gave an answer that cannot be understood."),
    ]];
    Settling: [WITH_BODY];
    Redirecting: [WITH_BODY], see_other();
    CallingBack: [WITH_BODY];
    Operating: [WITH_BODY, OF_OPERATORS];
    /// Actions that are done once at a time, or once for all.
    OperatingOnce: [WITH_BODY, OF_OPERATORS, &[("409", "It is at work, or was done before.")]];
    ReadingRefunds: [WITH_BODY, OF_NAMED];
    Refunding: [WITH_BODY, OF_NAMED, &[
        ("409", "The refund has moved on, or the `Idempotency-Key` was used for another request."),
        ("412", "Another amount is left to be given back than the client believes."),
    ]];
    Paying: [&[("404", "There is no such page.")]], see_other();
}
