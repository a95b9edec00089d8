//! Review cases: at most one of a kind for each transaction.

use async_trait::async_trait;
use payment_domain::{AttentionKind, AuditEntry, BillKey, Event, HistoryEntry, Personal, TxnId};
use payment_store::{
    Attention, AttentionCase, AttentionQuery, CaseAct, CaseLine, CaseOwner, CaseState, CaseStep, CaseWorked,
    NewCase, OwnedBy, Resolution, Resolved, ReviewCases, SeenCase, StoreError, TenantScope,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use crate::audit::append_audit;
use crate::exporting::{ALL, Statement};
use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::{SqliteStore, case_work, claims, jobs, transactions};

const SELECT: &str = "
    SELECT txn_id, kind, raised_at, evidence, case_id, version, owner, owned_since, resolved_at, resolved_by,
        resolution
    FROM eg_pg_attention";

#[async_trait]
impl ReviewCases for SqliteStore {
    async fn raise_attention(&self, new: NewCase) -> Result<bool, StoreError> {
        let raise = move |conn: &Connection| {
            if jobs::is_over(conn, new.fence.as_ref())? {
                return Ok(false);
            }
            let history = if insert(conn, &new.case)? {
                new.history.clone()
            } else if reopen(conn, &new)? {
                new.history_of_reopening()
            } else {
                return Ok(false);
            };
            transactions::append(conn, Some(&history), &new.events, history.at)?;
            claims::hold(conn, &new.case.txn_id, &new.hold)?;
            Ok(true)
        };
        Ok(self.writer.write(raise).await?)
    }

    async fn attention(&self, id: &TxnId) -> Result<Vec<Attention>, StoreError> {
        let id = id.clone();
        let of = move |conn: &Connection| {
            let sql = format!("{SELECT} WHERE txn_id = ?1 ORDER BY raised_at, case_id");
            rows::all(conn, &sql, [id.as_str()], |row| Ok(read(row)?.case))
        };
        Ok(self.readers.read(of).await?)
    }

    async fn attention_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        let query = query.clone();
        let search = move |conn: &Connection| {
            let values = params![
                query.after,
                query.limit,
                query.kind.map(AttentionKind::as_str),
                query.txn_id.as_ref().map(TxnId::as_str),
                query.id,
                query.within.as_deref().map(roots),
                owner_of(&query.owner),
                query.raised_before.map(|at| at.as_millis()),
                query.through,
            ];
            rows::all(conn, &search_sql(&query), values, read)
        };
        Ok(self.readers.read(search).await?)
    }

    async fn cases_horizon(&self, query: &AttentionQuery, examined: u32) -> Result<Option<i64>, StoreError> {
        let query = query.clone();
        let horizon = move |conn: &Connection| -> Result<Option<i64>, Failure> {
            let kind = query.kind.map(AttentionKind::as_str);
            let values = params![query.after, examined.saturating_sub(1), kind];
            Ok(conn.prepare_cached(&horizon_sql(&query))?.query_row(values, |row| row.get(0)).optional()?)
        };
        Ok(self.readers.read(horizon).await?)
    }

    async fn attention_case(&self, id: i64) -> Result<Option<AttentionCase>, StoreError> {
        Ok(self.readers.read(move |conn| find(conn, id)).await?)
    }

    async fn work_on_case(&self, step: CaseStep) -> Result<CaseWorked, StoreError> {
        Ok(self.writer.write(move |conn| case_work::step(conn, &step)).await?)
    }

    async fn case_history(&self, id: i64) -> Result<Vec<CaseLine>, StoreError> {
        Ok(self.readers.read(move |conn| case_work::history(conn, id)).await?)
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
        let release = release.to_vec();
        let resolve = move |conn: &Connection| {
            let resolved = self::resolve(conn, case, &resolution, &history, &events, &release)?;
            if resolved == Resolved::Now {
                append_audit(conn, &audit)?;
            }
            Ok(resolved)
        };
        Ok(self.writer.write(resolve).await?)
    }
}

pub(crate) fn resolve(
    conn: &Connection,
    case: SeenCase,
    resolution: &Resolution,
    history: &HistoryEntry,
    events: &[Event],
    release: &[BillKey],
) -> Result<Resolved, Failure> {
    let Some(stored) = find(conn, case.id)? else { return Ok(Resolved::NotFound) };
    if let Some(before) = stored.resolution {
        return Ok(Resolved::Before(before));
    }
    if case.version.is_some_and(|seen| seen != stored.version) {
        return Ok(Resolved::Stale);
    }
    let line = CaseLine {
        at: resolution.at,
        by: resolution.by.clone(),
        act: CaseAct::Resolved,
        note: Some(Personal::new(resolution.reason.as_str())),
    };
    case_work::append(conn, case.id, &line, None)?;
    conn.prepare_cached(
        "UPDATE eg_pg_attention SET resolved_at = ?2, resolved_by = ?3, resolution = ?4, version = version + 1
         WHERE case_id = ?1",
    )?
    .execute(params![case.id, resolution.at.as_millis(), resolution.by, resolution.reason])?;
    transactions::append(conn, Some(history), events, history.at)?;
    let txn_id = &stored.case.txn_id;
    if is_settled_as_failure(conn, txn_id)? {
        claims::release(conn, txn_id, release)?;
    }
    Ok(Resolved::Now)
}

/// Stores a case; `false` when one of that kind is stored already, resolved or not.
pub(crate) fn insert(conn: &Connection, case: &Attention) -> Result<bool, Failure> {
    let stored = conn
        .prepare_cached(
            "INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence, tenant_id)
             VALUES (?1, ?2, ?3, ?4, (SELECT tenant_id FROM eg_pg_transactions WHERE txn_id = ?1))
             ON CONFLICT (txn_id, kind) DO NOTHING",
        )?
        .execute(params![
            case.txn_id.as_str(),
            case.kind.as_str(),
            case.raised_at.as_millis(),
            case.evidence.to_string(),
        ])?;
    Ok(stored > 0)
}

/// Opens a case again that was resolved long enough ago, where it is of a state that lasts.
fn reopen(conn: &Connection, new: &NewCase) -> Result<bool, Failure> {
    let Some(resolved_by) = new.reopens_resolved_by() else { return Ok(false) };
    let opened = conn
        .prepare_cached(
            "UPDATE eg_pg_attention SET
                 raised_at = ?3, evidence = ?4, resolved_at = NULL, resolved_by = NULL, resolution = NULL,
                 owner = NULL, owned_since = NULL, version = version + 1
             WHERE txn_id = ?1 AND kind = ?2 AND resolved_at <= ?5",
        )?
        .execute(params![
            new.case.txn_id.as_str(),
            new.case.kind.as_str(),
            new.case.raised_at.as_millis(),
            new.case.evidence.to_string(),
            resolved_by.as_millis(),
        ])?;
    Ok(opened > 0)
}

/// Open cases, and those of one transaction, are found without reading the others; the plus sign keeps
/// the cases of one transaction from being looked for by their numbers.
fn search_sql(query: &AttentionQuery) -> String {
    let state = match query.state {
        CaseState::Open if query.txn_id.is_some() => "+resolved_at IS NULL",
        CaseState::Open => "resolved_at IS NULL",
        CaseState::Resolved => "resolved_at IS NOT NULL",
        CaseState::All => "TRUE",
    };
    let behind =
        if query.txn_id.is_some() { "txn_id = ?4 AND +case_id > ?1" } else { "?4 IS NULL AND case_id > ?1" };
    let numbered = if query.id.is_some() { "case_id = ?5" } else { "?5 IS NULL" };
    let within = match query.within {
        Some(_) => WITHIN,
        None => "?6 IS NULL",
    };
    let owner = match query.owner {
        OwnedBy::Anyone => "?7 IS NULL",
        OwnedBy::Unowned => "owner IS NULL AND ?7 IS NULL",
        OwnedBy::One(_) => "owner = ?7",
    };
    format!(
        "{SELECT} WHERE {state} AND {behind} AND {numbered} AND {within} AND {owner} AND (?3 IS NULL OR kind = ?3)
             AND (?8 IS NULL OR raised_at < ?8) AND (?9 IS NULL OR case_id <= ?9)
         ORDER BY case_id LIMIT ?2"
    )
}

fn horizon_sql(query: &AttentionQuery) -> String {
    let state = match query.state {
        CaseState::Open => "resolved_at IS NULL",
        CaseState::Resolved => "resolved_at IS NOT NULL",
        CaseState::All => "TRUE",
    };
    format!(
        "SELECT case_id FROM eg_pg_attention WHERE {state} AND case_id > ?1 AND (?3 IS NULL OR kind = ?3)
         ORDER BY case_id LIMIT 1 OFFSET ?2"
    )
}

/// The cases of a query, on all pages.
pub(crate) fn whole(query: &AttentionQuery) -> Statement {
    let text = |text: &str| Value::Text(text.to_owned());
    let values = vec![
        Value::Integer(0),
        Value::Integer(ALL),
        query.kind.map_or(Value::Null, |kind| text(kind.as_str())),
        query.txn_id.as_ref().map_or(Value::Null, |id| text(id.as_str())),
        query.id.map_or(Value::Null, Value::Integer),
        query.within.as_deref().map_or(Value::Null, |scopes| Value::Text(roots(scopes))),
        owner_of(&query.owner).map_or(Value::Null, text),
        query.raised_before.map_or(Value::Null, |at| Value::Integer(at.as_millis())),
        query.through.map_or(Value::Null, Value::Integer),
    ];
    (search_sql(query), values)
}

/// A case is of one of the tenants of ?6 or below.
const WITHIN: &str = "EXISTS (
    SELECT 1 FROM json_each(?6) AS root WHERE tenant_id = root.value
        OR substr(tenant_id, 1, length(root.value) + 1) = root.value || '.')";

fn owner_of(owner: &OwnedBy) -> Option<&str> {
    match owner {
        OwnedBy::Anyone | OwnedBy::Unowned => None,
        OwnedBy::One(uuid) => Some(uuid),
    }
}

fn roots(scopes: &[TenantScope]) -> String {
    json!(scopes.iter().map(|scope| scope.root.as_str()).collect::<Vec<_>>()).to_string()
}

pub(crate) fn find(conn: &Connection, id: i64) -> Result<Option<AttentionCase>, Failure> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE case_id = ?1"))?;
    let mut found = statement.query([id])?;
    found.next()?.map(read).transpose()
}

/// Whether a transaction is a FAILURE without an open case.
fn is_settled_as_failure(conn: &Connection, id: &TxnId) -> Result<bool, Failure> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM eg_pg_transactions AS failed
             WHERE failed.txn_id = ?1 AND failed.txn_status = 'FAILURE' AND NOT EXISTS (
                 SELECT 1 FROM eg_pg_attention AS other
                 WHERE other.txn_id = failed.txn_id AND other.resolved_at IS NULL)",
        )?
        .exists([id.as_str()])?)
}

pub(crate) fn read(row: &Row<'_>) -> Result<AttentionCase, Failure> {
    let columns = Columns::of(row, "eg_pg_attention")?;
    let case = Attention {
        txn_id: columns.txn_id()?,
        kind: columns.read("kind", AttentionKind::from_word)?,
        raised_at: columns.moment("raised_at")?,
        evidence: columns.read("evidence", rows::json)?,
    };
    let (id, version) = (columns.get("case_id")?, columns.get("version")?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{migrated, plan};

    #[test]
    fn open_cases_and_those_of_a_transaction_are_found_without_reading_the_others() {
        let conn = migrated();
        let of_one = Some(TxnId::new("T1").unwrap());
        for state in [CaseState::Open, CaseState::Resolved, CaseState::All] {
            let query = AttentionQuery { state, txn_id: of_one.clone(), ..AttentionQuery::default() };
            let steps = plan(&conn, &search_sql(&query));
            assert!(steps[0].contains("(txn_id=?)"), "{steps:#?}");
        }
        let steps = plan(&conn, &search_sql(&AttentionQuery::default()));
        let index = "eg_pg_attention_by_resolution (resolved_at=? AND rowid>?)";
        assert!(steps.len() == 1 && steps[0].ends_with(index), "{steps:#?}");
    }
}
