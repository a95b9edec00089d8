//! Authorisation of operators by the configured token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use secrecy::ExposeSecret;

use crate::app::App;
use crate::app::Operators;
use crate::error::ApiError;
use crate::secret::is_same;

/// Proof that the request presents the operators' token. It is extracted before the body is read.
pub(crate) struct Operator(pub(crate) Operators);

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Operator, ApiError> {
        let operators = app.operators.as_ref().ok_or(ApiError::OperatorsOff)?;
        match bearer(&parts.headers) {
            Some(presented) if is_same(presented, operators.token.expose_secret().as_bytes()) => {
                Ok(Operator(operators.clone()))
            }
            Some(_) | None => Err(ApiError::NotAnOperator),
        }
    }
}

/// The token of a single `Authorization` header; the scheme is case-insensitive.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return None };
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_token_is_read_as_it_is_written_and_never_out_of_two() {
        for (values, token) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Bearer "], Some("")),
            (&["Bearer"], None),
            (&["Basic abc"], None),
            (&["abc"], None),
            (&[], None),
            (&["Bearer abc", "Bearer abc"], None),
        ] {
            assert_eq!(bearer(&headers(values)), token.map(str::as_bytes), "{values:?}");
        }
    }
}
