//! The schema of `RequestInfo`.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The caller, as stated in the request.
pub(crate) struct RequestInfoSchema;

impl ToSchema for RequestInfoSchema {
    fn name() -> Cow<'static, str> {
        "RequestInfo".into()
    }
}

impl PartialSchema for RequestInfoSchema {
    fn schema() -> RefOr<Schema> {
        let scalar = |types: &[Type], description: &str| {
            let types = SchemaType::from_iter(types.iter().cloned());
            ObjectBuilder::new().schema_type(types).description(Some(description)).build()
        };
        let text =
            |description| scalar(&[Type::String, Type::Number, Type::Boolean, Type::Null], description);
        let nullable = |kind| SchemaType::from_iter([kind, Type::Null]);
        let user = [
            ("uuid", "The user's id."),
            ("userName", "The login name."),
            ("name", "The name."),
            ("type", "CITIZEN or EMPLOYEE: what the caller may see depends on it, where it is proven."),
            ("mobileNumber", "The mobile number."),
            ("emailId", "The e-mail address."),
            ("tenantId", "The tenant the user belongs to."),
        ];
        let user = user
            .into_iter()
            .fold(ObjectBuilder::new(), |object, (name, description)| {
                object.property(name, text(description))
            })
            .property(
                "roles",
                ArrayBuilder::new()
                    .schema_type(nullable(Type::Array))
                    .items(ObjectBuilder::new().schema_type(SchemaType::AnyValue)),
            )
            .schema_type(nullable(Type::Object))
            .description(Some(
                "The user; needed to create a transaction. Shows and unmasks nothing unless it is proven.",
            ));
        let fields = [
            ("apiId", "The application; echoed."),
            ("ver", "Its version; echoed."),
            ("action", "Not used."),
            ("did", "Not used."),
            ("key", "Not used."),
            ("msgId", "The message; echoed. The text behind a bar is the locale."),
            (
                "authToken",
                "The caller's access token: the proof of who they are where `identity.proof` is `token`. Passed on to DIGIT's services, never stored.",
            ),
            ("correlationId", "Passed on."),
        ];
        fields
            .into_iter()
            .fold(ObjectBuilder::new(), |object, (name, description)| object.property(name, text(description)))
            .property("ts", scalar(&[Type::Integer, Type::Null], "Epoch milliseconds; echoed."))
            .property("userInfo", user)
            .description(Some(
                "Who asks, as the caller states it. Every field may be missing or null, texts may be sent as numbers or \
                 booleans, and fields not named here are ignored.",
            ))
            .examples([json!({
                "apiId": "Rainmaker",
                "ver": ".01",
                "ts": null,
                "msgId": "20170310130900|en_IN",
                "authToken": null,
                "userInfo": {
                    "uuid": "a3f0a0a0-2b1b-4a4e-8d53-6a2f1c9d7e01",
                    "userName": "9876543210",
                    "name": "Asha Rani",
                    "type": "CITIZEN",
                    "mobileNumber": "9876543210",
                    "tenantId": "pb",
                },
            })])
            .into()
    }
}
