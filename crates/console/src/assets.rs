//! The style sheet and the script, at addresses that change with them.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::failure::{Failure, Outcome};

const STYLE: &str = include_str!("../assets/console.css");
const SCRIPT: &str = include_str!("../assets/console.js");

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest: [u8; 32] = Sha256::new().chain_update(STYLE).chain_update(SCRIPT).finalize().into();
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
});

pub(crate) fn path(file: &str) -> String {
    format!("/assets/{}/{file}", *VERSION)
}

/// `GET /assets/{version}/{file}`
pub(crate) async fn serve(context: &Context) -> Outcome {
    let (content, kind) = match context.path("file") {
        "console.css" => (STYLE, "text/css; charset=utf-8"),
        "console.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        _ => return Err(Failure::NotFound),
    };
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let kept = match context.path("version") == *VERSION {
        true => "public, max-age=31536000, immutable",
        false => "no-store",
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Ok(response)
}
