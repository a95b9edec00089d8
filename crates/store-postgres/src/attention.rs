//! Review cases: at most one of a kind for each transaction.

use async_trait::async_trait;
use payment_domain::{AttentionKind, AuditEntry, BillKey, Event, HistoryEntry, Personal, TxnId};
use payment_store::{
    Attention, AttentionCase, AttentionQuery, CaseAct, CaseLine, CaseOwner, CaseState, CaseStep, CaseWorked,
    NewCase, OwnedBy, Resolution, Resolved, ReviewCases, SeenCase, StoreError,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::audit::commit_with_audit;
use crate::connections::{Transaction, Values};
use crate::failure::Failure;
use crate::jobs::begin_fenced;
use crate::listings::Bound;
use crate::parameters::{Parameter, Rows, storable};
use crate::rows::{self, Columns};
use crate::transactions::{append, lock_status};
use crate::{PostgresStore, case_work, claims};

const SELECT: &str = "
    SELECT txn_id, kind, raised_at, evidence::text, case_id, version, owner, owned_since, resolved_at,
        resolved_by, resolution
    FROM eg_pg_attention";

/// The tenant of a case; a previous version left it with the payment alone.
pub(crate) const TENANT: &str = "coalesce(eg_pg_attention.tenant_id, (
    SELECT paid.tenant_id FROM eg_pg_transactions AS paid WHERE paid.txn_id = eg_pg_attention.txn_id))";

/// Stores cases unless there is one of their kind, resolved or not.
pub(crate) const PUT: &str = "
    INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence)
    SELECT u.txn_id, u.kind, u.raised_at, u.evidence::json
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS u (txn_id, kind, raised_at, evidence)
    ON CONFLICT (txn_id, kind) DO NOTHING
    RETURNING case_id";

/// A row of [`PUT`].
pub(crate) fn row<'a>(rows: &mut Rows<'a>, case: &'a Attention, evidence: &'a str) {
    rows.push([
        Parameter::text(case.txn_id.as_str()),
        Parameter::text(case.kind.as_str()),
        Parameter::moment(case.raised_at),
        Parameter::text(evidence),
    ]);
}

#[async_trait]
impl ReviewCases for PostgresStore {
    async fn raise_attention(&self, new: NewCase) -> Result<bool, StoreError> {
        let txn_id = &new.case.txn_id;
        let Some(transaction) = begin_fenced(&self.db, new.fence.as_ref()).await? else { return Ok(false) };
        if lock_status(&transaction, txn_id).await?.is_none() {
            transaction.roll_back().await;
            return Err(Failure::UnknownTransaction(txn_id.clone()).into());
        }
        let evidence = new.case.evidence.to_string();
        let mut cases = Rows::default();
        row(&mut cases, &new.case, &evidence);
        if !transaction.rows(PUT, &cases.values()).await?.is_empty() {
            append(&transaction, Some(&new.history), &new.events, new.history.at).await?;
        } else if reopen(&transaction, &new, &evidence).await? {
            let history = new.history_of_reopening();
            append(&transaction, Some(&history), &new.events, history.at).await?;
        } else {
            transaction.roll_back().await;
            return Ok(false);
        }
        let mut bills = new.hold.clone();
        bills.sort();
        let mut held = Rows::default();
        for bill in &bills {
            claims::row(&mut held, bill, txn_id.as_str());
        }
        if !held.is_empty() {
            transaction.rows(claims::PUT, &held.values()).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn attention(&self, id: &TxnId) -> Result<Vec<Attention>, StoreError> {
        let of = format!("{SELECT} WHERE txn_id = $1 ORDER BY raised_at, case_id");
        Ok(rows::all(&self.db.ask(&of, &[&id.as_str()]).await?, |row| Ok(read(row)?.case))?)
    }

    async fn attention_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        let limit = i64::from(query.limit);
        let kind = query.kind.map(AttentionKind::as_str);
        let is_scoped = query.within.is_some() || query.id.is_some() || query.raised_before.is_some();
        if is_scoped || query.through.is_some() || query.owner != OwnedBy::Anyone {
            return self.scoped_cases(query).await;
        }
        if let Some(id) = &query.txn_id {
            let of_transaction = format!(
                "{SELECT} WHERE txn_id = $1 AND case_id > $2 AND ($3::text IS NULL OR kind = $3)
                    AND ($4::boolean IS NULL OR (resolved_at IS NULL) = $4)
                ORDER BY case_id LIMIT $5"
            );
            let values: Values<'_> = &[&id.as_str(), &query.after, &kind, &is_open(query.state), &limit];
            return Ok(rows::all(&self.db.ask(&of_transaction, values).await?, read)?);
        }
        let state = of_state(query.state);
        let found = match &kind {
            None => {
                let sql = format!("{SELECT} WHERE {state} case_id > $1 ORDER BY case_id LIMIT $2");
                self.db.ask(&sql, &[&query.after, &limit]).await?
            }
            Some(kind) => {
                let sql =
                    format!("{SELECT} WHERE {state} case_id > $1 AND kind = $3 ORDER BY case_id LIMIT $2");
                self.db.ask(&sql, &[&query.after, &limit, kind]).await?
            }
        };
        Ok(rows::all(&found, read)?)
    }

    async fn cases_horizon(&self, query: &AttentionQuery, examined: u32) -> Result<Option<i64>, StoreError> {
        let (state, of_kind) = (of_state(query.state), query.kind.map_or("", |_| "AND kind = $3"));
        let sql = format!(
            "SELECT case_id FROM eg_pg_attention WHERE {state} case_id > $1 {of_kind}
            ORDER BY case_id LIMIT 1 OFFSET (SELECT $2::bigint)"
        );
        let (skipped, kind) = (i64::from(examined.saturating_sub(1)), query.kind.map(AttentionKind::as_str));
        let found = match &kind {
            None => self.db.search(&sql, &[&query.after, &skipped]).await?,
            Some(kind) => self.db.search(&sql, &[&query.after, &skipped, kind]).await?,
        };
        Ok(rows::first(&found)?)
    }

    async fn attention_case(&self, id: i64) -> Result<Option<AttentionCase>, StoreError> {
        let found = self.db.ask(&format!("{SELECT} WHERE case_id = $1"), &[&id]).await?;
        Ok(found.first().map(read).transpose()?)
    }

    async fn work_on_case(&self, step: CaseStep) -> Result<CaseWorked, StoreError> {
        Ok(case_work::step(&self.db, &step).await?)
    }

    async fn case_history(&self, id: i64) -> Result<Vec<CaseLine>, StoreError> {
        Ok(case_work::history(&self.db, id).await?)
    }

    async fn resolve_attention(
        &self,
        case: SeenCase,
        resolution: Resolution,
        history: HistoryEntry,
        events: Vec<Event>,
        audit: Vec<AuditEntry>,
        release: &[BillKey],
    ) -> Result<Resolved, StoreError> {
        let transaction = self.db.begin().await?;
        let Some(found) = find(&transaction, case.id).await? else {
            transaction.roll_back().await;
            return Ok(Resolved::NotFound);
        };
        // With the transaction's row locked no other raises or resolves a case of it.
        lock_status(&transaction, &found.case.txn_id).await?;
        let resolved = resolve(&transaction, case, &resolution, &history, &events, release).await?;
        match resolved {
            Resolved::Now => {
                commit_with_audit(transaction, Vec::new(), &audit).await?;
            }
            Resolved::Before(_) | Resolved::Stale | Resolved::NotFound => transaction.roll_back().await,
        }
        Ok(resolved)
    }
}

/// Resolves a case whose transaction is locked.
pub(crate) async fn resolve(
    transaction: &Transaction,
    case: SeenCase,
    resolution: &Resolution,
    history: &HistoryEntry,
    events: &[Event],
    release: &[BillKey],
) -> Result<Resolved, Failure> {
    const RESOLVE: &str = "
        UPDATE eg_pg_attention
        SET resolved_at = $2, resolved_by = $3, resolution = $4, version = version + 1
        WHERE case_id = $1";
    const IS_SETTLED: &str = "
        SELECT 1 FROM eg_pg_transactions AS failed WHERE failed.txn_id = $1 AND failed.txn_status = 'FAILURE'
            AND NOT EXISTS (SELECT 1 FROM eg_pg_attention AS other
                WHERE other.txn_id = $1 AND other.resolved_at IS NULL)";
    // An owner may be changed meanwhile.
    const LOCK: &str = "SELECT case_id FROM eg_pg_attention WHERE case_id = $1 FOR UPDATE";
    let id = case.id;
    transaction.rows(LOCK, &[&id]).await?;
    let Some(found) = find(transaction, id).await? else { return Ok(Resolved::NotFound) };
    if let Some(before) = found.resolution {
        return Ok(Resolved::Before(before));
    }
    if case.version.is_some_and(|seen| seen != found.version) {
        return Ok(Resolved::Stale);
    }
    let line = CaseLine {
        at: resolution.at,
        by: resolution.by.clone(),
        act: CaseAct::Resolved,
        note: Some(Personal::new(resolution.reason.as_str())),
    };
    case_work::append(transaction, id, &line, None).await?;
    let (by, reason) = (storable(&resolution.by), storable(&resolution.reason));
    transaction.rows(RESOLVE, &[&id, &resolution.at.as_millis(), &by, &reason]).await?;
    append(transaction, Some(history), events, history.at).await?;
    let txn_id = found.case.txn_id.as_str();
    if !release.is_empty() && !transaction.rows(IS_SETTLED, &[&txn_id]).await?.is_empty() {
        let mut released = Rows::default();
        for bill in release {
            claims::row(&mut released, bill, txn_id);
        }
        transaction.rows(claims::LOCK, &released.values()).await?;
        transaction.rows(claims::RELEASE, &released.values()).await?;
    }
    Ok(Resolved::Now)
}

/// The beginning of the conditions of a statement.
fn of_state(state: CaseState) -> &'static str {
    match state {
        CaseState::Open => "resolved_at IS NULL AND",
        CaseState::Resolved => "resolved_at IS NOT NULL AND",
        CaseState::All => "",
    }
}

/// The condition of a state; `None` is every state.
fn is_open(state: CaseState) -> Option<bool> {
    match state {
        CaseState::Open => Some(true),
        CaseState::Resolved => Some(false),
        CaseState::All => None,
    }
}

impl PostgresStore {
    /// The cases of some tenants or of an age, or one of them.
    async fn scoped_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        let (sql, values) = scoped(query, query.after, Some(i64::from(query.limit)));
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        Ok(rows::all(&self.db.planned(&sql, &values).await?, read)?)
    }
}

/// The cases that meet every condition of a query, behind a number; without a limit all of them.
pub(crate) fn scoped(query: &AttentionQuery, after: i64, limit: Option<i64>) -> (String, Vec<Bound>) {
    // A payment has few cases: they are not looked for along all numbers.
    let number = if query.txn_id.is_some() { "case_id + 0" } else { "case_id" };
    let sql = format!(
        "{SELECT} WHERE {number} > $1 AND ($2::text IS NULL OR kind = $2)
            AND ($3::boolean IS NULL OR (resolved_at IS NULL) = $3)
            AND ($4::text IS NULL OR txn_id = $4) AND ($5::bigint IS NULL OR case_id = $5)
            AND ($8::text IS NULL OR owner = $8) AND (owner IS NULL OR NOT $9::boolean)
            AND ($6::text[] IS NULL OR (
                SELECT EXISTS (SELECT 1 FROM unnest($6::text[]) AS root
                    WHERE t.tenant_id = root OR starts_with(t.tenant_id, root || '.'))
                FROM (SELECT {TENANT} AS tenant_id) AS t))
            AND ($10::bigint IS NULL OR raised_at < $10) AND ($11::bigint IS NULL OR case_id <= $11)
        ORDER BY {number} LIMIT $7"
    );
    let roots = query.within.as_ref();
    let roots = roots.map(|scopes| scopes.iter().map(|scope| storable(&scope.root).into_owned()));
    let owner = match &query.owner {
        OwnedBy::Anyone | OwnedBy::Unowned => None,
        OwnedBy::One(uuid) => Some(storable(uuid).into_owned()),
    };
    let values: Vec<Bound> = vec![
        Box::new(after),
        Box::new(query.kind.map(AttentionKind::as_str)),
        Box::new(is_open(query.state)),
        Box::new(query.txn_id.as_ref().map(|id| id.as_str().to_owned())),
        Box::new(query.id),
        Box::new(roots.map(Iterator::collect::<Vec<String>>)),
        Box::new(limit),
        Box::new(owner),
        Box::new(query.owner == OwnedBy::Unowned),
        Box::new(query.raised_before.map(|at| at.as_millis())),
        Box::new(query.through),
    ];
    (sql, values)
}

/// Opens a case again that was resolved long enough ago, where it is of a state that lasts; its
/// transaction is locked.
async fn reopen(transaction: &Transaction, new: &NewCase, evidence: &str) -> Result<bool, Failure> {
    const REOPEN: &str = "
        UPDATE eg_pg_attention SET raised_at = $3, evidence = $4::text::json, resolved_at = NULL,
            resolved_by = NULL, resolution = NULL, owner = NULL, owned_since = NULL, version = version + 1
        WHERE txn_id = $1 AND kind = $2 AND resolved_at <= $5
        RETURNING case_id";
    let Some(resolved_by) = new.reopens_resolved_by() else { return Ok(false) };
    let (txn_id, kind) = (new.case.txn_id.as_str(), new.case.kind.as_str());
    let (raised_at, resolved_by) = (new.case.raised_at.as_millis(), resolved_by.as_millis());
    let evidence = storable(evidence);
    let opened = transaction.rows(REOPEN, &[&txn_id, &kind, &raised_at, &evidence, &resolved_by]).await?;
    Ok(!opened.is_empty())
}

async fn find(transaction: &Transaction, id: i64) -> Result<Option<AttentionCase>, Failure> {
    transaction.rows(&format!("{SELECT} WHERE case_id = $1"), &[&id]).await?.first().map(read).transpose()
}

pub(crate) fn read(row: &Row) -> Result<AttentionCase, Failure> {
    let columns = Columns::of(row, "eg_pg_attention")?;
    let case = Attention {
        txn_id: columns.txn_id(),
        kind: columns.read("kind", AttentionKind::from_word)?,
        raised_at: columns.moment("raised_at")?,
        evidence: columns.read("evidence", rows::json)?,
    };
    let (id, version) = (columns.get("case_id")?, columns.number("version")?);
    let owner = match (columns.get("owner")?, columns.optional_moment("owned_since")?) {
        (Some(by), Some(since)) => Some(CaseOwner { by, since }),
        (None, _) | (Some(_), None) => None,
    };
    let at = columns.optional_moment("resolved_at")?;
    let resolution = match (at, columns.get("resolved_by")?, columns.get("resolution")?) {
        (None, None, None) => None,
        (Some(at), Some(by), Some(reason)) => Some(Resolution { at, by, reason }),
        (None | Some(_), None | Some(_), None | Some(_)) => return Err(columns.unreadable("resolution")),
    };
    Ok(AttentionCase { id, case, version, owner, resolution })
}
