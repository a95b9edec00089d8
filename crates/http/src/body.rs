//! Request bodies, within their limits.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;

use crate::app::App;
use crate::envelope::bounded;
use crate::error::ApiError;
use crate::json;
use crate::limits::{Budget, FREE_BODY_BYTES, RequestLimits, Share, Spent};

/// A body over the limit is read and discarded up to this multiple of the limit, so that a client that is still
/// sending receives the refusal.
const DRAINED: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    kind: Kind,
    bytes: Bytes,
    /// The text of a JSON body declared as ISO-8859-1.
    decoded: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

    /// JSON in the declared character set; UTF-8 by default.
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

/// ISO-8859-1 codes are the first 256 of Unicode.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The format of a body, independent of its `Content-Type`: gateways and proxies name forms and JSON in many
/// ways, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Form,
    Json,
    /// Empty, or neither of them.
    Unread,
}

impl RequestBody {
    /// Reads a JSON body. One without a `Content-Type` is taken for JSON.
    ///
    /// # Errors
    /// [`ApiError::UnsupportedMediaType`], or what [`json::parse`] finds wrong.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError> {
        match &self.kind {
            Kind::Unnamed | Kind::Json | Kind::Latin1Json => json::parse(self.text()),
            Kind::Form => Err(ApiError::UnsupportedMediaType("application/x-www-form-urlencoded".to_owned())),
            Kind::Other(media_type) => Err(ApiError::UnsupportedMediaType(media_type.clone())),
        }
    }

    /// Reads a JSON object under any `Content-Type`; `None` for an empty body and for a form, whose fields
    /// are read elsewhere.
    ///
    /// # Errors
    /// As those of [`RequestBody::json`].
    pub(crate) fn optional_json<'a, T: Deserialize<'a>>(&'a self) -> Result<Option<T>, ApiError> {
        match self.shape() {
            Shape::Form => Ok(None),
            Shape::Json => json::parse(self.text()).map(Some),
            Shape::Unread if self.is_empty() => Ok(None),
            Shape::Unread => self.json().map(Some),
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        let bytes = self.text().trim_ascii();
        if json::is_object(bytes) {
            Shape::Json
        } else if self.kind == Kind::Form || begins_like_a_form(bytes) {
            Shape::Form
        } else {
            Shape::Unread
        }
    }

    /// The declared media type of a body that is neither a form nor JSON; `None` for a readable or empty one.
    pub(crate) fn unread(&self) -> Option<String> {
        if self.is_empty() || self.shape() != Shape::Unread {
            return None;
        }
        Some(match &self.kind {
            Kind::Other(media_type) => media_type.clone(),
            Kind::Json | Kind::Latin1Json => "application/json".to_owned(),
            Kind::Unnamed | Kind::Form => "none".to_owned(),
        })
    }

    /// The body as UTF-8, unless its character set is another than the declared one.
    pub(crate) fn text(&self) -> &[u8] {
        self.decoded.as_deref().map_or(&self.bytes[..], str::as_bytes)
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    fn is_empty(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }
}

/// A name and an equals sign: neither JSON, XML nor a multipart body begins like that.
fn begins_like_a_form(bytes: &[u8]) -> bool {
    let in_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.*%+[]".contains(byte);
    let name = bytes.iter().take_while(|byte| in_a_name(byte)).count();
    name > 0 && bytes.get(name) == Some(&b'=')
}

impl FromRequest<Arc<App>> for RequestBody {
    type Rejection = ApiError;

    /// The request middleware has read the body already ([`read`]).
    async fn from_request(request: Request, _: &Arc<App>) -> Result<RequestBody, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.map_err(|_| ApiError::MissingBody)?.to_bytes();
        let kind = Kind::of(&parts.headers);
        let decoded = (kind == Kind::Latin1Json).then(|| latin1(&bytes));
        Ok(RequestBody { kind, bytes, decoded })
    }
}

/// Reads a body within its limits; returns it with its share of the budget.
///
/// # Errors
/// [`ApiError::BodyTooLarge`], [`ApiError::BodyTooSlow`], [`ApiError::TooManyBytes`], or
/// [`ApiError::MissingBody`] when it breaks off.
pub(crate) async fn read(
    body: Body,
    limits: &RequestLimits,
    budget: &Budget,
) -> Result<(Bytes, Share), ApiError> {
    if body.is_end_stream() {
        return Ok((Bytes::new(), Share::default()));
    }
    let read = tokio::time::timeout(limits.body_time, read_or_drain(body, limits.body_bytes, budget));
    read.await.map_err(|_| ApiError::BodyTooSlow)?
}

async fn read_or_drain(mut body: Body, limit: usize, budget: &Budget) -> Result<(Bytes, Share), ApiError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let error = if announced > limit {
        ApiError::BodyTooLarge(limit)
    } else {
        match collect(&mut body, limit, budget).await {
            Err(error @ (ApiError::BodyTooLarge(_) | ApiError::TooManyBytes)) => error,
            read => return read,
        }
    };
    let drained = limit.saturating_mul(DRAINED);
    if announced <= drained {
        let mut rest = Limited::new(body, drained);
        while let Some(Ok(_)) = rest.frame().await {}
    }
    Err(error)
}

/// Copies the body into a buffer of its own size: a frame keeps the whole read buffer of the network alive, however
/// short it is.
async fn collect(body: &mut Body, limit: usize, budget: &Budget) -> Result<(Bytes, Share), ApiError> {
    let mut bytes = Vec::new();
    let mut share = Share::default();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::MissingBody)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > limit {
            return Err(ApiError::BodyTooLarge(limit));
        }
        if length > bytes.capacity() {
            let capacity = room_for(length, bytes.capacity());
            let counted = |capacity: usize| capacity.saturating_sub(FREE_BODY_BYTES);
            let more = counted(capacity) - counted(bytes.capacity());
            budget.add(more, &mut share).map_err(|Spent| ApiError::TooManyBytes)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    Ok((Bytes::from(bytes), share))
}

/// The capacity of a buffer for `length` bytes that had `before`.
fn room_for(length: usize, before: usize) -> usize {
    if length <= FREE_BODY_BYTES {
        length.max((before * 2).min(FREE_BODY_BYTES))
    } else {
        length.next_multiple_of(FREE_BODY_BYTES)
    }
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

    #[test]
    fn a_body_is_read_by_its_looks() {
        let body =
            |kind: Kind, text: &str| RequestBody { kind, bytes: Bytes::from(text.to_owned()), decoded: None };
        let other = || Kind::Other("text/plain".to_owned());
        for kind in [Kind::Unnamed, Kind::Json, Kind::Form, other()] {
            for (text, shape) in [
                ("ORDERID=T1&STATUS=x", Shape::Form),
                ("a%5B%5D=1\r\n", Shape::Form),
                (" {\"ORDERID\": \"T1\"}\n", Shape::Json),
            ] {
                assert_eq!(body(kind.clone(), text).shape(), shape, "{kind:?} {text}");
            }
        }
        for text in [
            "<a b=\"c\"/>",
            "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n",
            "[1]",
            "{broken",
            "=1",
            "\u{FFFD}",
        ] {
            assert_eq!(body(other(), text).shape(), Shape::Unread, "{text}");
            assert_eq!(body(other(), text).unread().as_deref(), Some("text/plain"));
            assert_eq!(body(Kind::Form, text).shape(), Shape::Form, "what says it is a form is one");
        }
        assert_eq!(body(other(), " \n").unread(), None);
        assert_eq!(body(Kind::Unnamed, "<a/>").unread().as_deref(), Some("none"));
    }

    async fn read_up_to(limit: usize, body: impl Into<Body>) -> Result<Bytes, ApiError> {
        let limits = RequestLimits { body_bytes: limit, ..RequestLimits::default() };
        read(body.into(), &limits, &Budget::new(0)).await.map(|(bytes, _)| bytes)
    }

    fn pieces(length: usize, count: usize) -> Body {
        let piece = move |_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; length]));
        Body::from_stream(futures_util::stream::iter((0..count).map(piece)))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read_up_to(5, "12345").await.unwrap(), "12345");
        assert!(matches!(read_up_to(5, "123456").await, Err(ApiError::BodyTooLarge(5))));
        assert!(matches!(read_up_to(5, pieces(3, 2)).await, Err(ApiError::BodyTooLarge(5))));
        assert_eq!(read_up_to(5, pieces(1, 5)).await.unwrap(), "xxxxx");
        let broken = futures_util::stream::iter([Ok("1"), Err(std::io::Error::other("gone"))]);
        assert!(matches!(read_up_to(5, Body::from_stream(broken)).await, Err(ApiError::MissingBody)));
    }

    #[tokio::test]
    async fn long_bodies_share_a_budget_and_short_ones_need_none() {
        let limits = RequestLimits::default();
        let budget = Budget::new(50_000);
        let (first, share) = read(pieces(1000, 60), &limits, &budget).await.unwrap();
        assert_eq!(first.len(), 60_000);
        assert!(matches!(read(pieces(1000, 60), &limits, &budget).await, Err(ApiError::TooManyBytes)));
        let short = read(pieces(1, FREE_BODY_BYTES), &limits, &budget).await.unwrap();
        assert_eq!(short.0.len(), FREE_BODY_BYTES);
        drop(share);
        assert!(read(pieces(1000, 60), &limits, &budget).await.is_ok());
    }

    #[test]
    fn a_buffer_grows_without_a_copy_for_each_piece_and_not_beyond_its_need() {
        assert_eq!(room_for(1500, 0), 1500);
        assert_eq!(room_for(1501, 1500), 3000);
        assert_eq!(room_for(FREE_BODY_BYTES, 1500), FREE_BODY_BYTES);
        assert_eq!(room_for(FREE_BODY_BYTES + 1, FREE_BODY_BYTES), 2 * FREE_BODY_BYTES);
    }
}
