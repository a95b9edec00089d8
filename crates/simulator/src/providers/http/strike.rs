//! Faults of the answer to a call.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::cut;
use crate::providers::Providers;
use crate::providers::fault::Strike;

/// No answer of any provider: not even text.
const GARBAGE: &[u8] = b"\x1f\x8b\xff\xfe<html><body>upstream connect error{\"status\":";

/// The answer with the fault applied.
pub(crate) async fn carry_out(providers: &Providers, strike: Option<Strike>, answer: Response) -> Response {
    match strike {
        None => answer,
        Some(Strike::Slow { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            answer
        }
        Some(Strike::ServerError) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n").into_response()
        }
        Some(Strike::Cut) => cut(),
        Some(Strike::Hang) => {
            tokio::time::sleep(providers.inner.settings.hang_for).await;
            cut()
        }
        Some(Strike::Garbage) => ([(header::CONTENT_TYPE, "text/html")], GARBAGE).into_response(),
    }
}
