//! Calls to the provider, by the outgoing HTTP client: within limits, no redirect followed.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use payment_http_client::{Body, BoxError, Call, Client, Limits};

/// Limits of calls to the provider: a person waits.
pub const LIMITS: Limits = Limits {
    connect_timeout: Duration::from_secs(3),
    total_timeout: Duration::from_secs(5),
    max_body_bytes: 256 * 1024,
};

/// The reason why a call came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("no usable answer")]
pub(crate) struct NoAnswer(#[source] BoxError);

pub(crate) struct Http(pub(crate) Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.make(request))
    }
}

impl Http {
    async fn make(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let (parts, body) = request.into_parts();
        let headers = parts.headers.iter().filter(|(name, _)| *name != http::header::CONTENT_TYPE);
        let headers = headers
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let fields = form_urlencoded::parse(&body);
        let fields: Vec<_> = fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let body = if fields.is_empty() { Body::Empty } else { Body::Form(fields) };
        let call = Call { method: parts.method, url: parts.uri.to_string(), headers, body };
        let reply = self.0.send(&call).await.map_err(|error| NoAnswer(Box::new(error)))?;
        if matches!(reply.status, 408 | 429 | 500..=599) {
            return Err(NoAnswer(format!("HTTP status {}", reply.status).into()));
        }
        let mut response = http::Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        response.body(reply.body).map_err(|error| NoAnswer(Box::new(error)))
    }
}
