//! The pages of a list, as the store reads them.

use std::sync::Arc;

use payment_domain::Refund;
use payment_store::{
    AttentionCase, NamedQuery, PaymentLines, Reading, RunRecord, Store, StoreError, StoredAccount,
    StoredEntry, StoredEvent, TenantScope,
};

use super::{ExportedList, columns};
use crate::advice::{Advice, advise_all};

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
    /// Payments by a number, asked for when the first page is.
    Found(Arc<dyn Store>, Option<NamedQuery>),
    Refunds(Reading<Vec<Refund>>, Option<String>),
    Cases(Arc<dyn Store>, Reading<Vec<AttentionCase>>),
    Events(Reading<Vec<StoredEvent>>),
    Runs(Reading<Vec<RunRecord>>),
    Entries(Reading<Vec<StoredEntry>>),
    /// The tenants that are left to be asked about.
    Accounts(Arc<dyn Store>, Vec<TenantScope>),
}

impl Source {
    pub(super) fn of(list: ExportedList, store: Arc<dyn Store>) -> Source {
        match list {
            ExportedList::Payments(query) => Source::Payments(store.read_payments(&query)),
            ExportedList::Found(query) => Source::Found(store, Some(query)),
            ExportedList::Refunds { query, except } => Source::Refunds(store.read_refunds(&query), except),
            ExportedList::Cases(query) => Source::Cases(store.clone(), store.read_cases(&query)),
            ExportedList::Events => Source::Events(store.read_unpublished()),
            ExportedList::Runs(job) => Source::Runs(store.read_runs(&job)),
            ExportedList::Audit(query) => Source::Entries(store.read_audit(&query)),
            ExportedList::Accounts(scopes) => Source::Accounts(store, scopes),
        }
    }

    pub(super) fn columns(&self) -> &'static [&'static str] {
        match self {
            Source::Payments(_) | Source::Found(..) => columns::PAYMENTS,
            Source::Refunds(..) => columns::REFUNDS,
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
                Some(query) => {
                    let mut lines = PaymentLines::default();
                    let found = store.payments_named(&query).await?;
                    found.iter().for_each(|txn| lines.push_transaction(txn));
                    Some(Page::Payments(lines))
                }
                None => None,
            },
            Source::Refunds(reading, except) => reading.next().await?.map(|mut refunds| {
                refunds.retain(|refund| except.as_ref() != Some(&refund.requested_by));
                Page::Refunds(refunds)
            }),
            Source::Cases(store, reading) => match reading.next().await? {
                Some(cases) => Some(Page::Cases(advise_all(store.as_ref(), cases).await?)),
                None => None,
            },
            Source::Events(reading) => reading.next().await?.map(Page::Events),
            Source::Runs(reading) => reading.next().await?.map(Page::Runs),
            Source::Entries(reading) => reading.next().await?.map(Page::Entries),
            Source::Accounts(store, scopes) => match scopes.pop() {
                Some(scope) => Some(Page::Accounts(store.accounts_within(&scope).await?)),
                None => None,
            },
        })
    }
}
