//! The frame of the pages of the sandbox and of the providers.

use std::sync::LazyLock;

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../templates/style.css");
/// Sends the form of the page that sends the browser back; without scripts there is a button.
pub(crate) const SUBMIT: &str = "document.forms[0].submit()";

/// No foreign content; exactly our one style sheet, and one line of script on pages that submit a form by
/// themselves. There is no `form-action`: browsers apply it to the whole chain of redirects behind a form,
/// and that leads to addresses only the application knows.
static CONTENT_POLICY: LazyLock<String> = LazyLock::new(|| {
    format!("default-src 'none'; style-src '{}'; base-uri 'none'; frame-ancestors 'none'", digest(STYLE))
});

/// The policy with the one line of script.
static SUBMIT_POLICY: LazyLock<String> =
    LazyLock::new(|| format!("{}; script-src '{}'", *CONTENT_POLICY, digest(SUBMIT)));

fn digest(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

pub(crate) async fn guarded(response: Response) -> Response {
    with_headers(response, &CONTENT_POLICY)
}

/// The headers of every answer with a page that may submit a form by itself.
pub(crate) async fn guarded_with_submit(response: Response) -> Response {
    with_headers(response, &SUBMIT_POLICY)
}

fn with_headers(mut response: Response, policy: &str) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

pub(crate) struct Frame {
    pub(crate) style: &'static str,
    pub(crate) base: String,
    /// The class of the colours: `sandbox`, `axis` and so on, or `all`.
    pub(crate) theme: &'static str,
    pub(crate) title: &'static str,
}

impl Frame {
    pub(crate) fn new(base: &str, theme: &'static str, title: &'static str) -> Frame {
        Frame { style: STYLE, base: base.to_owned(), theme, title }
    }
}

/// A state in a word and a colour.
pub(crate) struct Badge {
    /// `good`, `bad` or `wait`.
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
}

impl Badge {
    pub(crate) fn good(word: &'static str) -> Badge {
        Badge { class: "good", word }
    }

    pub(crate) fn bad(word: &'static str) -> Badge {
        Badge { class: "bad", word }
    }

    pub(crate) fn wait(word: &'static str) -> Badge {
        Badge { class: "wait", word }
    }
}

/// Nothing was paid, and why.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage {
    pub(crate) frame: Frame,
    pub(crate) heading: &'static str,
    pub(crate) reason: String,
    pub(crate) code: Option<String>,
}

pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A span of time for people, in its largest unit.
pub(crate) fn duration(span_ms: i64) -> String {
    let seconds = span_ms.max(0) / 1_000;
    // A unit that has begun counts, so that half an hour does not begin with 29 minutes.
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => ((seconds + 59) / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_read_well() {
        for (span_ms, text) in [
            (-5, "0 seconds"),
            (1_999, "1 second"),
            (119_000, "119 seconds"),
            (1_799_000, "30 minutes"),
            (1_800_000, "30 minutes"),
            (7_200_000, "2 hours"),
            (i64::MAX, "106751991167 days"),
        ] {
            assert_eq!(duration(span_ms), text);
        }
    }
}
