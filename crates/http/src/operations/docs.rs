//! `GET /openapi.json` and `/docs/`: the document of the API, and a page to try it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use http::{HeaderValue, header};
use utoipa_swagger_ui::Config;

use crate::Shared;
use crate::error::ApiError;
use crate::openapi;
use crate::reply::json_response;

/// Made when it is asked for: nobody needs it to pay.
pub(super) async fn openapi(State(app): Shared) -> Result<Response, ApiError> {
    let json = serde_json::to_vec_pretty(&openapi::document(&app.context_path))
        .map_err(|_| ApiError::Internal("a document without a JSON form"))?;
    Ok(json_response(http::StatusCode::OK, json))
}

pub(super) async fn to_folder(State(app): Shared) -> Redirect {
    Redirect::permanent(&app.context_path.join("/docs/"))
}

pub(super) async fn index(state: Shared) -> Result<Response, ApiError> {
    file(state, Ok(Path("index.html".to_owned()))).await
}

pub(super) async fn file(
    State(app): Shared,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(name) = name.map_err(|_| ApiError::NoSuchEndpoint)?;
    let config = Config::from(app.context_path.join("/openapi.json")).try_it_out_enabled(true);
    let file = utoipa_swagger_ui::serve(&name, Arc::new(config))
        .map_err(|_| ApiError::Internal("a page that cannot be read"))?
        .ok_or(ApiError::NoSuchEndpoint)?;
    let mut response = Response::new(Body::from(file.bytes.into_owned()));
    let headers = response.headers_mut();
    let content_type = HeaderValue::try_from(file.content_type);
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("text/plain")));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    if file.gzpipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
