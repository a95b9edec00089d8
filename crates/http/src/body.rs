//! Reading the body of a request, within its limits.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;

use crate::App;
use crate::error::{ApiError, bounded};
use crate::json;

/// Of a body over the limit, this many times the limit is read and thrown away, so that a client
/// that is still sending gets to read why it is refused.
const DRAINED: usize = 16;

/// The body of a request with the kind its `Content-Type` names.
#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    kind: Kind,
    bytes: Bytes,
    /// The text of a JSON body that is declared as ISO-8859-1.
    decoded: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Unnamed,
    Json,
    Latin1Json,
    Form,
    Other(String),
}

impl Kind {
    fn of(headers: &HeaderMap) -> Kind {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Kind::Unnamed };
        let value = String::from_utf8_lossy(value.as_bytes());
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Kind::Form,
            "application/json" => Kind::json(&value),
            other if other.starts_with("application/") && other.ends_with("+json") => Kind::json(&value),
            _ => Kind::Other(bounded(&value)),
        }
    }

    /// JSON in the character set that the media type declares; UTF-8 where it declares none.
    fn json(media_type: &str) -> Kind {
        let parameters = media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
        let charset = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
        let charset = charset.map(|(_, charset)| charset.trim().trim_matches('"').to_ascii_lowercase());
        match charset.as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii") => Kind::Json,
            Some("iso-8859-1" | "latin1") => Kind::Latin1Json,
            Some(_) => Kind::Other(bounded(media_type)),
        }
    }
}

/// The text of bytes in ISO-8859-1, whose codes are the first 256 of Unicode.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

impl RequestBody {
    /// Reads a JSON body. One without a `Content-Type` is taken for JSON.
    ///
    /// # Errors
    /// [`ApiError::UnsupportedMediaType`], or what [`json::parse`] finds wrong.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError> {
        match &self.kind {
            Kind::Unnamed | Kind::Json => json::parse(&self.bytes),
            Kind::Latin1Json => json::parse(self.decoded.as_deref().unwrap_or_default().as_bytes()),
            Kind::Form => Err(ApiError::UnsupportedMediaType("application/x-www-form-urlencoded".to_owned())),
            Kind::Other(media_type) => Err(ApiError::UnsupportedMediaType(media_type.clone())),
        }
    }

    /// The same, where a missing body stands for an empty object and the fields of a form are read
    /// elsewhere.
    ///
    /// # Errors
    /// As those of [`RequestBody::json`].
    pub(crate) fn optional_json<'a, T: Deserialize<'a>>(&'a self) -> Result<Option<T>, ApiError> {
        if self.is_empty() || self.kind == Kind::Form {
            return Ok(None);
        }
        self.json().map(Some)
    }

    /// The fields of a form, still encoded; nothing for any other body.
    pub(crate) fn form(&self) -> &[u8] {
        if self.kind == Kind::Form { &self.bytes } else { &[] }
    }

    /// The body as it came.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    fn is_empty(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }
}

impl FromRequest<Arc<App>> for RequestBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<RequestBody, ApiError> {
        let (parts, body) = request.into_parts();
        let limits = &app.limits;
        let read = tokio::time::timeout(limits.body_time, read(body, limits.body_bytes));
        let bytes = read.await.map_err(|_| ApiError::BodyTooSlow)??;
        let kind = Kind::of(&parts.headers);
        let decoded = (kind == Kind::Latin1Json).then(|| latin1(&bytes));
        Ok(RequestBody { kind, bytes, decoded })
    }
}

async fn read(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced <= limit {
        match Limited::new(&mut body, limit).collect().await {
            Ok(collected) => return Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {}
            Err(_) => return Err(ApiError::MissingBody),
        }
    }
    let drained = limit.saturating_mul(DRAINED);
    if announced <= drained {
        let mut rest = Limited::new(body, drained);
        while let Some(Ok(_)) = rest.frame().await {}
    }
    Err(ApiError::BodyTooLarge(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(content_type: &str) -> Kind {
        Kind::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]))
    }

    #[test]
    fn the_kind_of_a_body_is_named_by_its_content_type() {
        assert_eq!(Kind::of(&HeaderMap::new()), Kind::Unnamed);
        for json in ["application/json", "Application/JSON; charset=UTF-8", "application/vnd.digit+json"] {
            assert_eq!(kind(json), Kind::Json);
        }
        assert_eq!(kind("application/x-www-form-urlencoded;charset=UTF-8"), Kind::Form);
        for latin1 in ["application/json;charset=ISO-8859-1", "application/json; Charset=\"iso-8859-1\""] {
            assert_eq!(kind(latin1), Kind::Latin1Json);
        }
        assert!(matches!(kind("application/json;charset=UTF-16"), Kind::Other(_)));
        assert_eq!(kind("text/plain;a=\t1"), Kind::Other("text/plain;a=1".to_owned()));
        assert!(matches!(kind(&"x".repeat(5000)), Kind::Other(shown) if shown.len() == 100));
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        assert!(matches!(read(Body::from("123456"), 5).await, Err(ApiError::BodyTooLarge(5))));
        let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>("123"), Ok("456")]);
        assert!(matches!(read(Body::from_stream(chunks), 5).await, Err(ApiError::BodyTooLarge(5))));
        let broken = futures_util::stream::iter([Ok("1"), Err(std::io::Error::other("gone"))]);
        assert!(matches!(read(Body::from_stream(broken), 5).await, Err(ApiError::MissingBody)));
    }
}
