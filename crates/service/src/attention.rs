//! The list of what an operator must look at.

use std::sync::Arc;

use payment_domain::{Actor, HistoryEntry, Timestamp, Transaction};
use payment_store::{AttentionCase, AttentionQuery, Resolution, Resolved, StoreError};
use serde_json::json;

use crate::advice::{self, Advice};
use crate::ports::Ports;

/// Cases for operators.
#[derive(Clone)]
pub struct AttentionList {
    ports: Arc<Ports>,
}

/// A case with the transaction it is about.
#[derive(Debug, Clone)]
pub struct AttentionDetail {
    /// The case.
    pub case: AttentionCase,
    /// The transaction as it stands now.
    pub txn: Transaction,
    /// What to do about it now.
    pub advice: Advice,
}

/// Why a case was not resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// There is no such case.
    #[error("there is no such case")]
    NotFound,
    /// It was resolved before, in this way.
    #[error("the case was resolved before, by {}", .0.by)]
    Before(Resolution),
    /// Who resolves a case says why.
    #[error("a reason is required")]
    NoReason,
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 2000;

impl AttentionList {
    pub(crate) fn new(ports: Arc<Ports>) -> AttentionList {
        AttentionList { ports }
    }

    /// The cases that match, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away.
    pub async fn list(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        self.ports.store.attention_cases(query).await
    }

    /// The same, each with what to do about it now.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away.
    pub async fn list_with_advice(
        &self,
        query: &AttentionQuery,
    ) -> Result<Vec<(AttentionCase, Advice)>, StoreError> {
        advice::advise_all(self.ports.store.as_ref(), self.list(query).await?).await
    }

    /// One case with its transaction, and what to do about it now.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away.
    pub async fn show(&self, id: i64) -> Result<Option<AttentionDetail>, StoreError> {
        let Some((case, txn)) = self.find(id).await? else { return Ok(None) };
        let advice = advice::advise(self.ports.store.as_ref(), &case, &txn).await?;
        Ok(Some(AttentionDetail { case, txn, advice }))
    }

    async fn find(&self, id: i64) -> Result<Option<(AttentionCase, Transaction)>, StoreError> {
        let store = self.ports.store.as_ref();
        let Some(case) = store.attention_case(id).await? else { return Ok(None) };
        let txn = advice::transaction_of(store, &case).await?;
        Ok(Some((case, txn)))
    }

    /// Resolves a case in the name of `operator`, and lets its transaction's bills be paid again
    /// where only this case held them.
    ///
    /// # Errors
    /// A [`ResolveError`].
    pub async fn resolve(&self, id: i64, operator: &str, reason: &str) -> Result<Resolution, ResolveError> {
        let reason: String = reason.trim().chars().take(LONGEST_REASON).collect();
        if reason.is_empty() {
            return Err(ResolveError::NoReason);
        }
        let (case, txn) = self.find(id).await?.ok_or(ResolveError::NotFound)?;
        let resolution = Resolution { at: self.ports.now(), by: operator.to_owned(), reason };
        let history = self.line(&case, &txn, &resolution, resolution.at);
        let store = &self.ports.store;
        match store.resolve_attention(id, resolution.clone(), history, &txn.bill_keys()).await? {
            Resolved::Now => Ok(resolution),
            Resolved::Before(earlier) => Err(ResolveError::Before(earlier)),
            Resolved::NotFound => Err(ResolveError::NotFound),
        }
    }

    fn line(
        &self,
        case: &AttentionCase,
        txn: &Transaction,
        resolution: &Resolution,
        at: Timestamp,
    ) -> HistoryEntry {
        HistoryEntry {
            txn_id: txn.id.clone(),
            at,
            actor: Actor::user(resolution.by.clone()),
            from: Some(txn.status.name()),
            to: txn.status.name(),
            why: format!("case {} resolved: {}", case.case.kind.as_str(), resolution.reason),
            evidence: json!({ "case": case.id }),
        }
    }
}
