//! Sealing the histories of payments. A seal locks a row of its own first, and the end of the chain last; no
//! payment waits for either.

use payment_domain::Timestamp;
use payment_store::audit::sealing::{Covered, Fingerprint, HistoryLine, LineKey, Progress, Seal};
use payment_store::{Fence, HistoryLines};
use tokio_postgres::Row;

use super::{commit_with_audit, hash};
use crate::connections::{Connections, Transaction};
use crate::failure::Failure;
use crate::jobs::begin_fenced;
use crate::parameters::at_least;
use crate::rows::{self, Columns};

const TABLE: &str = "eg_pg_history_seal";

const LINES: &str = "
    SELECT txn_id, entry_number, position, at_time, actor_kind, actor_id, from_status, to_status, why,
        evidence::text
    FROM eg_pg_transaction_history";

/// The positions of lines and their fingerprints ([`HistoryLine::fingerprint`]), made here: a seal needs nothing else
/// of a line. Lengths are those of the texts in UTF-8.
const FINGERPRINTS: &str = "
    SELECT line.position, sha256(
        int8send(line.position) || int8send(line.entry_number) || int8send(line.at_time)
        || CASE WHEN line.from_status IS NULL THEN '\\x00'::bytea ELSE '\\x01' END
        || int8send(length(utf8.txn_id)) || utf8.txn_id
        || int8send(length(utf8.actor_kind)) || utf8.actor_kind
        || int8send(length(utf8.actor_id)) || utf8.actor_id
        || int8send(length(utf8.to_status)) || utf8.to_status
        || int8send(length(utf8.why)) || utf8.why
        || int8send(length(utf8.evidence)) || utf8.evidence
        || coalesce(int8send(length(utf8.from_status)) || utf8.from_status, ''))
    FROM eg_pg_transaction_history AS line CROSS JOIN LATERAL (
        SELECT convert_to(line.txn_id, 'UTF8') AS txn_id, convert_to(line.actor_kind, 'UTF8') AS actor_kind,
            convert_to(line.actor_id, 'UTF8') AS actor_id, convert_to(line.from_status, 'UTF8') AS from_status,
            convert_to(line.to_status, 'UTF8') AS to_status, convert_to(line.why, 'UTF8') AS why,
            convert_to(line.evidence::text, 'UTF8') AS evidence
        OFFSET 0) AS utf8";

pub(super) async fn seal(
    db: &Connections,
    at: Timestamp,
    limit: u32,
    fence: &Fence,
) -> Result<Option<u32>, Failure> {
    if !is_due(db).await? {
        return Ok(Some(0));
    }
    let Some(transaction) = begin_fenced(db, Some(fence)).await? else { return Ok(None) };
    let mut state = State::lock(&transaction).await?;
    let mut found = in_gaps(&transaction, &state.progress).await?;
    found.extend(behind(&transaction, state.progress.through, limit).await?);
    let mut sealed = found.len();
    let mut entries: Vec<_> =
        state.progress.advance(&found, at).map(|seal| seal.entry(at)).into_iter().collect();
    if !state.earlier_is_done {
        let lines = earlier(&transaction, state.earlier.as_ref(), limit).await?;
        sealed += lines.len();
        entries.push(state.seal_earlier(&lines, limit).entry(at));
    }
    state.store(&transaction).await?;
    commit_with_audit(transaction, Vec::new(), &entries).await?;
    Ok(Some(u32::try_from(sealed).map_err(|_| Failure::OutOfRange)?))
}

/// Whether there may be anything to seal; it locks nothing.
async fn is_due(db: &Connections) -> Result<bool, Failure> {
    // The last position by its index: an EXISTS reads the table whole where there is none behind.
    const DUE: &str = "
        SELECT gaps <> '[]' OR NOT earlier_is_done OR sealed_through < coalesce((
            SELECT position FROM eg_pg_transaction_history WHERE position IS NOT NULL
            ORDER BY position DESC LIMIT 1), 0)
        FROM eg_pg_history_seal";
    Ok(rows::first(&db.ask(DUE, &[]).await?)?.unwrap_or(false))
}

struct State {
    progress: Progress,
    /// The last one that was sealed of the lines without a position.
    earlier: Option<LineKey>,
    earlier_is_done: bool,
}

impl State {
    async fn lock(transaction: &Transaction) -> Result<State, Failure> {
        const LOCK: &str = "
            SELECT sealed_through, gaps, earlier_txn_id, earlier_entry, earlier_is_done
            FROM eg_pg_history_seal FOR UPDATE";
        let locked = transaction.rows(LOCK, &[]).await?;
        let columns = Columns::keyless(locked.first().ok_or(Failure::OutOfRange)?, TABLE);
        let through = columns.get("sealed_through")?;
        let progress = columns.read("gaps", |gaps| Progress::read(through, gaps))?;
        let (txn_id, number): (Option<String>, _) =
            (columns.get("earlier_txn_id")?, columns.get("earlier_entry")?);
        let earlier = txn_id.zip(number).map(|(txn_id, entry_number)| LineKey { txn_id, entry_number });
        Ok(State { progress, earlier, earlier_is_done: columns.get("earlier_is_done")? })
    }

    fn seal_earlier(&mut self, lines: &[HistoryLine], limit: u32) -> Seal {
        let after = self.earlier.clone();
        self.earlier = lines.last().map(HistoryLine::key).or_else(|| after.clone());
        self.earlier_is_done = lines.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        let covers = Covered::Earlier { after, through: self.earlier.clone(), is_last: self.earlier_is_done };
        Seal::of(covers, lines.iter().map(HistoryLine::fingerprint))
    }

    async fn store(&self, transaction: &Transaction) -> Result<(), Failure> {
        const STORE: &str = "
            UPDATE eg_pg_history_seal SET sealed_through = $1, gaps = $2, earlier_txn_id = $3,
                earlier_entry = $4, earlier_is_done = $5";
        let earlier = self.earlier.as_ref();
        transaction
            .rows(
                STORE,
                &[
                    &self.progress.through,
                    &self.progress.gaps_text(),
                    &earlier.map(|key| &key.txn_id),
                    &earlier.map(|key| key.entry_number),
                    &self.earlier_is_done,
                ],
            )
            .await?;
        Ok(())
    }
}

/// The position of a line and its fingerprint.
type Found = (i64, Fingerprint);

async fn in_gaps(transaction: &Transaction, progress: &Progress) -> Result<Vec<Found>, Failure> {
    if progress.gaps.is_empty() {
        return Ok(Vec::new());
    }
    transaction.prepare_for_searches().await?;
    let from: Vec<i64> = progress.gaps.iter().map(|gap| gap.span.from).collect();
    let to: Vec<i64> = progress.gaps.iter().map(|gap| gap.span.to).collect();
    let sql = format!(
        "{FINGERPRINTS} JOIN unnest($1::bigint[], $2::bigint[]) AS gap (first, last)
            ON line.position BETWEEN gap.first AND gap.last ORDER BY position"
    );
    rows::all(&transaction.rows(&sql, &[&from, &to]).await?, fingerprint)
}

async fn behind(transaction: &Transaction, position: i64, limit: u32) -> Result<Vec<Found>, Failure> {
    let is_behind = at_least("line.position", "$1::bigint + 1");
    let sql = format!("{FINGERPRINTS} WHERE {is_behind} ORDER BY line.position LIMIT $2");
    rows::all(&transaction.rows(&sql, &[&position, &i64::from(limit)]).await?, fingerprint)
}

fn fingerprint(row: &Row) -> Result<Found, Failure> {
    let columns = Columns::keyless(row, "eg_pg_transaction_history");
    let position = columns.get("position")?;
    Ok((position, hash(&columns, "sha256")?))
}

const EARLIER: &str = "
    WHERE position IS NULL AND (txn_id, entry_number) > ($1::text, $2::bigint)
    ORDER BY txn_id, entry_number LIMIT $3";

/// The place behind a line, or before all of them.
fn place(after: Option<&LineKey>) -> (&str, i64) {
    after.map_or(("", i64::MIN), |key| (key.txn_id.as_str(), key.entry_number))
}

async fn earlier(
    transaction: &Transaction,
    after: Option<&LineKey>,
    limit: u32,
) -> Result<Vec<HistoryLine>, Failure> {
    let (txn_id, number) = place(after);
    let found =
        transaction.rows(&format!("{LINES}{EARLIER}"), &[&txn_id, &number, &i64::from(limit)]).await?;
    rows::all(&found, line)
}

pub(super) async fn lines(
    db: &Connections,
    which: &HistoryLines,
    limit: u32,
) -> Result<Vec<HistoryLine>, Failure> {
    let limit = i64::from(limit);
    let found = match which {
        HistoryLines::Positions(span) => {
            let sql = format!("{LINES} WHERE position BETWEEN $1 AND $2 ORDER BY position LIMIT $3");
            db.search(&sql, &[&span.from, &span.to, &limit]).await?
        }
        HistoryLines::Earlier { after } => {
            let (txn_id, number) = place(after.as_ref());
            db.search(&format!("{LINES}{EARLIER}"), &[&txn_id, &number, &limit]).await?
        }
    };
    rows::all(&found, line)
}

fn line(row: &Row) -> Result<HistoryLine, Failure> {
    let columns = Columns::keyless(row, "eg_pg_transaction_history");
    Ok(HistoryLine {
        txn_id: columns.get("txn_id")?,
        entry_number: columns.get("entry_number")?,
        position: columns.get("position")?,
        at_ms: columns.get("at_time")?,
        actor_kind: columns.get("actor_kind")?,
        actor_id: columns.get("actor_id")?,
        from_status: columns.get("from_status")?,
        to_status: columns.get("to_status")?,
        why: columns.get("why")?,
        evidence: columns.get("evidence")?,
    })
}
