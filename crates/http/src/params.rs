//! Parameters of queries and forms, in order, limited in number.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use payment_gateway::Params;

use crate::app::App;
use crate::body::{RequestBody, Shape};
use crate::error::ApiError;
use crate::json;
use crate::limits::RequestLimits;

#[derive(Debug)]
pub(crate) struct QueryParams(pub(crate) Params);

impl FromRequestParts<Arc<App>> for QueryParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<QueryParams, ApiError> {
        decode(parts.uri.query().unwrap_or_default().as_bytes(), &app.limits).map(QueryParams)
    }
}

impl QueryParams {
    /// Joins them with the fields of the body: a form or a flat JSON object.
    ///
    /// # Errors
    /// [`ApiError::TooManyParameters`].
    pub(crate) fn with_fields(self, body: &RequestBody, limits: &RequestLimits) -> Result<Params, ApiError> {
        let QueryParams(mut params) = self;
        params.extend(match body.shape() {
            Shape::Form => decode(body.text().trim_ascii(), limits)?,
            Shape::Json => Params::new(json::fields(body.text())),
            Shape::Unread => Params::default(),
        });
        if params.iter().count() > limits.parameters {
            return Err(ApiError::TooManyParameters(limits.parameters));
        }
        Ok(params)
    }

    /// The value of a parameter; an empty one counts as missing.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).filter(|value| !value.is_empty())
    }
}

fn decode(encoded: &[u8], limits: &RequestLimits) -> Result<Params, ApiError> {
    let mut pairs = Vec::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        if pairs.len() == limits.parameters {
            return Err(ApiError::TooManyParameters(limits.parameters));
        }
        pairs.push((name.into_owned(), value.into_owned()));
    }
    Ok(Params::new(pairs))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
        let params = decode(encoded, &RequestLimits::default()).unwrap();
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn pairs_are_decoded_in_order() {
        let decoded = pairs(b"a=1&b=x+y%26&a=2&flag&=v&ba%00d=%FF");
        let expected =
            [("a", "1"), ("b", "x y&"), ("a", "2"), ("flag", ""), ("", "v"), ("ba\0d", "\u{fffd}")];
        assert_eq!(decoded, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(pairs(b"").is_empty());
    }

    #[test]
    fn there_are_only_so_many() {
        let limits = RequestLimits { parameters: 3, ..RequestLimits::default() };
        assert!(decode(b"a&b&c", &limits).is_ok());
        assert!(matches!(decode(b"a&b&c&d", &limits), Err(ApiError::TooManyParameters(3))));
    }

    proptest! {
        #[test]
        fn no_query_panics(encoded in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&encoded, &RequestLimits::default());
        }

        #[test]
        fn encoding_round_trips(name in any::<String>(), value in any::<String>()) {
            let encoded = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            prop_assert_eq!(pairs(encoded.as_bytes()), [(name, value)]);
        }
    }
}
