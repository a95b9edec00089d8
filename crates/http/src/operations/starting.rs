//! The answers before the database is open: the service lives and cannot work yet.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::{HeaderValue, StatusCode, header};
use payment_store::StoreError;

use crate::context_path::ContextPath;
use crate::envelope::json_response;
use crate::error::ApiError;

use super::{HEALTH, health};

/// Liveness is up, every other request is answered with a retry time. `/health` is down, too: where it is the
/// only probe it decides which replica gets requests.
pub fn starting_router(context: &ContextPath) -> Router {
    let path = |below: &str| context.join(&format!("{HEALTH}{below}"));
    Router::new()
        .route(&path("/liveness"), get(health::liveness))
        .route(&path("/readiness"), get(down))
        .route(&path(""), get(down))
        .fallback(any(unavailable))
}

async fn down() -> Response {
    let mut response = json_response(StatusCode::SERVICE_UNAVAILABLE, br#"{"status":"DOWN"}"#.to_vec());
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(5));
    response
}

async fn unavailable() -> Response {
    ApiError::Store(StoreError::Unavailable("the database is not open yet".into())).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::Request;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_service_that_starts_lives_and_refuses_work() {
        let router = starting_router(&ContextPath::new("/pg-service").unwrap());
        let mut answers = Vec::new();
        for (method, path) in [
            ("GET", "/health/liveness"),
            ("GET", "/health/readiness"),
            ("GET", "/health"),
            ("POST", "/transaction/v1/_create"),
        ] {
            let request = Request::builder().method(method).uri(format!("/pg-service{path}"));
            let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let again = answer.headers().contains_key(header::RETRY_AFTER);
            let status = answer.status().as_u16();
            let body = to_bytes(answer.into_body(), 4096).await.unwrap();
            answers.push(format!("{path}: {status} {again} {}", String::from_utf8_lossy(&body)));
        }
        insta::assert_snapshot!(answers.join("\n"), @r#"
        /health/liveness: 200 false {"status":"UP"}
        /health/readiness: 503 true {"status":"DOWN"}
        /health: 503 true {"status":"DOWN"}
        /transaction/v1/_create: 503 true {"ResponseInfo":null,"Errors":[{"id":null,"parentId":null,"code":"DATABASE_UNAVAILABLE","message":"The database is not available; try again","description":null,"params":null}]}
        "#);
    }
}
