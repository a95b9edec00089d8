//! Payments: found by any of their numbers, or listed by filters that are all shown. The address is the view.

use askama::Template;
use http::StatusCode;
use payment_domain::{Currency, GatewayName, Money, StatusName, Transaction, TxnId};
use payment_store::{NamedQuery, PaymentQuery, TenantScope, common_scopes};

use super::{Chip, Choice, ROWS, chip, one_more_than_a_page, one_page, payment_link};
use crate::context::Context;
use crate::failure::Outcome;
use crate::format::{self, Tag};
use crate::language::fill;
use crate::links::Link;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "payments.html")]
struct PaymentsPage {
    f: Frame,
    action: String,
    q: String,
    problems: Vec<Problem>,
    filters: Filters,
    statuses: Vec<Choice>,
    gateways: Vec<Choice>,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

struct Problem {
    field: &'static str,
    text: String,
}

/// The filters as they were typed.
#[derive(Default)]
struct Filters {
    tenant: String,
    status: String,
    gateway: String,
    service: String,
    from: String,
    to: String,
    amount_from: String,
    amount_to: String,
}

struct Row {
    href: String,
    id: String,
    tag: Tag,
    amount: String,
    created: String,
    payer: String,
    consumer_code: String,
    gateway: String,
    receipt: String,
    tenant: String,
}

/// `GET /payments`
pub(crate) async fn list(context: &Context) -> Outcome {
    match context.query.text("q") {
        Some(words) => find(context, words).await,
        None => filtered(context).await,
    }
}

/// One payment that is found is shown at once.
async fn find(context: &Context, words: &str) -> Outcome {
    let within = context.narrowed();
    let limit = u32::try_from(ROWS).unwrap_or(u32::MAX);
    let query = NamedQuery { within, spellings: spellings(words), limit };
    let found = context.payments().ports.store.payments_named(&query).await?;
    if let [only] = found.as_slice() {
        return page::see(&payment_link(context, only.id.as_str()).href());
    }
    let t = context.language.texts();
    let list = context.link("/payments");
    let link = list.clone().with("q", words).with_all([("tenant", context.query.text("tenant"))]);
    let mut chips = vec![chip(t.search, words, &link, "q")];
    chips.push(tenants_chip(context, &link));
    page::html(&PaymentsPage {
        f: Frame::of(context, t.payments, &[]),
        action: list.href(),
        q: words.to_owned(),
        problems: Vec::new(),
        filters: Filters::default(),
        statuses: Vec::new(),
        gateways: Vec::new(),
        chips,
        rows: found.iter().map(|txn| row(context, txn)).collect(),
        first: None,
        next: None,
    })
}

/// A number as it was typed, without blanks, and in letters of either case.
fn spellings(words: &str) -> Vec<String> {
    const LONGEST: usize = 128;
    let typed: String =
        words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect();
    let joined: String = typed.chars().filter(|char| !char.is_whitespace()).collect();
    let mut all = Vec::new();
    for spelling in [typed, joined] {
        for spelling in [spelling.to_uppercase(), spelling.to_lowercase(), spelling] {
            if !all.contains(&spelling) {
                all.push(spelling);
            }
        }
    }
    all
}

async fn filtered(context: &Context) -> Outcome {
    let t = context.language.texts();
    let typed = Filters::typed(context);
    let (query, problems) = typed.read(context);
    let list = context.link("/payments");
    let view = list.clone().with_all(typed.parameters());
    let (found, is_more) = match problems.is_empty() {
        true => one_page(context.payments().ports.store.list_payments(&query).await?),
        false => (Vec::new(), false),
    };
    let next =
        found.last().filter(|_| is_more).map(|last| view.clone().with("after", last.id.as_str()).href());
    let gateways = context.payments().ports.gateways.names();
    let page = PaymentsPage {
        f: Frame::of(context, t.payments, &[]),
        action: list.href(),
        q: String::new(),
        statuses: choices(t.all, &typed.status, status_choices(context)),
        gateways: choices(
            t.all,
            &typed.gateway,
            gateways.iter().map(|name| (name.to_string(), name.to_string())),
        ),
        chips: typed.chips(context, &view),
        rows: found.iter().map(|txn| row(context, txn)).collect(),
        first: query.after.as_ref().map(|_| view.href()),
        next,
        filters: typed,
        problems,
    };
    let status = if page.problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page::html_with(status, &page)
}

fn status_choices(context: &Context) -> impl Iterator<Item = (String, String)> {
    let t = context.language.texts();
    let all = [StatusName::Pending, StatusName::Success, StatusName::Failure];
    all.into_iter().map(|status| (status.as_str().to_owned(), format::status_word(t, status).to_owned()))
}

/// The options of a filter, the first of which filters nothing.
fn choices(all: &str, chosen: &str, others: impl Iterator<Item = (String, String)>) -> Vec<Choice> {
    let choice = |(value, word): (String, String)| Choice { is_chosen: value == chosen, value, word };
    std::iter::once((String::new(), all.to_owned())).chain(others).map(choice).collect()
}

fn tenants_chip(context: &Context, link: &Link) -> Chip {
    let t = context.language.texts();
    if let Some(tenant) = context.query.text("tenant") {
        return chip(t.tenant, tenant, link, "tenant");
    }
    let roots: Vec<String> = context.narrowed().into_iter().map(|scope| scope.root).collect();
    Chip { text: fill(t.all_of_tenants, [&roots.join(", ")]), remove: None }
}

fn row(context: &Context, txn: &Transaction) -> Row {
    Row {
        href: payment_link(context, txn.id.as_str()).href(),
        id: txn.id.to_string(),
        tag: format::status_tag(context.language, txn),
        amount: format::amount(txn),
        created: format::moment(context, txn.audit.created_at),
        payer: txn.payer.name.masked(),
        consumer_code: txn.consumer_code.clone(),
        gateway: txn.gateway.to_string(),
        receipt: txn.receipt().unwrap_or_default().to_owned(),
        tenant: txn.tenant_id.to_string(),
    }
}

impl Filters {
    fn typed(context: &Context) -> Filters {
        let text = |name| context.query.text(name).unwrap_or_default().to_owned();
        Filters {
            tenant: text("tenant"),
            status: text("status"),
            gateway: text("gateway"),
            service: text("service"),
            from: text("from"),
            to: text("to"),
            amount_from: text("amount_from"),
            amount_to: text("amount_to"),
        }
    }

    /// Those that are set.
    fn parameters(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        [
            ("tenant", &self.tenant),
            ("status", &self.status),
            ("gateway", &self.gateway),
            ("service", &self.service),
            ("from", &self.from),
            ("to", &self.to),
            ("amount_from", &self.amount_from),
            ("amount_to", &self.amount_to),
        ]
        .into_iter()
        .map(|(name, value)| (name, Some(value.as_str()).filter(|value| !value.is_empty())))
    }

    /// The filters in force, the default included.
    fn chips(&self, context: &Context, view: &Link) -> Vec<Chip> {
        let t = context.language.texts();
        let mut chips = vec![tenants_chip(context, view)];
        let status = StatusName::from_word(&self.status);
        let status = status.map_or(self.status.as_str(), |status| format::status_word(t, status));
        let (from, to) = (format::day_shown(&self.from), format::day_shown(&self.to));
        for (name, value, parameter, none) in [
            (t.status, status, "status", Some(t.any_status)),
            (t.from_day, from.as_str(), "from", Some(t.any_day)),
            (t.to_day, to.as_str(), "to", None),
            (t.gateway, self.gateway.as_str(), "gateway", None),
            (t.service, self.service.as_str(), "service", None),
            (t.amount_from, self.amount_from.as_str(), "amount_from", None),
            (t.amount_to, self.amount_to.as_str(), "amount_to", None),
        ] {
            match (value.is_empty(), none) {
                (false, _) => chips.push(chip(name, value, view, parameter)),
                (true, Some(none)) => chips.push(Chip { text: none.to_owned(), remove: None }),
                (true, None) => {}
            }
        }
        chips
    }

    /// A filter that cannot be read is a problem: a list without it would show more than was asked for.
    fn read(&self, context: &Context) -> (PaymentQuery, Vec<Problem>) {
        let t = context.language.texts();
        let mut problems = Vec::new();
        let mut problem = |field, name: &str, rule: &str| {
            problems.push(Problem { field, text: format!("{name}: {rule}") });
        };
        let set = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let narrow = set(&self.tenant).map(|root| TenantScope { root });
        let within = match narrow {
            Some(scope) => common_scopes(&context.scopes, &[scope]),
            None => context.narrowed(),
        };
        let status = set(&self.status).and_then(|word| {
            let status = StatusName::from_word(&word);
            if status.is_none() {
                problem("status", t.status, t.choose_listed);
            }
            status
        });
        let zone = &context.payments().ports.settings.time_zone;
        let mut day = |field, name, text: &str| {
            let day = set(text).map(|text| format::day(zone, &text));
            if day == Some(None) {
                problem(field, name, t.write_day);
            }
            day.flatten()
        };
        let (from, to) = (day("from", t.from_day, &self.from), day("to", t.to_day, &self.to));
        let mut amount = |field, name, text: &str| {
            let plain: String = text.chars().filter(|char| !matches!(char, ',' | '₹' | ' ')).collect();
            let amount = set(&plain).map(|plain| Money::parse(&plain, Currency::INR));
            if matches!(amount, Some(Err(_))) {
                problem(field, name, t.write_amount);
            }
            amount.and_then(Result::ok)
        };
        let (amount_from, amount_to) = (
            amount("amount_from", t.amount_from, &self.amount_from),
            amount("amount_to", t.amount_to, &self.amount_to),
        );
        let after = context.query.text("after").and_then(|id| TxnId::new(id).ok());
        let query = PaymentQuery {
            within,
            status,
            gateway: set(&self.gateway).map(|name| GatewayName::new(name.as_str())),
            module: set(&self.service),
            amount_from,
            amount_to,
            from: from.map(|(begins, _)| begins),
            to: to.map(|(_, ends)| ends),
            after,
            limit: one_more_than_a_page(),
        };
        (query, problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_case_and_blanks_are_other_spellings() {
        let all = spellings("  pb_PG  2026\t7 ");
        for spelling in ["pb_PG 2026 7", "PB_PG20267", "pb_pg20267", "pb_PG20267", "PB_PG 2026 7"] {
            assert!(all.iter().any(|known| known == spelling), "{spelling}: {all:?}");
        }
        assert_eq!(spellings("123"), ["123"]);
        assert_eq!(spellings(&"x".repeat(1000))[0].len(), 128);
    }
}
