//! Review cases: payments that no program may decide about.

use std::sync::Arc;

use payment_domain::{
    Actor, AuditAction, AuditActor, AuditEntry, Clock, HistoryEntry, Personal, Transaction,
};
use payment_store::{
    Attention, AttentionCase, AttentionQuery, CaseState, Resolution, Resolved, Store, StoreError, TenantScope,
};
use serde_json::{Map, json};

use crate::advice::{self, Advice};
use crate::audit::{act, digest};

/// The review cases of a store.
#[derive(Clone)]
pub struct AttentionList {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// A case with its transaction and the current recommendation.
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

    /// The cases that match, oldest first, each with the current recommendation.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn list_with_advice(
        &self,
        query: &AttentionQuery,
    ) -> Result<Vec<(AttentionCase, Advice)>, StoreError> {
        advice::advise_all(self.store.as_ref(), self.list(query).await?).await
    }

    /// One case, where its transaction is of one of these tenants or below; `None` is every tenant.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn show(
        &self,
        id: i64,
        within: Option<Vec<TenantScope>>,
    ) -> Result<Option<AttentionDetail>, StoreError> {
        let Some((case, txn)) = self.find(id, within).await? else { return Ok(None) };
        let advice = advice::advise(self.store.as_ref(), &case, &txn).await?;
        Ok(Some(AttentionDetail { case, txn, advice }))
    }

    async fn find(
        &self,
        id: i64,
        within: Option<Vec<TenantScope>>,
    ) -> Result<Option<(AttentionCase, Transaction)>, StoreError> {
        let store = self.store.as_ref();
        let query = AttentionQuery {
            id: Some(id),
            within,
            state: CaseState::All,
            limit: 1,
            ..AttentionQuery::default()
        };
        let Some(case) = store.attention_cases(&query).await?.pop() else { return Ok(None) };
        let txn = advice::transaction_of(store, &case).await?;
        Ok(Some((case, txn)))
    }

    /// Resolves a case in the name of `operator`, and releases the bills that only this case held.
    ///
    /// # Errors
    /// A [`ResolveError`].
    pub async fn resolve(
        &self,
        id: i64,
        within: Option<Vec<TenantScope>>,
        actor: AuditActor,
        operator: &str,
        reason: &str,
    ) -> Result<Resolution, ResolveError> {
        let reason: String = reason.trim().chars().take(LONGEST_REASON).collect();
        if reason.is_empty() {
            return Err(ResolveError::NoReason);
        }
        let (case, txn) = self.find(id, within).await?.ok_or(ResolveError::NotFound)?;
        let resolution = Resolution { at: self.clock.now(), by: operator.to_owned(), reason };
        let history = history_line(&case, &txn, &resolution);
        let audit = vec![audit_entry(&case, &txn, actor, &resolution)];
        match self
            .store
            .resolve_attention(id, resolution.clone(), history, Vec::new(), audit, &txn.bill_keys())
            .await?
        {
            Resolved::Now => Ok(resolution),
            Resolved::Before(earlier) => Err(ResolveError::Before(earlier)),
            Resolved::NotFound => Err(ResolveError::NotFound),
        }
    }
}

fn audit_entry(
    case: &AttentionCase,
    txn: &Transaction,
    actor: AuditActor,
    resolution: &Resolution,
) -> AuditEntry {
    let Attention { txn_id, kind, raised_at, evidence } = &case.case;
    let kind = kind.as_str();
    let open =
        json!({ "case": case.id, "txnId": txn_id, "kind": kind, "raised": raised_at, "evidence": evidence });
    let mut resolved = open.clone();
    resolved["resolution"] = json!([resolution.at, resolution.by, resolution.reason]);
    let details = [("txnId".to_owned(), json!(txn_id)), ("kind".to_owned(), json!(kind))];
    AuditEntry {
        tenant: Some(txn.tenant_id.clone()),
        before: Some(digest(&open)),
        after: Some(digest(&resolved)),
        reason: Some(Personal::new(resolution.reason.as_str())),
        details: Map::from_iter(details),
        ..act(resolution.at, actor, AuditAction::CaseResolved, "case", case.id.to_string())
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
