//! The pages: what stands on them, and how they become answers.

use std::sync::LazyLock;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::pay::Refusal;
use crate::providers::desk::Found;
use crate::providers::fault::{Fault, Twist};
use crate::providers::money::{rupees_for_people, wrong_amount};
use crate::providers::order::{Choice, Order, State as OrderState};
use crate::providers::provider::Provider;
use crate::providers::visitor::WayBack;
use crate::providers::{BookEntry, Providers};

const STYLE: &str = include_str!("../../../templates/providers/style.css");
/// Sends the form of the page that sends the browser back; without it there is a button.
const SUBMIT: &str = "document.forms[0].submit()";
/// How many orders the front page lists.
const NEWEST: usize = 20;

/// Nothing from elsewhere; exactly our one style sheet and our one line of script.
pub(crate) static CONTENT_POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
    let (style, script) = (digest(STYLE), digest(SUBMIT));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// What all pages share.
struct Frame {
    style: &'static str,
    base: String,
    /// `axis` and so on, or `all`: the colours.
    theme: &'static str,
    title: &'static str,
}

impl Frame {
    fn of(providers: &Providers, provider: Option<Provider>) -> Frame {
        Frame {
            style: STYLE,
            base: providers.inner.base_path.clone(),
            theme: provider.map_or("all", Provider::path),
            title: provider.map_or("payment providers", Provider::title),
        }
    }
}

/// A state in a word and a colour.
struct Badge {
    class: &'static str,
    word: &'static str,
}

impl Badge {
    fn of(state: OrderState) -> Badge {
        match state {
            OrderState::Open => Badge { class: "wait", word: "Open" },
            OrderState::Pending { .. } => Badge { class: "wait", word: "Pending" },
            OrderState::Paid => Badge { class: "good", word: "Paid" },
            OrderState::Declined { .. } => Badge { class: "bad", word: "Declined" },
            OrderState::Expired => Badge { class: "bad", word: "Expired" },
        }
    }
}

/// A choice beyond the usual ones.
struct Case {
    choice: String,
    title: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "providers/pay.html")]
struct PayPage<'a> {
    frame: Frame,
    amount: String,
    order: &'a str,
    merchant: &'a str,
    token: String,
    time_left: String,
    cases: Vec<Case>,
}

#[derive(Template)]
#[template(path = "providers/decided.html")]
struct DecidedPage<'a> {
    frame: Frame,
    badge: Badge,
    heading: &'static str,
    explanation: &'static str,
    amount: String,
    order: &'a str,
    way_back: WayBack,
}

#[derive(Template)]
#[template(path = "providers/left.html")]
struct LeftPage<'a> {
    frame: Frame,
    order: &'a str,
    page: String,
    time_left: String,
}

#[derive(Template)]
#[template(path = "providers/back.html")]
struct BackPage<'a> {
    frame: Frame,
    badge: Badge,
    order: &'a str,
    action: &'a str,
    fields: &'a [(String, String)],
    submit: &'static str,
}

#[derive(Template)]
#[template(path = "providers/problem.html")]
struct ProblemPage {
    frame: Frame,
    heading: &'static str,
    reason: String,
    code: Option<String>,
}

#[derive(Template)]
#[template(path = "providers/index.html")]
struct IndexPage {
    frame: Frame,
    orders: Vec<Line>,
}

struct Line {
    provider: &'static str,
    order: String,
    amount: String,
    badge: Badge,
    fault: &'static str,
}

/// Why there is no page to show.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The provider refuses the request that the payer came with.
    Refused(Refusal),
    /// There is no such order, or the page's address was changed.
    NoSuchPage,
    /// The form is not one of ours, or incomplete.
    BadForm,
}

fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page that says what is wrong. It sends nobody on: an address in a request that is not genuine is
/// not one to follow.
pub(crate) fn problem(providers: &Providers, provider: Provider, problem: Problem) -> Response {
    let (status, heading, reason, code) = match problem {
        Problem::Refused(refusal) => {
            (StatusCode::BAD_REQUEST, "This payment cannot be made", refusal.message, Some(refusal.code))
        }
        Problem::NoSuchPage => (
            StatusCode::NOT_FOUND,
            "There is no such order",
            "Or the address of this page was changed, or the simulator was restarted.".to_owned(),
            None,
        ),
        Problem::BadForm => (
            StatusCode::FORBIDDEN,
            "This form is not ours",
            "It was changed, is incomplete, or the simulator was restarted.".to_owned(),
            None,
        ),
    };
    html(status, &ProblemPage { frame: Frame::of(providers, Some(provider)), heading, reason, code })
}

/// The page on which the payer chooses.
pub(crate) fn pay(providers: &Providers, order: &Order) -> Response {
    let account = &providers.inner.settings;
    let provider = order.provider();
    let merchant = match provider {
        Provider::Axis => &account.axis.merchant_id,
        Provider::Paytm => &account.paytm.merchant_id,
        Provider::Phonepe => &account.phonepe.merchant_id,
        Provider::Payu => &account.payu.merchant_key,
    };
    let page = PayPage {
        frame: Frame::of(providers, Some(provider)),
        amount: rupees_for_people(order.terms.amount_paise),
        order: &order.terms.id,
        merchant,
        token: providers.seal("page", &[provider.path(), &order.terms.id]),
        time_left: span(order.expires_ms.saturating_sub(providers.now_ms())),
        cases: cases(order),
    };
    html(StatusCode::OK, &page)
}

fn cases(order: &Order) -> Vec<Case> {
    let offered = Fault::ALL.into_iter().filter_map(|fault| {
        let (title, text) = match fault {
            Fault::Order(Twist::Pending { seconds }) => {
                ("Pay, confirmed late", format!("“Pending” at first; paid {seconds} seconds later."))
            }
            Fault::Order(Twist::PaidAfterDeclined { seconds }) => (
                "Declined, then paid",
                format!("“Declined” at first; paid all the same {seconds} seconds later."),
            ),
            Fault::Order(Twist::WrongAmount) => {
                let taken = rupees_for_people(wrong_amount(order.terms.amount_paise));
                ("Pay another amount", format!("{taken} is taken instead."))
            }
            Fault::Order(Twist::Silent) => {
                ("Pay and tell nobody", "The money is taken; only asking finds out.".to_owned())
            }
            Fault::Order(Twist::WrongSignature) => {
                ("Pay, signed wrongly", "What comes back is not signed as it should be.".to_owned())
            }
            Fault::Order(Twist::UnknownCode | Twist::NotFound | Twist::DuplicateWebhooks)
            | Fault::Call(_) => {
                return None;
            }
        };
        Some(Case { choice: Choice::PayWith(fault).word(), title, text })
    });
    offered.collect()
}

/// The page of an order that cannot be chosen about any more, with the way back.
pub(crate) fn decided(providers: &Providers, found: &Found) -> Response {
    let order = &found.order;
    let (heading, explanation) = match (order.state, found.twist) {
        (OrderState::Paid, Some(Twist::Silent)) => (
            "Paid, and nobody was told",
            "The money was taken. No webhook was sent and your browser stays here: the application finds out only by asking.",
        ),
        (OrderState::Paid, _) => ("Paid", "The money was taken. It cannot be paid a second time."),
        (OrderState::Pending { .. }, _) => {
            ("The answer is on its way", "The payment will be confirmed in a while.")
        }
        (OrderState::Declined { .. }, _) => ("Declined", "Nothing was taken."),
        (OrderState::Expired, _) => {
            ("The time ran out", "Nothing was taken. This order cannot be paid any more.")
        }
        (OrderState::Open, _) => ("Open", "Nothing was chosen yet."),
    };
    let page = DecidedPage {
        frame: Frame::of(providers, Some(order.provider())),
        badge: Badge::of(order.state),
        heading,
        explanation,
        amount: rupees_for_people(order.taken_paise.unwrap_or(order.terms.amount_paise)),
        order: &order.terms.id,
        way_back: providers.way_back(found),
    };
    html(StatusCode::OK, &page)
}

/// The page for a payer who leaves: nothing happens, the order stays open.
pub(crate) fn left(providers: &Providers, order: &Order) -> Response {
    let key = (order.provider(), order.terms.id.clone());
    let page = LeftPage {
        frame: Frame::of(providers, Some(order.provider())),
        order: &order.terms.id,
        page: providers.pay_page_url(&key),
        time_left: span(order.expires_ms.saturating_sub(providers.now_ms())),
    };
    html(StatusCode::OK, &page)
}

/// The page that posts the browser back to the merchant.
pub(crate) fn back(
    providers: &Providers,
    order: &Order,
    action: &str,
    fields: &[(String, String)],
) -> Response {
    let page = BackPage {
        frame: Frame::of(providers, Some(order.provider())),
        badge: Badge::of(order.state),
        order: &order.terms.id,
        action,
        fields,
        submit: SUBMIT,
    };
    html(StatusCode::OK, &page)
}

/// `GET /`: which providers there are and what was ordered last.
pub(crate) async fn index(State(providers): State<Providers>) -> Response {
    let keys = providers.ledger().newest(NEWEST);
    let entries = keys.iter().filter_map(|key| providers.book_entry(key));
    let orders = entries.map(line).collect();
    html(StatusCode::OK, &IndexPage { frame: Frame::of(&providers, None), orders })
}

fn line(entry: BookEntry) -> Line {
    Line {
        provider: entry.provider.title(),
        amount: rupees_for_people(entry.taken_paise.unwrap_or(entry.amount_paise)),
        badge: Badge::of(entry.state),
        fault: entry.fault.map_or("", Fault::word),
        order: entry.order,
    }
}

/// A span of time for people.
fn span(span_ms: i64) -> String {
    let seconds = span_ms.max(0) / 1_000;
    // A minute that has begun counts, so that half an hour does not begin with 29 minutes.
    let (count, unit) = if seconds < 120 { (seconds, "second") } else { ((seconds + 59) / 60, "minute") };
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
        ] {
            assert_eq!(span(span_ms), text);
        }
    }
}
