//! The pages of an order, and the front page.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::pay::Refusal;
use crate::WayBack;
use crate::page::{Badge, Frame, ProblemPage, SUBMIT, duration, html};
use crate::providers::desk::Found;
use crate::providers::fault::{Fault, Twist};
use crate::providers::order::{Choice, Order, State as OrderState};
use crate::providers::provider::Provider;
use crate::providers::{BookEntry, Providers};

const NEWEST: usize = 20;

fn frame(providers: &Providers, provider: Option<Provider>) -> Frame {
    let theme = provider.map_or("all", Provider::path);
    Frame::new(&providers.inner.base_path, theme, provider.map_or("Payment providers", Provider::title))
}

fn badge(state: OrderState) -> Badge {
    match state {
        OrderState::Open => Badge::wait("Open"),
        OrderState::Pending { .. } => Badge::wait("Pending"),
        OrderState::Paid => Badge::good("Paid"),
        OrderState::Declined { .. } => Badge::bad("Declined"),
        OrderState::Expired => Badge::bad("Expired"),
    }
}

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
    can_be_cancelled: bool,
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

#[derive(Debug)]
pub(crate) enum Problem {
    /// The provider refuses the request that the payer came with.
    Refused(Refusal),
    /// There is no such order, or the page's address was changed.
    NoSuchPage,
    /// The form is not one of ours, or incomplete.
    BadForm,
}

/// The page of a problem. It leads nowhere: an address in a request that is not genuine is
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
    html(status, &ProblemPage { frame: frame(providers, Some(provider)), heading, reason, code })
}

pub(crate) fn pay(providers: &Providers, order: &Order) -> Response {
    let view = providers.met_by(order.merchant);
    let account = view.accounts();
    let provider = order.provider();
    let merchant = match provider {
        Provider::Axis => &account.axis.merchant_id,
        Provider::Ccavenue => &account.ccavenue.merchant_id,
        Provider::Hyperswitch => &account.hyperswitch.profile_id,
        Provider::Paytm => &account.paytm.merchant_id,
        Provider::Phonepe => &account.phonepe.merchant_id,
        Provider::Payu => &account.payu.merchant_key,
        Provider::Razorpay => &account.razorpay.key_id,
        Provider::Stripe => &account.stripe.account_id,
    };
    let page = PayPage {
        frame: frame(providers, Some(provider)),
        amount: order.terms.amount.for_people(),
        order: &order.terms.id,
        merchant,
        token: providers.seal("page", &[provider.path(), &order.terms.id]),
        can_be_cancelled: provider.can_be_cancelled(),
        time_left: duration(order.expires_ms.saturating_sub(providers.now_ms())),
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
                let taken = order.terms.amount.wrong().for_people();
                ("Pay another amount", format!("{taken} is taken instead."))
            }
            Fault::Order(Twist::WrongCurrency) if order.terms.protocol.has_currencies() => {
                let taken = order.terms.amount.in_another_currency().for_people();
                ("Pay in another currency", format!("{taken} is taken instead."))
            }
            Fault::Order(Twist::Silent) => {
                ("Pay without a report", "The money is taken; only a status request finds it.".to_owned())
            }
            Fault::Order(Twist::WrongSignature) => {
                ("Pay, signed wrongly", "What comes back is not signed as it should be.".to_owned())
            }
            Fault::Order(
                Twist::WrongCurrency | Twist::UnknownCode | Twist::NotFound | Twist::DuplicateWebhooks,
            )
            | Fault::Call(_)
            | Fault::Refund(_) => {
                return None;
            }
        };
        Some(Case { choice: Choice::PayWith(fault).to_string(), title, text })
    });
    offered.collect()
}

/// The page of an order that cannot be chosen about any more, with the way back.
pub(crate) fn decided(providers: &Providers, found: &Found) -> Response {
    let order = &found.order;
    let (heading, explanation) = match (order.state, found.twist) {
        (OrderState::Paid, Some(Twist::Silent)) => (
            "Paid, without a report",
            "The money was taken. No webhook was sent and your browser stays here: the application finds out only by asking.",
        ),
        (OrderState::Paid, _) => ("Paid", "The money was taken. It cannot be paid a second time."),
        (OrderState::Pending { .. }, _) => {
            ("The answer is on its way", "The payment will be confirmed in a while.")
        }
        (OrderState::Declined { .. }, _) if order.cancelled => ("Cancelled", "Nothing was taken."),
        (OrderState::Declined { .. }, _) => ("Declined", "Nothing was taken."),
        (OrderState::Expired, _) => {
            ("The time ran out", "Nothing was taken. This order cannot be paid any more.")
        }
        (OrderState::Open, _) => ("Open", "Nothing was chosen yet."),
    };
    let page = DecidedPage {
        frame: frame(providers, Some(order.provider())),
        badge: badge(order.state),
        heading,
        explanation,
        amount: order.taken.unwrap_or(order.terms.amount).for_people(),
        order: &order.terms.id,
        way_back: providers.way_back(found),
    };
    html(StatusCode::OK, &page)
}

/// The page for a payer who leaves: nothing happens, the order stays open.
pub(crate) fn left(providers: &Providers, order: &Order) -> Response {
    let key = (order.provider(), order.terms.id.clone());
    let page = LeftPage {
        frame: frame(providers, Some(order.provider())),
        order: &order.terms.id,
        page: providers.pay_page_url(&key),
        time_left: duration(order.expires_ms.saturating_sub(providers.now_ms())),
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
        frame: frame(providers, Some(order.provider())),
        badge: badge(order.state),
        order: &order.terms.id,
        action,
        fields,
        submit: SUBMIT,
    };
    html(StatusCode::OK, &page)
}

/// `GET /`: the providers and the newest orders.
pub(crate) async fn index(State(providers): State<Providers>) -> Response {
    let keys = providers.ledger().newest(NEWEST);
    let entries = keys.iter().filter_map(|key| providers.book_entry(key));
    let orders = entries.map(line).collect();
    html(StatusCode::OK, &IndexPage { frame: frame(&providers, None), orders })
}

fn line(entry: BookEntry) -> Line {
    Line {
        provider: entry.provider.title(),
        amount: entry.taken.unwrap_or(entry.amount).for_people(),
        badge: badge(entry.state),
        fault: entry.fault.map_or("", Fault::word),
        order: entry.order,
    }
}
