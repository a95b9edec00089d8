//! Review cases: payments that no program may decide about.

use std::sync::Arc;

use payment_domain::{Actor, Clock, HistoryEntry, Transaction};
use payment_store::{AttentionCase, AttentionQuery, Resolution, Resolved, Store, StoreError};
use serde_json::json;

use crate::advice::{self, Advice};

/// The review cases of a store.
#[derive(Clone)]
pub struct AttentionList {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// A case with its transaction and what to do about it, as things stand now.
#[derive(Debug, Clone)]
pub struct AttentionDetail {
    pub case: AttentionCase,
    pub txn: Transaction,
    pub advice: Advice,
}

/// The reason why a case was not resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("there is no such case")]
    NotFound,
    #[error("the case was resolved before, by {}", .0.by)]
    Before(Resolution),
    #[error("a reason is required")]
    NoReason,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 2000;

impl AttentionList {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> AttentionList {
        AttentionList { store, clock }
    }

    /// The cases that match, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn list(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        self.store.attention_cases(query).await
    }

    /// The cases that match, oldest first, each with what to do about it now.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn list_with_advice(
        &self,
        query: &AttentionQuery,
    ) -> Result<Vec<(AttentionCase, Advice)>, StoreError> {
        advice::advise_all(self.store.as_ref(), self.list(query).await?).await
    }

    /// One case.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn show(&self, id: i64) -> Result<Option<AttentionDetail>, StoreError> {
        let Some((case, txn)) = self.find(id).await? else { return Ok(None) };
        let advice = advice::advise(self.store.as_ref(), &case, &txn).await?;
        Ok(Some(AttentionDetail { case, txn, advice }))
    }

    async fn find(&self, id: i64) -> Result<Option<(AttentionCase, Transaction)>, StoreError> {
        let store = self.store.as_ref();
        let Some(case) = store.attention_case(id).await? else { return Ok(None) };
        let txn = advice::transaction_of(store, &case).await?;
        Ok(Some((case, txn)))
    }

    /// Resolves a case in the name of `operator`, and releases the bills that only this case held.
    ///
    /// # Errors
    /// A [`ResolveError`].
    pub async fn resolve(&self, id: i64, operator: &str, reason: &str) -> Result<Resolution, ResolveError> {
        let reason: String = reason.trim().chars().take(LONGEST_REASON).collect();
        if reason.is_empty() {
            return Err(ResolveError::NoReason);
        }
        let (case, txn) = self.find(id).await?.ok_or(ResolveError::NotFound)?;
        let resolution = Resolution { at: self.clock.now(), by: operator.to_owned(), reason };
        let history = history_line(&case, &txn, &resolution);
        match self
            .store
            .resolve_attention(id, resolution.clone(), history, Vec::new(), &txn.bill_keys())
            .await?
        {
            Resolved::Now => Ok(resolution),
            Resolved::Before(earlier) => Err(ResolveError::Before(earlier)),
            Resolved::NotFound => Err(ResolveError::NotFound),
        }
    }
}

fn history_line(case: &AttentionCase, txn: &Transaction, resolution: &Resolution) -> HistoryEntry {
    HistoryEntry {
        txn_id: txn.id.clone(),
        at: resolution.at,
        actor: Actor::user(resolution.by.clone()),
        from: Some(txn.status.name()),
        to: txn.status.name(),
        why: format!("case {} resolved: {}", case.case.kind.as_str(), resolution.reason),
        evidence: json!({ "case": case.id }),
    }
}
