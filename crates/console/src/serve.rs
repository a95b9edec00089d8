//! From a request to a page: the way of every route.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use payment_oidc::Attempt;

use crate::Shared;
use crate::context::Context;
use crate::cookies;
use crate::failure::{Failure, Outcome};
use crate::forms::Fields;
use crate::guard;
use crate::headers;
use crate::once;
use crate::page;
use crate::routes::{Route, Verb};

/// Answers a request by a route; `None` for one of a method that its path does not take.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    route: Option<&'static Route>,
    path: Option<RawPathParams>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let address = (shared.console.address_of)(&parts.extensions, &parts.headers);
    let request_id = (shared.console.request_id_of)(&parts.extensions);
    let path = path.iter().flatten().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let is_local = cookies::is_local(&parts.headers, address);
    let mut context = Context {
        address,
        is_local,
        attempt: cookies::attempt(&parts.headers, is_local).and_then(Attempt::from_text),
        here: parts.uri.path_and_query().map(|here| here.as_str().to_owned()).unwrap_or_default(),
        query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
        path: path.collect(),
        ..Context::new(shared, &parts.headers, request_id)
    };
    let admitted = match route {
        Some(route) => admit(&mut context, route, &parts, body).await.map(|()| route),
        None => Err(Failure::NotFound),
    };
    let context = Arc::new(context);
    let outcome = match admitted {
        Ok(route) => match route.verb {
            Verb::Get | Verb::Ask => (route.handler)(&context).await,
            Verb::Post => once::carry_out(&context, route).await,
        },
        Err(failure) => Err(failure),
    };
    let mut response = outcome.unwrap_or_else(|failure| failed(&context, &parts.method, &failure));
    headers::secure(&mut response);
    response
}

async fn admit(context: &mut Context, route: &Route, parts: &Parts, body: Body) -> Result<(), Failure> {
    guard::check_host(context.console(), &parts.headers)?;
    if parts.method == Method::POST {
        guard::check_origin(&parts.headers)?;
        let body = body.collect().await.map_err(|_| Failure::Forged)?.to_bytes();
        context.form = Fields::parse(&body);
    }
    guard::identify(context, &parts.headers).await?;
    guard::admit(context, route).await
}

/// The page in place of an error that the server answers.
pub(crate) fn error_page(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    request_id: &str,
    status: StatusCode,
) -> Response {
    let context = Context::new(shared.clone(), headers, request_id.to_owned());
    let mut response = failed(&context, &Method::GET, &Failure::Unanswered(status));
    headers::secure(&mut response);
    response
}

fn failed(context: &Context, method: &Method, failure: &Failure) -> Response {
    let (request_id, path) = (&context.request_id, context.here.split('?').next().unwrap_or_default());
    match failure {
        Failure::Store(error) => {
            tracing::warn!(target: "console", %request_id, path, %error, "a page is not shown");
        }
        Failure::Internal(error) => {
            tracing::error!(target: "console", %request_id, path, error, "a page is not shown");
        }
        Failure::NotFound
        | Failure::LoggedOut
        | Failure::Denied(_)
        | Failure::Forged
        | Failure::TooManyLogins
        | Failure::LinkSpent
        | Failure::Unanswered(_)
        | Failure::Login(_)
        | Failure::Refused(..) => {}
    }
    let shown: Outcome = if matches!(failure, Failure::LoggedOut) && method != Method::POST {
        page::see(&context.link("/login").href())
    } else {
        page::failure(context, failure)
    };
    shown.unwrap_or_else(|_| {
        let mut response = Response::new(Body::from("The page cannot be written."));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    })
}
