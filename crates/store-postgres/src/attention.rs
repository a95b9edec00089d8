//! Cases for an operator: at most one of a kind for each transaction.

use payment_domain::{AttentionKind, BillKey, HistoryEntry, StatusName, TxnId};
use payment_store::{Attention, AttentionCase, AttentionQuery, CaseState, NewCase, Resolution, Resolved};
use tokio_postgres::Row;

use crate::connections::{Connections, Transaction};
use crate::failure::Failure;
use crate::parameters::{Parameter, Rows, storable};
use crate::rows::{self, Columns};
use crate::{claims, jobs, transaction_columns};

/// Stores cases of which there is none of their kind yet, resolved or not.
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

const LOCK_TRANSACTION: &str = "SELECT txn_status FROM eg_pg_transactions WHERE txn_id = $1 FOR UPDATE";

/// Opens a case again that was resolved long enough ago.
const REOPEN: &str = "
    UPDATE eg_pg_attention SET
        raised_at = $3, evidence = $4::text::json, resolved_at = NULL, resolved_by = NULL, resolution = NULL
    WHERE txn_id = $1 AND kind = $2 AND resolved_at <= $5
    RETURNING case_id";

/// Stores a case, or opens it again, with its line in the history, and holds the bills it names; or
/// nothing of it.
pub(crate) async fn raise(db: &Connections, new: &NewCase) -> Result<bool, Failure> {
    let txn_id = &new.case.txn_id;
    let transaction = db.begin().await?;
    if jobs::is_over(&transaction, new.fence.as_ref()).await? {
        transaction.roll_back().await;
        return Ok(false);
    }
    if transaction.rows(LOCK_TRANSACTION, &[&txn_id.as_str()]).await?.is_empty() {
        transaction.roll_back().await;
        return Err(Failure::UnknownTransaction(txn_id.clone()));
    }
    let evidence = new.case.evidence.to_string();
    let mut cases = Rows::default();
    row(&mut cases, &new.case, &evidence);
    if !transaction.rows(PUT, &cases.values()).await?.is_empty() {
        append_history(&transaction, &new.history).await?;
    } else if reopen(&transaction, new, &evidence).await? {
        append_history(&transaction, &new.history_of_reopening()).await?;
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

/// Opens a case again, where it is of a state that lasts; its transaction is locked.
async fn reopen(transaction: &Transaction, new: &NewCase, evidence: &str) -> Result<bool, Failure> {
    let Some(resolved_by) = new.reopens_resolved_by() else { return Ok(false) };
    let (txn_id, kind) = (new.case.txn_id.as_str(), new.case.kind.as_str());
    let (raised_at, resolved_by) = (new.case.raised_at.as_millis(), resolved_by.as_millis());
    let evidence = storable(evidence);
    let opened = transaction.rows(REOPEN, &[&txn_id, &kind, &raised_at, &evidence, &resolved_by]).await?;
    Ok(!opened.is_empty())
}

/// Adds a line to the history of a transaction whose row is locked.
pub(crate) async fn append_history(transaction: &Transaction, entry: &HistoryEntry) -> Result<(), Failure> {
    let evidence = entry.evidence.to_string();
    let mut lines = Rows::default();
    transaction_columns::history_line(&mut lines, entry, &evidence);
    transaction.rows(transaction_columns::APPEND_HISTORY, &lines.values()).await?;
    Ok(())
}

macro_rules! select_cases {
    () => {
        "SELECT txn_id, kind, raised_at, evidence::text, case_id, resolved_at, resolved_by, resolution
         FROM eg_pg_attention"
    };
}

/// The cases of a transaction, oldest first.
pub(crate) async fn of(db: &Connections, id: &TxnId) -> Result<Vec<Attention>, Failure> {
    const OF: &str = concat!(select_cases!(), " WHERE txn_id = $1 ORDER BY raised_at, case_id");
    rows::all(&db.ask(OF, &[&id.as_str()]).await?, |row| Ok(read(row)?.case))
}

/// The cases that match, in the order of their numbers. Each reads an index that holds nothing else.
pub(crate) async fn search(db: &Connections, query: &AttentionQuery) -> Result<Vec<AttentionCase>, Failure> {
    // A transaction has a handful: they may be sorted. What is added keeps the index by number out.
    const OF_TRANSACTION: &str = concat!(
        select_cases!(),
        " WHERE txn_id = $1 AND case_id + 0 > $2 AND ($3::text IS NULL OR kind = $3)
            AND ($4::boolean IS NULL OR (resolved_at IS NULL) = $4)
          ORDER BY case_id + 0 LIMIT $5"
    );
    const OPEN: &str =
        concat!(select_cases!(), " WHERE resolved_at IS NULL AND case_id > $1 ORDER BY case_id LIMIT $2");
    const OPEN_OF_KIND: &str = concat!(
        select_cases!(),
        " WHERE resolved_at IS NULL AND case_id > $1 AND kind = $3 ORDER BY case_id LIMIT $2"
    );
    const RESOLVED: &str =
        concat!(select_cases!(), " WHERE resolved_at IS NOT NULL AND case_id > $1 ORDER BY case_id LIMIT $2");
    const RESOLVED_OF_KIND: &str = concat!(
        select_cases!(),
        " WHERE resolved_at IS NOT NULL AND case_id > $1 AND kind = $3 ORDER BY case_id LIMIT $2"
    );
    const ALL: &str = concat!(select_cases!(), " WHERE case_id > $1 ORDER BY case_id LIMIT $2");
    const ALL_OF_KIND: &str =
        concat!(select_cases!(), " WHERE case_id > $1 AND kind = $3 ORDER BY case_id LIMIT $2");
    let limit = i64::from(query.limit);
    let kind = query.kind.map(AttentionKind::as_str);
    if let Some(id) = &query.txn_id {
        let is_open: Option<bool> = match query.state {
            CaseState::Open => Some(true),
            CaseState::Resolved => Some(false),
            CaseState::All => None,
        };
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&id.as_str(), &query.after, &kind, &is_open, &limit];
        return rows::all(&db.ask(OF_TRANSACTION, &values).await?, read);
    }
    let found = match (query.state, &kind) {
        (CaseState::Open, None) => db.ask(OPEN, &[&query.after, &limit]).await?,
        (CaseState::Open, Some(kind)) => db.ask(OPEN_OF_KIND, &[&query.after, &limit, kind]).await?,
        (CaseState::Resolved, None) => db.ask(RESOLVED, &[&query.after, &limit]).await?,
        (CaseState::Resolved, Some(kind)) => db.ask(RESOLVED_OF_KIND, &[&query.after, &limit, kind]).await?,
        (CaseState::All, None) => db.ask(ALL, &[&query.after, &limit]).await?,
        (CaseState::All, Some(kind)) => db.ask(ALL_OF_KIND, &[&query.after, &limit, kind]).await?,
    };
    rows::all(&found, read)
}

const FIND: &str = concat!(select_cases!(), " WHERE case_id = $1");

/// The case of this number.
pub(crate) async fn find(db: &Connections, id: i64) -> Result<Option<AttentionCase>, Failure> {
    db.ask(FIND, &[&id]).await?.first().map(read).transpose()
}

/// Resolves a case that is open, and lets the bills go if nothing else holds them back.
pub(crate) async fn resolve(
    db: &Connections,
    id: i64,
    resolution: &Resolution,
    entry: &HistoryEntry,
    release: &[BillKey],
) -> Result<Resolved, Failure> {
    const RESOLVE: &str = "
        UPDATE eg_pg_attention SET resolved_at = $2, resolved_by = $3, resolution = $4 WHERE case_id = $1";
    const OPEN_CASES: &str = "SELECT case_id FROM eg_pg_attention WHERE txn_id = $1 AND resolved_at IS NULL";
    let transaction = db.begin().await?;
    let Some(found) = transaction.rows(FIND, &[&id]).await?.first().map(read).transpose()? else {
        transaction.roll_back().await;
        return Ok(Resolved::NotFound);
    };
    let txn_id = found.case.txn_id.as_str();
    // With it locked nobody else raises or resolves a case of the transaction.
    let status: Option<String> = match transaction.rows(LOCK_TRANSACTION, &[&txn_id]).await?.first() {
        Some(row) => Some(row.try_get(0)?),
        None => None,
    };
    let now = transaction.rows(FIND, &[&id]).await?.first().map(read).transpose()?;
    if let Some(before) = now.and_then(|case| case.resolution) {
        transaction.roll_back().await;
        return Ok(Resolved::Before(before));
    }
    let (by, reason) = (storable(&resolution.by), storable(&resolution.reason));
    transaction.rows(RESOLVE, &[&id, &resolution.at.as_millis(), &by, &reason]).await?;
    append_history(&transaction, entry).await?;
    let is_failure = status.as_deref() == Some(StatusName::Failure.as_str());
    if is_failure && !release.is_empty() && transaction.rows(OPEN_CASES, &[&txn_id]).await?.is_empty() {
        let mut released = Rows::default();
        for bill in release {
            claims::row(&mut released, bill, txn_id);
        }
        transaction.rows(claims::LOCK, &released.values()).await?;
        transaction.rows(claims::HAND_ON, &released.values()).await?;
    }
    transaction.commit().await?;
    Ok(Resolved::Now)
}

fn read(row: &Row) -> Result<AttentionCase, Failure> {
    let columns = Columns::of(row, "eg_pg_attention")?;
    let case = Attention {
        txn_id: columns.txn_id(),
        kind: columns.read("kind", AttentionKind::from_word)?,
        raised_at: columns.moment("raised_at")?,
        evidence: columns.read("evidence", rows::json)?,
    };
    let id = columns.get("case_id")?;
    let at = columns.optional_moment("resolved_at")?;
    let resolution = match (at, columns.get("resolved_by")?, columns.get("resolution")?) {
        (None, None, None) => None,
        (Some(at), Some(by), Some(reason)) => Some(Resolution { at, by, reason }),
        (None | Some(_), None | Some(_), None | Some(_)) => return Err(columns.unreadable("resolution")),
    };
    Ok(AttentionCase { id, case, resolution })
}
