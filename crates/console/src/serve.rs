//! From a request to a page: the way of every route.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;

use crate::Shared;
use crate::context::Context;
use crate::cookies;
use crate::failure::{Failure, Outcome};
use crate::forms::Fields;
use crate::guard;
use crate::headers;
use crate::language::Language;
use crate::page;
use crate::routes::Route;

/// Answers a request by a route; `None` for one of a method that its path does not take.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    route: Option<&'static Route>,
    path: Option<RawPathParams>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let address = (shared.console.address_of)(&parts.extensions, &parts.headers);
    let is_local = cookies::is_local(&parts.headers, address);
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let path = path.iter().flatten().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut context = Context {
        language: Language::of(&parts.headers),
        request_id: text("x-request-id").unwrap_or_default().to_owned(),
        address,
        is_local,
        caller: None,
        form_token: String::new(),
        scopes: Vec::new(),
        here: parts.uri.path_and_query().map(|here| here.as_str().to_owned()).unwrap_or_default(),
        query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
        form: Fields::default(),
        path: path.collect(),
        shared,
    };
    let outcome = match route {
        Some(route) => answer(&mut context, route, &parts, body).await,
        None => Err(Failure::NotFound),
    };
    let mut response = outcome.unwrap_or_else(|failure| failed(&context, &parts.method, &failure));
    headers::secure(&mut response);
    response
}

async fn answer(context: &mut Context, route: &Route, parts: &Parts, body: Body) -> Outcome {
    guard::check_host(context.console(), &parts.headers)?;
    if parts.method == Method::POST {
        guard::check_origin(&parts.headers)?;
        let body = body.collect().await.map_err(|_| Failure::Forged)?.to_bytes();
        context.form = Fields::parse(&body);
    }
    guard::identify(context, &parts.headers).await?;
    guard::admit(context, route).await?;
    (route.handler)(context).await
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
