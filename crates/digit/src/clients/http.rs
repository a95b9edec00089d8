//! Calls to DIGIT's services over the outgoing HTTP client: addresses, repetition and the meaning of
//! answers. Calls that only ask are repeated a little when no answer comes; calls that act never are.

use std::time::Duration;

use payment_domain::RequestInfo;
use payment_http_client::{Body, Call, CallError, Client, Limits, Method, Reply};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;
use url::Url;

use crate::{BoxError, DigitError};

/// Limits of calls to DIGIT's services; the total time covers every repetition of a call that asks.
pub const LIMITS: Limits = Limits {
    connect_timeout: Duration::from_secs(3),
    total_timeout: Duration::from_secs(15),
    max_body_bytes: 1024 * 1024,
};
/// The longest error body that is passed on.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// The waits before a call that asks is repeated. Each is stretched by up to as much again, so that
/// replicas that failed together do not come back together.
const PAUSES: [Duration; 2] = [Duration::from_millis(60), Duration::from_millis(240)];

/// Histogram by `service` and `outcome`, in seconds; each repetition counts on its own.
const DURATION: &str = "digit_request_duration_seconds";

fn outcome_of<T>(answer: &Result<T, DigitError>) -> &'static str {
    match answer {
        Ok(_) => "answered",
        Err(DigitError::NotSent { .. }) => "not_sent",
        Err(DigitError::Unanswered { .. }) => "unanswered",
        Err(DigitError::Refused { .. } | DigitError::Incomplete { .. }) => "refused",
    }
}

/// An address at which no service can be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the address of {service} must be an absolute http or https URL without a user, a query and a fragment"
)]
pub struct InvalidAddress {
    pub service: &'static str,
}

/// Whether a call changes anything over there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// It only asks: repeating it is safe.
    Asks,
    /// It acts: when no answer comes it may have been carried out, and the caller decides what next.
    Acts,
}

/// The error that stands for a refusal without an error body.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnError {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl From<OwnError> for DigitError {
    fn from(error: OwnError) -> DigitError {
        DigitError::Incomplete { code: error.code, message: error.message.to_owned() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    client: Client,
    service: &'static str,
    url: Url,
    nature: Nature,
    refusal: OwnError,
}

impl Endpoint {
    /// The address `path` at `host`, however many slashes either brings.
    pub(super) fn new(
        client: &Client,
        service: &'static str,
        (host, path): (&str, &str),
        nature: Nature,
        refusal: OwnError,
    ) -> Result<Endpoint, InvalidAddress> {
        let url = join(host, path).ok_or(InvalidAddress { service })?;
        metrics::describe_histogram!(
            DURATION,
            metrics::Unit::Seconds,
            "How long calls to DIGIT's services took, by service and outcome"
        );
        Ok(Endpoint { client: client.clone(), service, url, nature, refusal })
    }

    /// The same with `value` in place of a placeholder (`{name}`) in its path; `None` for a value that is no
    /// plain word.
    pub(super) fn within(&self, placeholder: &str, value: &str) -> Option<Endpoint> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if value.is_empty() || !value.chars().all(plain) || value.chars().all(|c| c == '.') {
            return None;
        }
        // As it is written in a URL.
        let encoded = placeholder.replace('{', "%7B").replace('}', "%7D");
        let mut url = self.url.clone();
        url.set_path(&self.url.path().replace(&encoded, value));
        Some(Endpoint { url, ..self.clone() })
    }

    /// Posts a body and reads the answer; `read` gives `None` for one that cannot be what was asked for.
    ///
    /// # Errors
    /// [`DigitError::NotSent`] when no connection was established, [`DigitError::Unanswered`] when no
    /// whole and readable answer came, [`DigitError::Refused`] for a 4xx status with an error body,
    /// [`DigitError::Incomplete`] for one without.
    pub(super) async fn post<T>(
        &self,
        info: Option<&RequestInfo>,
        query: &[(&str, &str)],
        body: &impl Serialize,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, DigitError> {
        let body = serde_json::to_string(body).map_err(|error| self.not_sent(Box::new(error)))?;
        let mut url = self.url.clone();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut call =
            Call { method: Method::POST, url: url.into(), headers: Vec::new(), body: Body::Json(body) };
        if let Some(id) = info.and_then(|info| info.text("correlationId")) {
            call.correlate(&id);
        }
        self.make(&call, read).await
    }

    /// Posts a form; otherwise as [`Endpoint::post`].
    ///
    /// # Errors
    /// As of [`Endpoint::post`].
    pub(super) async fn post_form<T>(
        &self,
        headers: Vec<(String, String)>,
        fields: Vec<(String, String)>,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, DigitError> {
        let url = self.url.clone().into();
        self.make(&Call { method: Method::POST, url, headers, body: Body::Form(fields) }, read).await
    }

    async fn make<T>(&self, call: &Call, read: impl Fn(&[u8]) -> Option<T>) -> Result<T, DigitError> {
        let deadline = Instant::now() + self.client.limits().total_timeout;
        let mut pauses = match self.nature {
            Nature::Asks => PAUSES.iter(),
            Nature::Acts => [].iter(),
        };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let began = Instant::now();
            let span = tracing::debug_span!(
                target: payment_trace::INNER,
                "digit",
                otel.name = self.service,
                otel.status_code = Empty,
                pg.service = self.service,
                error.type = Empty,
            );
            let reply = self.client.send_within(call, left).instrument(span.clone()).await;
            let answer = reply.map_err(|error| self.failed(error)).and_then(|it| self.judge(it, &read));
            if answer.is_err() {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", outcome_of(&answer));
            }
            metrics::histogram!(DURATION, "service" => self.service, "outcome" => outcome_of(&answer))
                .record(began.elapsed());
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let may_pass = match &error {
                DigitError::NotSent { .. } | DigitError::Unanswered { .. } => true,
                DigitError::Refused { .. } | DigitError::Incomplete { .. } => false,
            };
            let pause = pauses.next().map(|pause| jittered(*pause)).filter(|_| may_pass);
            match pause {
                Some(pause) if Instant::now() + pause < deadline => {
                    tracing::debug!(service = self.service, "a question is asked again");
                    tokio::time::sleep(pause).await;
                }
                Some(_) | None => return Err(error),
            }
        }
    }

    fn judge<T>(&self, reply: Reply, read: impl Fn(&[u8]) -> Option<T>) -> Result<T, DigitError> {
        match reply.status {
            200..=299 => {
                read(&reply.body).ok_or_else(|| self.unanswered("the answer cannot be read".to_owned()))
            }
            // The service or something before it is in trouble: it may have acted before it was.
            408 | 429 => Err(self.unanswered(format!("HTTP status {}", reply.status))),
            400..=499 => Err(match error_body(reply.body) {
                Some(body) => DigitError::Refused { service: self.service, body },
                None => self.refusal.into(),
            }),
            status => Err(self.unanswered(format!("HTTP status {status}"))),
        }
    }

    fn failed(&self, error: CallError) -> DigitError {
        match error {
            CallError::NotSent(source) | CallError::LocalFault(source) => self.not_sent(source),
            CallError::Unanswered(source) => DigitError::Unanswered { service: self.service, source },
            CallError::Unreadable(why) => self.unanswered(why),
        }
    }

    fn not_sent(&self, source: BoxError) -> DigitError {
        DigitError::NotSent { service: self.service, source }
    }

    /// No usable answer came, for this reason.
    pub(super) fn unanswered(&self, why: String) -> DigitError {
        DigitError::Unanswered { service: self.service, source: why.into() }
    }
}

/// `path` below `host`, with one slash between them.
fn join(host: &str, path: &str) -> Option<Url> {
    let (host, path) = (host.trim(), path.trim());
    let joined = match path.trim_start_matches('/') {
        "" => host.to_owned(),
        path => format!("{}/{path}", host.trim_end_matches('/')),
    };
    // By itself the host must be an address already: without one the path would lead to another.
    let (base, url) = (Url::parse(host).ok()?, Url::parse(&joined).ok()?);
    let plain = matches!(url.scheme(), "http" | "https")
        && url.origin() == base.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url)
}

/// The body of a refusal, if it is an error body of DIGIT's services: a list `Errors`, or in the
/// older form an object `error`. Texts of a framework or a proxy are not passed on.
fn error_body(body: Vec<u8>) -> Option<String> {
    if body.len() > MAX_ERROR_BODY {
        return None;
    }
    let text = String::from_utf8(body).ok()?;
    let parsed: Value = serde_json::from_str(&text).ok()?;
    let is_list = |name| parsed.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let is_object = |name| parsed.get(name).is_some_and(Value::is_object);
    let tells = is_list("Errors") || is_list("errors") || is_object("Error") || is_object("error");
    tells.then_some(text)
}

/// A wait between `pause` and twice as long.
fn jittered(pause: Duration) -> Duration {
    // Without randomness the wait is the shortest one, which does no harm.
    let random = getrandom::u32().unwrap_or(0) % 1_000;
    pause + pause * random / 1_000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_joined_whatever_slashes_there_are() {
        for (host, path) in [
            ("http://digit.example", "user/_search"),
            ("http://digit.example/", "user/_search"),
            ("http://digit.example", "/user/_search"),
            ("http://digit.example//", "//user/_search"),
            (" http://digit.example/ ", " /user/_search "),
        ] {
            assert_eq!(
                join(host, path).unwrap().as_str(),
                "http://digit.example/user/_search",
                "{host} {path}"
            );
        }
        assert_eq!(
            join("https://gw.example:8443/digit/", "user/_search").unwrap().as_str(),
            "https://gw.example:8443/digit/user/_search"
        );
        assert_eq!(join("http://digit.example/x", "").unwrap().as_str(), "http://digit.example/x");
    }

    #[test]
    fn a_placeholder_in_a_path_is_replaced_by_a_plain_word() {
        const REFUSAL: OwnError = OwnError { code: "X", message: "x" };
        let client = Client::new(LIMITS).unwrap();
        let address = ("http://digit.example", "payments/{businessService}/_workflow");
        let endpoint = Endpoint::new(&client, "test", address, Nature::Acts, REFUSAL).unwrap();
        let url = |value| endpoint.within("{businessService}", value).map(|it| it.url.to_string());
        assert_eq!(
            url("WS.ONE_TIME-FEE").unwrap(),
            "http://digit.example/payments/WS.ONE_TIME-FEE/_workflow"
        );
        for value in ["", "..", "a/b", "a b", "a?b", "ਪਾਣੀ"] {
            assert_eq!(url(value), None, "{value}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_service_is_refused() {
        for host in ["", "digit.example", "ftp://digit.example", "http://", "http://a:b@digit.example", "/x"]
        {
            assert_eq!(join(host, "user/_search"), None, "{host}");
        }
        assert_eq!(join("http://digit.example?x=1", "y"), None);
        assert_eq!(join("http://digit.example", "y#z"), None);
    }

    #[test]
    fn only_an_error_body_of_digit_is_passed_on() {
        for body in [
            r#"{"ResponseInfo":null,"Errors":[{"code":"A"}]}"#,
            r#"{"errors":[{"code":"A"}]}"#,
            r#"{"responseInfo":null,"error":{"code":400}}"#,
        ] {
            assert_eq!(error_body(body.into()).as_deref(), Some(body));
        }
        for body in [
            "",
            "null",
            "[]",
            "\"Errors\"",
            "{}",
            r#"{"Errors":[]}"#,
            r#"{"Errors":"x"}"#,
            r#"{"timestamp":1,"status":404,"error":"Not Found","path":"/secret"}"#,
            "<html>",
        ] {
            assert_eq!(error_body(body.into()), None, "{body}");
        }
        let long = json!({"Errors": [{"code": "x".repeat(MAX_ERROR_BODY)}]}).to_string();
        assert_eq!(error_body(long.into()), None);
    }

    #[test]
    fn waits_are_spread_but_short() {
        for _ in 0..100 {
            let pause = jittered(PAUSES[1]);
            assert!((PAUSES[1]..PAUSES[1] * 2).contains(&pause));
        }
    }

    proptest! {
        #[test]
        fn no_refusal_panics(body: Vec<u8>) {
            let _ = error_body(body);
        }

        #[test]
        fn no_address_panics_and_every_one_is_http(host in "\\PC{0,40}", path in "\\PC{0,40}") {
            if let Some(url) = join(&host, &path) {
                prop_assert!(url.scheme() == "http" || url.scheme() == "https");
            }
        }
    }
}
