//! The pages of an order.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::page::{Badge, Frame, ProblemPage, duration, html};
use crate::sandbox::Sandbox;
use crate::sandbox::books::{BooksError, LogLine};
use crate::sandbox::link::BadLink;
use crate::sandbox::order::{Choice, Order, State, Terms};

pub(super) fn frame(sandbox: &Sandbox) -> Frame {
    Frame::new(&sandbox.inner.base_path, "sandbox", "Sandbox gateway")
}

pub(super) fn badge(state: State) -> Badge {
    match state {
        State::Created => Badge::wait("Open"),
        State::Pending => Badge::wait("Pending"),
        State::Paid => Badge::good("Paid"),
        State::Declined => Badge::bad("Declined"),
        State::Expired => Badge::bad("Expired"),
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

#[derive(Debug)]
pub(super) enum Problem {
    Link(BadLink),
    /// The order was opened before with another amount or other addresses.
    OtherTerms,
    /// The order was not opened while it could be paid.
    TooLate,
    /// There is no such order, or the page's address was changed.
    NoSuchPage,
    /// The form is not one of ours, or incomplete.
    BadForm,
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
        let mut response = html(status, &ProblemPage { frame: frame(sandbox), heading, reason, code: None });
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// The page of an order: with the choice while there is one, afterwards with the result.
pub(super) fn of_order(sandbox: &Sandbox, order: &Order, log: Vec<LogLine>) -> Response {
    let now_ms = sandbox.now_ms();
    let amount = order.terms.asked().for_people();
    if order.state == State::Created {
        let late_ms = i64::try_from(sandbox.inner.settings.late_after.as_millis()).unwrap_or(i64::MAX);
        let page = PayPage {
            frame: frame(sandbox),
            amount,
            wrong_amount: order.terms.asked().wrong().for_people(),
            late_after: duration(late_ms),
            time_left: duration(order.terms.expires_ms.saturating_sub(now_ms)),
            token: sandbox.form_token(&order.terms.order),
            terms: &order.terms,
        };
        return html(StatusCode::OK, &page);
    }
    let (heading, explanation) = explain(order, now_ms);
    let page = DecidedPage {
        frame: frame(sandbox),
        badge: badge(order.state),
        heading,
        explanation,
        amount: order.terms.amount_of(order.paid_paise.unwrap_or(order.terms.amount_paise)).for_people(),
        terms: &order.terms,
        payment_id: order.payment_id(),
        return_url: sandbox.return_url(order),
        log: log.into_iter().map(|line| AgedLine { what: line.what, age: age(now_ms, line.at_ms) }).collect(),
    };
    html(StatusCode::OK, &page)
}

fn explain(order: &Order, now_ms: i64) -> (&'static str, String) {
    let asked = order.terms.asked().for_people();
    match (order.state, order.choice) {
        (State::Paid, Some(Choice::SayNothing)) => (
            "Paid, without a report",
            "The money was taken. No callback was sent and your browser stays here: the application finds out only by asking."
                .to_owned(),
        ),
        (State::Paid, Some(Choice::WrongAmount)) => (
            "Paid, but not what was asked",
            format!("The application asked for {asked}. The report states the amount taken:"),
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

pub(super) fn age(now_ms: i64, at_ms: i64) -> String {
    let span_ms = now_ms.saturating_sub(at_ms);
    if span_ms < 5_000 { "just now".to_owned() } else { format!("{} ago", duration(span_ms)) }
}

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
    fn an_age_is_shown_even_after_the_clock_was_set_back() {
        assert_eq!(age(10_000, 9_000), "just now");
        assert_eq!(age(0, i64::MAX), "just now");
    }
}
