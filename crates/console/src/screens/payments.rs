//! Payments: found by any of their numbers, or listed by filters that are all shown. The address is the view.

use askama::Template;
use payment_domain::{GatewayName, StatusName, Transaction, TxnId};
use payment_store::{NamedQuery, PaymentQuery};

use super::payment_link;
use crate::context::Context;
use crate::failure::Outcome;
use crate::format::{self, Tag};
use crate::list::{Choice, Filters, List, ROWS, one_more_than_a_page, one_page};
use crate::page::{self, Frame};

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
    match context.query.text("q") {
        Some(words) => find(context, words).await,
        None => filtered(context).await,
    }
}

/// One payment that is found is shown at once.
async fn find(context: &Context, words: &str) -> Outcome {
    let t = context.language.texts();
    let mut filters = Filters::of(context, "/payments");
    filters.kept("q", words);
    filters.chip(t.search, words, "q");
    let within = filters.tenants(Vec::new());
    let limit = u32::try_from(ROWS).unwrap_or(u32::MAX);
    let query = NamedQuery { within, spellings: spellings(words), limit };
    let found = context.payments().ports.store.payments_named(&query).await?;
    if let [only] = found.as_slice() {
        return page::see(&payment_link(context, only.id.as_str()).href());
    }
    let list = filters.newest_first(true, None);
    page::html(&PaymentsPage {
        f: Frame::of(context, t.payments, &[]),
        q: words.to_owned(),
        list: List { fields: Vec::new(), ..list },
        rows: found.iter().map(|txn| row(context, txn)).collect(),
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
    let mut filters = Filters::of(context, "/payments");
    let query = read(context, &mut filters);
    let status = filters.status();
    let (found, is_more) = match filters.is_readable() {
        true => one_page(context.payments().ports.store.list_payments(&query).await?),
        false => (Vec::new(), false),
    };
    let next = found.last().filter(|_| is_more).map(|last| ("after", last.id.to_string()));
    let page = PaymentsPage {
        f: Frame::of(context, t.payments, &[]),
        q: String::new(),
        list: filters.newest_first(query.after.is_none(), next),
        rows: found.iter().map(|txn| row(context, txn)).collect(),
    };
    page::html_with(status, &page)
}

fn read(context: &Context, filters: &mut Filters<'_>) -> PaymentQuery {
    let t = context.language.texts();
    let statuses = [StatusName::Pending, StatusName::Success, StatusName::Failure];
    let statuses = statuses.map(|status| (status.as_str(), format::status_word(t, status), status));
    let gateways = context.payments().ports.gateways.names();
    let gateways = gateways.iter().map(|name| Choice::of(name.to_string(), name.to_string())).collect();
    let within = filters.tenants(Vec::new());
    let status = filters.choice("status", t.status, Some(t.any_status), &statuses);
    let gateway = filters.listed("gateway", t.gateway, None, gateways);
    let module = filters.text("service", t.service);
    let (from, to) = filters.days();
    let (amount_from, amount_to) = filters.amounts();
    PaymentQuery {
        within,
        status,
        gateway: gateway.map(|name| GatewayName::new(name.as_str())),
        module,
        amount_from,
        amount_to,
        from,
        to,
        after: context.query.text("after").and_then(|id| TxnId::new(id).ok()),
        limit: one_more_than_a_page(),
    }
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
}
