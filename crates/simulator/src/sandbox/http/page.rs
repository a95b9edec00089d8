//! The pages: what stands on them, and how they become answers.

use std::sync::LazyLock;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use sha2::{Digest, Sha256};

use crate::sandbox::Sandbox;
use crate::sandbox::books::{BooksError, LogLine};
use crate::sandbox::link::BadLink;
use crate::sandbox::order::{Choice, Order, State, Terms, rupees, wrong_amount};

const STYLE: &str = include_str!("../../../templates/sandbox/style.css");

/// No script, no frame, nothing from elsewhere; exactly our one style sheet.
pub(super) static CONTENT_POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'")
});

/// What all pages share.
pub(super) struct Frame {
    pub(super) style: &'static str,
    pub(super) base: String,
}

impl Frame {
    pub(super) fn of(sandbox: &Sandbox) -> Frame {
        Frame { style: STYLE, base: sandbox.inner.base_path.clone() }
    }
}

/// A state in a word and a colour.
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) word: &'static str,
}

impl Badge {
    pub(super) fn of(state: State) -> Badge {
        match state {
            State::Created => Badge { class: "wait", word: "Open" },
            State::Pending => Badge { class: "wait", word: "Pending" },
            State::Paid => Badge { class: "good", word: "Paid" },
            State::Declined => Badge { class: "bad", word: "Declined" },
            State::Expired => Badge { class: "bad", word: "Expired" },
        }
    }
}

#[derive(Template)]
#[template(path = "sandbox/pay.html")]
struct PayPage<'a> {
    frame: Frame,
    amount: String,
    wrong_amount: String,
    late_after: String,
    time_left: String,
    token: String,
    terms: &'a Terms,
}

#[derive(Template)]
#[template(path = "sandbox/decided.html")]
struct DecidedPage<'a> {
    frame: Frame,
    badge: Badge,
    heading: &'static str,
    explanation: String,
    amount: String,
    terms: &'a Terms,
    payment_id: Option<String>,
    return_url: String,
    log: Vec<AgedLine>,
}

struct AgedLine {
    what: String,
    age: String,
}

#[derive(Template)]
#[template(path = "sandbox/problem.html")]
struct ProblemPage {
    frame: Frame,
    heading: &'static str,
    reason: String,
    advice: &'static str,
}

/// Why there is no page to show.
#[derive(Debug)]
pub(super) enum Problem {
    /// The pay link cannot be followed.
    Link(BadLink),
    /// The order was opened before with another amount or other addresses.
    OtherTerms,
    /// The order was not opened while it could be paid.
    TooLate,
    /// There is no such order, or the page's address was changed.
    NoSuchPage,
    /// The form is not one of ours, or incomplete.
    BadForm,
    /// The books are closed.
    Books(BooksError),
}

impl From<BooksError> for Problem {
    fn from(error: BooksError) -> Problem {
        Problem::Books(error)
    }
}

impl Problem {
    pub(super) fn answer(self, sandbox: &Sandbox) -> Response {
        let (status, heading, reason) = match &self {
            Problem::Link(BadLink::Forged) => (
                StatusCode::FORBIDDEN,
                "This pay link is not genuine",
                "Its signature does not fit: it was changed on its way here, or was made with another secret.".to_owned(),
            ),
            Problem::Link(bad @ (BadLink::Field(_) | BadLink::TooLong)) => {
                (StatusCode::BAD_REQUEST, "This pay link is broken", bad.to_string())
            }
            Problem::OtherTerms => (
                StatusCode::CONFLICT,
                "This order is known with other details",
                "An order's amount and addresses cannot change once its page was opened.".to_owned(),
            ),
            Problem::TooLate => {
                (StatusCode::GONE, "This order's time is over", "It can no longer be paid.".to_owned())
            }
            Problem::NoSuchPage => {
                (StatusCode::NOT_FOUND, "There is no such page", "Or its address was changed on the way.".to_owned())
            }
            Problem::BadForm => {
                (StatusCode::FORBIDDEN, "This form is not ours", "It was changed, or is incomplete.".to_owned())
            }
            Problem::Books(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "the sandbox's books failed");
                let reason = "Please try again in a moment: the form can be sent again without paying twice.";
                (StatusCode::SERVICE_UNAVAILABLE, "The sandbox cannot write its books", reason.to_owned())
            }
        };
        let advice = "Go back to the application and start the payment again from there.";
        let mut response = html(status, &ProblemPage { frame: Frame::of(sandbox), heading, reason, advice });
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// A rendered page as an answer.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The page of an order: with the choice while there is one, afterwards with what came of it.
pub(super) fn of_order(sandbox: &Sandbox, order: &Order, log: Vec<LogLine>) -> Response {
    let now_ms = sandbox.now_ms();
    let amount = rupees(order.terms.amount_paise);
    if order.state == State::Created {
        let late_ms = i64::try_from(sandbox.inner.settings.late_after.as_millis()).unwrap_or(i64::MAX);
        let page = PayPage {
            frame: Frame::of(sandbox),
            amount,
            wrong_amount: rupees(wrong_amount(order.terms.amount_paise)),
            late_after: duration(late_ms),
            time_left: duration(order.terms.expires_ms.saturating_sub(now_ms)),
            token: sandbox.form_token(&order.terms.order),
            terms: &order.terms,
        };
        return html(StatusCode::OK, &page);
    }
    let (heading, explanation) = explain(order, now_ms);
    let page = DecidedPage {
        frame: Frame::of(sandbox),
        badge: Badge::of(order.state),
        heading,
        explanation,
        amount: rupees(order.paid_paise.unwrap_or(order.terms.amount_paise)),
        terms: &order.terms,
        payment_id: order.payment_id(),
        return_url: sandbox.return_url(order),
        log: log.into_iter().map(|line| AgedLine { what: line.what, age: age(now_ms, line.at_ms) }).collect(),
    };
    html(StatusCode::OK, &page)
}

fn explain(order: &Order, now_ms: i64) -> (&'static str, String) {
    let asked = rupees(order.terms.amount_paise);
    match (order.state, order.choice) {
        (State::Paid, Some(Choice::SayNothing)) => (
            "Paid, and nobody was told",
            "The money was taken. No callback was sent and your browser stays here: the application finds out only by asking."
                .to_owned(),
        ),
        (State::Paid, Some(Choice::WrongAmount)) => (
            "Paid, but not what was asked",
            format!("The application asked for {asked}. It is told what was really taken:"),
        ),
        (State::Paid, _) => ("Paid", "The money was taken. It cannot be paid a second time.".to_owned()),
        (State::Pending, _) => {
            let left = order.due_ms.unwrap_or(now_ms).saturating_sub(now_ms);
            ("The answer is on its way", format!("The payment is confirmed, and the application told, in {}.", duration(left)))
        }
        (State::Declined, _) => ("Declined", "Nothing was taken. This order cannot be paid any more.".to_owned()),
        (State::Expired, _) => {
            ("The time ran out", "Nothing was taken. This order cannot be paid any more.".to_owned())
        }
        (State::Created, _) => ("Open", "Nothing was chosen yet.".to_owned()),
    }
}

/// A span of time for people, in its largest unit.
fn duration(span_ms: i64) -> String {
    let seconds = span_ms.max(0) / 1_000;
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// How long ago something was.
pub(super) fn age(now_ms: i64, at_ms: i64) -> String {
    let span_ms = now_ms.saturating_sub(at_ms);
    if span_ms < 5_000 { "just now".to_owned() } else { format!("{} ago", duration(span_ms)) }
}

/// The address of an order's page.
pub(super) fn order_link(sandbox: &Sandbox, order: &str) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("order", order)
        .append_pair("token", &sandbox.form_token(order))
        .finish();
    format!("{}/order?{query}", sandbox.inner.base_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_read_well() {
        for (span_ms, text) in [
            (-5, "0 seconds"),
            (1_999, "1 second"),
            (20_000, "20 seconds"),
            (1_800_000, "30 minutes"),
            (7_200_000, "2 hours"),
            (i64::MAX, "106751991167 days"),
        ] {
            assert_eq!(duration(span_ms), text);
        }
        assert_eq!(age(10_000, 9_000), "just now");
        assert_eq!(age(0, i64::MAX), "just now", "a clock that was set back");
    }
}
