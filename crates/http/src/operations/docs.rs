//! `GET /openapi.json` and `/docs/`: the document of the API, and a page to try it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa_swagger_ui::Config;

use crate::Shared;
use crate::edge::SharedBytes;
use crate::error::ApiError;
use crate::openapi;
use crate::reply::json_response;

/// What the page of the API may load: its own files, with the styles and pictures that Swagger UI
/// writes into its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Made when it is asked for, and kept: nobody needs it to pay.
pub(super) async fn openapi(
    State(app): Shared,
    document: Arc<OnceLock<Bytes>>,
) -> Result<Response, ApiError> {
    let json = match document.get() {
        Some(json) => json.clone(),
        None => {
            let json = serde_json::to_vec_pretty(&openapi::document(&app.context_path))
                .map_err(|_| ApiError::Internal("a document without a JSON form"))?;
            document.get_or_init(|| Bytes::from(json)).clone()
        }
    };
    let mut response = json_response(http::StatusCode::OK, json);
    response.extensions_mut().insert(SharedBytes);
    Ok(response)
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
    // The files lie in the program: nothing is copied for a client.
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = Response::new(Body::from(bytes));
    response.extensions_mut().insert(SharedBytes);
    let headers = response.headers_mut();
    let content_type = HeaderValue::try_from(file.content_type);
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("text/plain")));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    if file.gzpipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
