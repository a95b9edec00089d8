//! One HTTP call to a gateway: within its time, within its size, and told apart by how far it got.
//!
//! A [`Call`] is a value: adapters build it without a network, so that its bytes can be tested.
//! [`Client::send`] makes the call once. It never repeats one, follows no redirect, and sorts what
//! goes wrong into the three cases that matter for money: never sent, not answered, not readable.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use payment_gateway::{BoxError, GatewayError};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustix::io::Errno;

/// The HTTP methods gateways are called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

impl Method {
    /// The method as it stands in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// What a call carries.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// Names and values, form-encoded on the way out.
    Form(Vec<(String, String)>),
    /// JSON text that goes out byte for byte, because signatures cover it.
    Json(String),
}

impl Body {
    /// The `Content-Type` this body is sent with; none for an empty one.
    pub fn content_type(&self) -> Option<&'static str> {
        match self {
            Body::Empty => None,
            Body::Form(_) => Some("application/x-www-form-urlencoded"),
            Body::Json(_) => Some("application/json"),
        }
    }
}

/// A request to a gateway, ready to be sent. `Debug` shows neither header values nor the body:
/// they hold signatures, passwords and personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// How.
    pub method: Method,
    /// Where: an absolute `http` or `https` URL.
    pub url: String,
    /// Headers beside `Content-Type`, which follows from the body unless it is named here.
    pub headers: Vec<(String, String)>,
    /// What.
    pub body: Body,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// What a gateway answered. `Debug` does not show the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status code.
    pub status: u16,
    /// The `Location` header, where there is a readable one.
    pub location: Option<String>,
    /// The readable headers, names in lower case, for gateways that sign in one.
    pub headers: Vec<(String, String)>,
    /// The body as it came, within the limit.
    pub body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// Passes an answer with a 2xx status on.
    ///
    /// # Errors
    /// [`GatewayError::Unanswered`] for 408, 429 and 5xx: the gateway is in trouble, whatever was
    /// asked may have been done. [`GatewayError::Unreadable`] for every other status.
    pub fn accepted(self) -> Result<Reply, GatewayError> {
        match self.status {
            200..=299 => Ok(self),
            408 | 429 | 500..=599 => {
                Err(GatewayError::Unanswered(format!("HTTP status {}", self.status).into()))
            }
            _ => Err(GatewayError::Unreadable(format!("HTTP status {}", self.status))),
        }
    }

    /// The header of this name, which is given in lower case. `None` when it is missing, or there
    /// more than once: then nobody can say which one is meant.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            (None | Some(_), _) => None,
        }
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`GatewayError::Unreadable`] when it is not UTF-8.
    pub fn text(&self) -> Result<&str, GatewayError> {
        std::str::from_utf8(&self.body).map_err(|_| GatewayError::Unreadable("not UTF-8 text".to_owned()))
    }
}

/// How long a call may take and how much may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the last byte of the answer is here, the connection included.
    pub total_timeout: Duration,
    /// The longest answer that is read.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(20),
            max_body_bytes: 256 * 1024,
        }
    }
}

/// Makes calls over kept connections. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    max_body_bytes: usize,
}

impl Client {
    /// A client that keeps these limits in every call.
    ///
    /// # Errors
    /// When the computer's trusted certificates cannot be loaded.
    pub fn new(limits: Limits) -> Result<Client, BoxError> {
        // A process has one default provider; whoever comes first has chosen it.
        let _already_chosen = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.total_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .dns_resolver(Arc::new(SystemNames))
            .build()?;
        Ok(Client { http, max_body_bytes: limits.max_body_bytes })
    }

    /// Makes the call, once.
    ///
    /// # Errors
    /// [`GatewayError::NotSent`] when no connection came about, [`GatewayError::LocalFault`] when that is
    /// for want of something of ours, [`GatewayError::Unanswered`] when
    /// no whole answer came, [`GatewayError::Unreadable`] when the answer is over the limit.
    pub async fn send(&self, call: &Call) -> Result<Reply, GatewayError> {
        let mut request = match call.method {
            Method::Get => self.http.get(&call.url),
            Method::Post => self.http.post(&call.url),
        };
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let named = call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(content_type) = call.body.content_type().filter(|_| !named) {
            request = request.header(reqwest::header::CONTENT_TYPE, content_type);
        }
        request = match &call.body {
            Body::Empty => request,
            Body::Form(fields) => request.body(crate::form::encode(fields)),
            Body::Json(text) => request.body(text.clone()),
        };
        let mut response = request.send().await.map_err(classify)?;
        let status = response.status().as_u16();
        let location = response
            .headers()
            .get(reqwest::header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > self.max_body_bytes {
                let limit = self.max_body_bytes;
                return Err(GatewayError::Unreadable(format!("longer than {limit} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, location, headers, body })
    }
}

/// Tells a call that was never sent from one whose answer is missing, and a fault of ours from one of
/// the gateway. The URL is taken out of the error, because it may carry what must not be logged.
fn classify(error: reqwest::Error) -> GatewayError {
    let (connecting, unbuildable) = (error.is_connect(), error.is_builder());
    let error = error.without_url();
    if unbuildable || (connecting && is_ours(&error)) {
        GatewayError::LocalFault(Box::new(error))
    } else if connecting {
        GatewayError::NotSent(Box::new(error))
    } else {
        GatewayError::Unanswered(Box::new(error))
    }
}

/// Whether no connection came about for want of something of ours.
fn is_ours(error: &(dyn Error + 'static)) -> bool {
    const SHORTAGES: [Errno; 5] =
        [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    let is_shortage =
        |error: &io::Error| Errno::from_io_error(error).is_some_and(|errno| SHORTAGES.contains(&errno));
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Unresolved>() || error.downcast_ref::<io::Error>().is_some_and(is_shortage) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The name of the gateway has no address, as far as this machine can find out.
#[derive(Debug, thiserror::Error)]
#[error("the name of the gateway cannot be resolved")]
struct Unresolved(#[source] io::Error);

/// Asks the system for addresses, and names the error when there are none.
struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(Unresolved)?;
            let addresses: Vec<_> = found.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
