//! The pages of a list, as the store reads them.

use std::sync::Arc;

use payment_domain::Refund;
use payment_store::{
    AttentionCase, NamedQuery, PaymentLines, Reading, RunRecord, Store, StoreError, StoredAccount,
    StoredEntry, StoredEvent, TenantScope,
};

use super::{ExportedList, account_takes, columns};
use crate::advice::{Advice, advise_all, unread};

/// The payments of a search that are asked for at once.
const PAGE: u32 = 250;

/// A page of any list.
pub(super) enum Page {
    Payments(PaymentLines),
    Refunds(Vec<Refund>),
    Cases(Vec<(AttentionCase, Advice)>),
    Events(Vec<StoredEvent>),
    Runs(Vec<RunRecord>),
    Entries(Vec<StoredEntry>),
    Accounts(Vec<StoredAccount>),
}

pub(super) enum Source {
    Payments(Reading<PaymentLines>),
    /// Payments by a number, page by page.
    Found(Arc<dyn Store>, Option<NamedQuery>),
    Refunds(Reading<Vec<Refund>>),
    Cases(Arc<dyn Store>, Reading<Vec<AttentionCase>>),
    Events(Reading<Vec<StoredEvent>>),
    Runs(Reading<Vec<RunRecord>>),
    Entries(Reading<Vec<StoredEntry>>),
    /// The tenants that are left to be asked about.
    Accounts(Arc<dyn Store>, Vec<TenantScope>, Option<String>),
}

impl Source {
    pub(super) fn of(list: ExportedList, store: Arc<dyn Store>) -> Source {
        match list {
            ExportedList::Payments(query) => Source::Payments(store.read_payments(&query)),
            ExportedList::Found(query) => {
                Source::Found(store, Some(NamedQuery { after: None, limit: PAGE, ..query }))
            }
            ExportedList::Refunds(query) => Source::Refunds(store.read_refunds(&query)),
            ExportedList::Cases(query) => Source::Cases(store.clone(), store.read_cases(&query)),
            ExportedList::Events(query) => Source::Events(store.read_events(&query)),
            ExportedList::Runs(job) => Source::Runs(store.read_runs(&job)),
            ExportedList::Audit(query) => Source::Entries(store.read_audit(&query)),
            ExportedList::Accounts { within, service } => Source::Accounts(store, within, service),
        }
    }

    pub(super) fn columns(&self) -> &'static [&'static str] {
        match self {
            Source::Payments(_) | Source::Found(..) => columns::PAYMENTS,
            Source::Refunds(_) => columns::REFUNDS,
            Source::Cases(..) => columns::CASES,
            Source::Events(_) => columns::EVENTS,
            Source::Runs(_) => columns::RUNS,
            Source::Entries(_) => columns::ENTRIES,
            Source::Accounts(..) => columns::ACCOUNTS,
        }
    }

    /// The next page; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, StoreError> {
        Ok(match self {
            Source::Payments(reading) => reading.next().await?.map(Page::Payments),
            Source::Found(store, query) => match query.take() {
                Some(asked) => {
                    let found = store.payments_named(&asked).await?;
                    let last = found.last().map(|txn| txn.id.clone());
                    *query = last.map(|last| NamedQuery { after: Some(last), ..asked });
                    let mut lines = PaymentLines::default();
                    found.iter().for_each(|txn| lines.push_transaction(txn));
                    Some(Page::Payments(lines))
                }
                None => None,
            },
            Source::Refunds(reading) => reading.next().await?.map(Page::Refunds),
            Source::Cases(store, reading) => match reading.next().await? {
                Some(cases) => Some(Page::Cases(advise_all(store.as_ref(), unread(cases)).await?)),
                None => None,
            },
            Source::Events(reading) => reading.next().await?.map(Page::Events),
            Source::Runs(reading) => reading.next().await?.map(Page::Runs),
            Source::Entries(reading) => reading.next().await?.map(Page::Entries),
            Source::Accounts(store, scopes, service) => match scopes.pop() {
                Some(scope) => {
                    let mut accounts = store.accounts_within(&scope).await?;
                    accounts.retain(|stored| account_takes(stored, service.as_deref()));
                    Some(Page::Accounts(accounts))
                }
                None => None,
            },
        })
    }
}
