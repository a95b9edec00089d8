//! Review cases: payments that no program may decide about, and operators' work on them.

use std::sync::Arc;

use payment_domain::{
    Actor, AuditAction, AuditActor, AuditEntry, Clock, HistoryEntry, HistoryReason, Personal, Timestamp,
    Transaction,
};
use payment_store::{
    Attention, AttentionCase, AttentionQuery, CaseLine, CaseState, CaseStep, CaseWork, CaseWorked,
    Resolution, Resolved, SeenCase, Store, StoreError, TenantScope,
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

/// The reason why a case was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error("there is no such case")]
    NotFound,
    #[error("the case has changed meanwhile; look at it again")]
    Stale,
    #[error("the case was resolved before, by {}", .0.by)]
    Before(Resolution),
    /// No reason, or no note.
    #[error("a text is required")]
    NoText,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The longest reason or note that is kept, in characters.
const LONGEST_TEXT: usize = 2000;

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
        advice::advise_all(self.store.as_ref(), advice::unread(self.list(query).await?)).await
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
    /// A [`CaseError`].
    pub async fn resolve(
        &self,
        case: impl Into<SeenCase>,
        within: Option<Vec<TenantScope>>,
        actor: AuditActor,
        operator: &str,
        reason: &str,
    ) -> Result<Resolution, CaseError> {
        let reason = kept(reason)?;
        let seen = case.into();
        let (case, txn) = self.find(seen.id, within).await?.ok_or(CaseError::NotFound)?;
        let resolution = Resolution { at: self.clock.now(), by: operator.to_owned(), reason };
        let history = history_line(&case, &txn, &resolution);
        let audit = vec![audit_entry(&case, &txn, actor, &resolution)];
        match self
            .store
            .resolve_attention(seen, resolution.clone(), history, Vec::new(), audit, &txn.bill_keys())
            .await?
        {
            Resolved::Now => Ok(resolution),
            Resolved::Before(earlier) => Err(CaseError::Before(earlier)),
            Resolved::Stale => Err(CaseError::Stale),
            Resolved::NotFound => Err(CaseError::NotFound),
        }
    }

    /// The acts of operators on a case, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn history(&self, id: i64) -> Result<Vec<CaseLine>, StoreError> {
        self.store.case_history(id).await
    }

    /// Takes a case, releases it, or adds a note to it, in the name of `operator`.
    ///
    /// # Errors
    /// A [`CaseError`].
    pub async fn work(
        &self,
        id: i64,
        within: Option<Vec<TenantScope>>,
        actor: AuditActor,
        operator: &str,
        work: CaseWork,
    ) -> Result<(), CaseError> {
        let work = match work {
            CaseWork::Note { text, key } => CaseWork::Note { text: Personal::new(kept(text.expose())?), key },
            owning @ (CaseWork::Take { .. } | CaseWork::Release { .. }) => owning,
        };
        let (case, txn) = self.find(id, within).await?.ok_or(CaseError::NotFound)?;
        let at = self.clock.now();
        let audit = vec![work_entry(&case, &txn, actor, at, &work)];
        let step = CaseStep { id, at, by: operator.to_owned(), work, audit };
        match self.store.work_on_case(step).await? {
            CaseWorked::Stored => Ok(()),
            CaseWorked::Stale => Err(CaseError::Stale),
            CaseWorked::NotFound => Err(CaseError::NotFound),
        }
    }
}

/// # Errors
/// [`CaseError::NoText`].
fn kept(text: &str) -> Result<String, CaseError> {
    let text: String = text.trim().chars().take(LONGEST_TEXT).collect();
    if text.is_empty() { Err(CaseError::NoText) } else { Ok(text) }
}

fn work_entry(
    case: &AttentionCase,
    txn: &Transaction,
    actor: AuditActor,
    at: Timestamp,
    work: &CaseWork,
) -> AuditEntry {
    let (action, note) = match work {
        CaseWork::Take { .. } => (AuditAction::CaseTaken, None),
        CaseWork::Release { .. } => (AuditAction::CaseReleased, None),
        CaseWork::Note { text, .. } => (AuditAction::CaseNoted, Some(text.clone())),
    };
    let owner = case.owner.as_ref().map(|owner| owner.by.as_str());
    let details = [("txnId".to_owned(), json!(case.case.txn_id)), ("owner".to_owned(), json!(owner))];
    AuditEntry {
        tenant: Some(txn.tenant_id.clone()),
        reason: note,
        details: Map::from_iter(details),
        ..act(at, actor, action, "case", case.id.to_string())
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
        why: HistoryReason::CaseResolved.with([case.case.kind.as_str(), &resolution.reason]),
        evidence: json!({ "case": case.id }),
    }
}
