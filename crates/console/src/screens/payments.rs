//! Payments: found by any of their numbers, or listed by filters that are all shown. The address is the view.

use std::collections::BTreeSet;
use std::time::Duration;

use askama::Template;
use payment_domain::{GatewayName, Personal, StatusName, TenantId, Timestamp, Transaction, TxnId};
use payment_service::ExportedList;
use payment_store::{NamedQuery, PaymentQuery, ReceiptState, Store, StoreError, TenantScope, common_scopes};
use tokio::time::Instant;

use super::payment_link;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::list::{Choice, Filters, List, ROWS, one_more_than_a_page, one_page};
use crate::page::{self, Frame, Named};
use crate::sealed;

/// About how many payments a page looks at.
const EXAMINED: u32 = 500;
/// How long a search goes on that a caller has asked to.
const SEARCH_ON: Duration = Duration::from_secs(1);
const LONGEST_WORDS: usize = 128;
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Template)]
#[template(path = "payments.html")]
struct PaymentsPage {
    f: Frame,
    q: String,
    list: List,
    rows: Vec<Row>,
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
    match sought(context)? {
        Some(Sought { parameter, words, mobile }) => named(context, parameter, &words, mobile).await,
        None => filtered(context).await,
    }
}

/// The words of a search.
struct Sought<'c> {
    parameter: (&'static str, &'c str),
    words: Personal,
    mobile: Option<Personal>,
}

fn sought(context: &Context) -> Result<Option<Sought<'_>>, Failure> {
    Ok(match (context.query.text("s"), context.query.text("q")) {
        (Some(sealed), _) => {
            let words = context.search_key.as_ref().and_then(|key| key.open(sealed));
            let words = words.ok_or(Failure::invalid(context.language.texts().lists.search_over))?;
            Some(Sought { parameter: ("s", sealed), mobile: sealed::mobile_number(words.expose()), words })
        }
        (None, Some(words)) => {
            Some(Sought { parameter: ("q", words), words: Personal::new(words), mobile: None })
        }
        (None, None) => None,
    })
}

/// The payments of the view.
pub(super) fn exported(context: &Context) -> Result<ExportedList, Failure> {
    if let Some(Sought { words, mobile, .. }) = sought(context)? {
        let (within, spellings) = (context.narrowed(), spellings(words.expose()));
        return Ok(ExportedList::Found(NamedQuery { within, spellings, mobile, ..NamedQuery::default() }));
    }
    let mut filters = Filters::of(context, "/payments");
    let query = read(context, &mut filters, Vec::new());
    filters.refuse_unreadable()?;
    Ok(ExportedList::Payments(query))
}

/// `POST /payments/find`: to the list of what the words name.
pub(crate) async fn find(context: &Context) -> Outcome {
    let words = context.form.text("q").unwrap_or_default();
    let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = Personal::new(words.chars().take(LONGEST_WORDS).collect::<String>());
    let list = context.link("/payments");
    let list = match &context.search_key {
        _ if words.expose().is_empty() => list,
        _ if sealed::names_no_person(words.expose()) => list.with("q", words.expose()),
        Some(key) => list.with("s", key.seal(&words)?),
        None => return Err(Failure::LoggedOut),
    };
    page::see(&list.href())
}

/// The payments that a number names. One that is found alone is shown at once.
async fn named(
    context: &Context,
    (parameter, value): (&'static str, &str),
    words: &Personal,
    mobile: Option<Personal>,
) -> Outcome {
    let t = context.language.texts();
    let mut filters = Filters::of(context, "/payments");
    let is_sealed = value != words.expose();
    filters.kept(parameter, value);
    let shown = if is_sealed { words.masked() } else { words.expose().to_owned() };
    filters.chip(t.lists.search, &shown, parameter);
    let query = NamedQuery {
        within: filters.tenants(Vec::new()),
        spellings: spellings(words.expose()),
        mobile,
        after: context.query.text("after").and_then(|id| TxnId::new(id).ok()),
        limit: one_more_than_a_page(),
    };
    let (found, is_more) = one_page(context.payments().ports.store.payments_named(&query).await?);
    if let ([only], None) = (found.as_slice(), &query.after) {
        return page::see(&payment_link(context, only.id.as_str()).href());
    }
    let next = found.last().filter(|_| is_more).map(|last| ("after", last.id.to_string()));
    let list = filters.newest_first(next);
    page::html(&PaymentsPage {
        f: Frame::of(context, t.frame.payments, &[]),
        q: words.expose().to_owned(),
        list: List { fields: Vec::new(), ..list },
        rows: found.iter().map(|txn| row(context, txn)).collect(),
    })
}

/// A number as it was typed, without blanks, and in letters of either case.
fn spellings(words: &str) -> Vec<String> {
    let typed = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let typed: String = typed.chars().take(LONGEST_WORDS).collect();
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
    let store = &context.payments().ports.store;
    let own = common_scopes(&context.scopes, &context.scopes);
    let tree = tree(&own, store.tenants_within(&own).await?);
    let mut filters = Filters::of(context, "/payments");
    let query = read(context, &mut filters, tree);
    let status = filters.status();
    let (mut found, mut is_more, mut searched) = (Vec::new(), false, None);
    if filters.is_readable() {
        // Who goes on searching waits for more than one step.
        let is_going_on = context.query.text("before").is_some();
        let until = is_going_on.then(|| Instant::now() + SEARCH_ON);
        let horizon;
        ((found, is_more), horizon) = look_back(store.as_ref(), query, EXAMINED, until).await?;
        searched = horizon.filter(|_| !is_more).map(|at| Named {
            name: fill(t.lists.searched_to, [&format::moment(context, at)]),
            href: filters.onward("before", &at.as_millis().to_string()),
        });
    }
    let next = found.last().filter(|_| is_more).map(|last| ("after", last.id.to_string()));
    let list = filters.newest_first(next);
    let page = PaymentsPage {
        f: Frame::of(context, t.frame.payments, &[]),
        q: String::new(),
        list: List { searched, ..list },
        rows: found.iter().map(|txn| row(context, txn)).collect(),
    };
    page::html_with(status, &page)
}

/// A page of payments, and how far back was looked for it where that is not to the end of the list. One step looks at
/// about `examined` payments; further ones follow until the page is full or the time is over.
pub(crate) async fn look_back(
    store: &dyn Store,
    mut query: PaymentQuery,
    examined: u32,
    until: Option<Instant>,
) -> Result<((Vec<Transaction>, bool), Option<Timestamp>), StoreError> {
    let mut found = Vec::new();
    loop {
        let horizon = store.payments_horizon(&query, examined).await?.filter(|at| query.from < Some(*at));
        let missing = u32::try_from((ROWS + 1).saturating_sub(found.len())).unwrap_or(0);
        let within_reach = PaymentQuery { from: horizon.or(query.from), limit: missing, ..query.clone() };
        found.extend(store.list_payments(&within_reach).await?);
        let is_over = until.is_none_or(|until| Instant::now() >= until);
        match horizon {
            Some(at) if found.len() <= ROWS && !is_over => {
                query = PaymentQuery { to: Some(at), after: None, ..query };
            }
            Some(_) | None => return Ok((one_page(found), horizon)),
        }
    }
}

fn read(context: &Context, filters: &mut Filters<'_>, tree: Vec<Choice>) -> PaymentQuery {
    let t = context.language.texts();
    let statuses = [StatusName::Pending, StatusName::Success, StatusName::Failure];
    let statuses = statuses.map(|status| (status.as_str(), format::status_word(t, status), status));
    let receipts = [
        ("issued", t.payment.flow_receipt, ReceiptState::Issued),
        ("pending", t.lists.receipt_pending, ReceiptState::Pending),
        ("none", t.lists.receipt_none, ReceiptState::None),
    ];
    let ages = ages(context);
    let gateways = context.payments().ports.gateways.names();
    let gateways = gateways.iter().map(|name| Choice::of(name.to_string(), name.to_string())).collect();
    let within = filters.tenants(tree);
    let status = filters.choice("status", t.words.status, Some(t.lists.any_status), &statuses);
    let pending_before = filters.choice("pending_for", t.lists.pending_for, None, &ages);
    let receipt = filters.choice("receipt", t.words.receipt, None, &receipts);
    let gateway = filters.listed("gateway", t.words.gateway, None, gateways);
    let module = filters.text("service", t.words.service);
    let (from, to) = filters.days();
    let (amount_from, amount_to) = filters.amounts();
    let before = context.query.number("before").map(Timestamp::from_millis);
    PaymentQuery {
        within,
        status,
        receipt,
        pending_before,
        gateway: gateway.map(|name| GatewayName::new(name.as_str())),
        module,
        amount_from,
        amount_to,
        from,
        to: [to, before].into_iter().flatten().min(),
        after: context.query.text("after").and_then(|id| TxnId::new(id).ok()),
        limit: one_more_than_a_page(),
    }
}

/// The ages by which lists are filtered, each with the moment before which what is older lies.
pub(super) fn ages(context: &Context) -> [(&'static str, &'static str, Timestamp); 4] {
    let (t, now) = (context.language.texts(), context.payments().ports.clock.now());
    [
        ("1h", t.lists.one_hour, now.minus(HOUR)),
        ("1d", t.lists.one_day, now.minus(HOUR * 24)),
        ("7d", t.lists.seven_days, now.minus(HOUR * 24 * 7)),
        ("30d", t.lists.thirty_days, now.minus(HOUR * 24 * 30)),
    ]
}

/// Tenants with those above them, as far as they are within the caller's, each further in than the one above it.
pub(super) fn tree(own: &[TenantScope], seen: Vec<TenantId>) -> Vec<Choice> {
    let is_own = |name: &str| own.iter().any(|scope| TenantId::stored(name).is_within(&scope.root));
    let mut all: BTreeSet<Vec<String>> = BTreeSet::new();
    for tenant in seen {
        let parts: Vec<String> = tenant.as_str().split('.').map(str::to_owned).collect();
        for depth in 1..=parts.len() {
            let above: Vec<String> = parts.iter().take(depth).cloned().collect();
            if is_own(&above.join(".")) {
                all.insert(above);
            }
        }
    }
    let top = all.iter().map(Vec::len).min().unwrap_or_default();
    let choice = |parts: Vec<String>| {
        let name = parts.join(".");
        let further_in = "\u{a0}\u{a0}\u{a0}".repeat(parts.len().saturating_sub(top));
        Choice::of(name.as_str(), format!("{further_in}{name}"))
    };
    all.into_iter().map(choice).collect()
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

    #[test]
    fn a_tenant_stands_below_those_above_it_and_none_above_the_callers_is_offered() {
        let seen = ["pb.a", "pb.a.ward1", "pb-x.b", "pb.b.ward2"].map(TenantId::stored);
        let scopes = |roots: &[&str]| -> Vec<TenantScope> {
            roots.iter().map(|root| TenantScope { root: (*root).to_owned() }).collect()
        };
        let words = |own: &[&str]| -> Vec<String> {
            tree(&scopes(own), seen.to_vec())
                .into_iter()
                .map(|choice| choice.word.replace('\u{a0}', " "))
                .collect()
        };
        assert_eq!(words(&["pb"]), ["pb", "   pb.a", "      pb.a.ward1", "   pb.b", "      pb.b.ward2"]);
        assert_eq!(words(&["pb.b"]), ["pb.b", "   pb.b.ward2"]);
    }
}
