//! Verifying the audit log: everything is computed again from the stored rows, and the first row that differs
//! is named. It needs memory for a page of rows, the height of the tree and the checkpoints.

mod chain;
mod checkpoints;
mod history;

use std::io::BufRead;

use payment_domain::Timestamp;
use payment_store::audit::sealing::HistoryLine;
use payment_store::{AuditHead, AuditQuery, Store, StoreError};
use serde::Serialize;

use self::chain::{Chain, Personal};
pub use self::checkpoints::KnownCheckpoints;
use self::history::Histories;
use super::export::{ExportError, ExportReader};

/// The entries that are read at once.
const PAGE: u32 = 500;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub database_id: String,
    /// The entries that are as they were written: all, or those before the first that is not.
    pub entries: i64,
    /// The first row that is not as it was written; `None` when all are.
    pub broken: Option<Broken>,
    /// Lines of the payments' histories that seals cover. `None`: not looked at, an export has none.
    pub history_lines: Option<u64>,
    /// Lines that no seal covers yet.
    pub unsealed_lines: Option<u64>,
    /// Entries whose personal values were redacted. `None`: an export has none.
    pub redacted: Option<u64>,
    pub checkpoints: CheckpointsHeld,
}

/// The part of the log that checkpoints protect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointsHeld {
    /// How many were compared.
    pub compared: u64,
    /// Lines of their file that hold none.
    pub unreadable_lines: u64,
    /// The last one that agrees with the log.
    pub last: Option<HeldCheckpoint>,
    /// The first and the last entry that no checkpoint protects yet.
    pub unprotected: Option<(i64, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldCheckpoint {
    pub size: u64,
    pub time: Timestamp,
}

/// A row that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    pub place: Place,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    Entry { number: i64 },
    HistoryLine { position: Option<i64>, txn_id: Option<String>, entry_number: Option<i64>, sealed_by: i64 },
    Checkpoint { size: u64, time: Timestamp },
}

fn place_of(checkpoint: HeldCheckpoint) -> Place {
    Place::Checkpoint { size: checkpoint.size, time: checkpoint.time }
}

impl Broken {
    fn entry(number: i64, why: impl Into<String>) -> Broken {
        Broken { place: Place::Entry { number }, why: why.into() }
    }

    fn line(line: &HistoryLine, sealed_by: i64, why: &str) -> Broken {
        let place = Place::HistoryLine {
            position: line.position,
            txn_id: Some(line.txn_id.clone()),
            entry_number: Some(line.entry_number),
            sealed_by,
        };
        Broken { place, why: why.to_owned() }
    }
}

/// The reason nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// The end of a verification: a broken row, or a failure.
enum Stop {
    Broken(Broken),
    Failed(VerifyError),
}

impl<E: Into<VerifyError>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Failed(error.into())
    }
}

/// Verifies the log of a database and the histories that it seals; `progress` is told the entries behind it.
///
/// # Errors
/// When the database is unavailable.
pub async fn verify_store(
    store: &dyn Store,
    checkpoints: KnownCheckpoints,
    progress: &(dyn Fn(i64) + Send + Sync),
) -> Result<Verification, VerifyError> {
    let database_id = store.audit_head().await?.database_id;
    let mut chain = Chain::new(checkpoints, database_id, Personal::Stored);
    let mut histories = Histories::default();
    let outcome = through_store(store, &mut chain, &mut histories, progress).await;
    let lines = Some((histories.lines, histories.unsealed));
    result(chain, lines, outcome)
}

async fn through_store(
    store: &dyn Store,
    chain: &mut Chain,
    histories: &mut Histories,
    progress: &(dyn Fn(i64) + Send + Sync),
) -> Result<(), Stop> {
    chain.begin()?;
    loop {
        let query = AuditQuery { after: chain.end.number, limit: PAGE, ..AuditQuery::default() };
        let entries = store.audit_entries(&query).await?;
        for stored in &entries {
            let entry = chain.entry(stored)?;
            if let Some(seal) = chain::seal_of(stored, &entry)? {
                histories.check(store, stored.number, &entry, &seal).await?;
            }
        }
        progress(chain.end.number);
        if entries.is_empty() {
            // Read behind the entries, so that it covers entries appended meanwhile.
            let head = store.audit_head().await?;
            if head.end.number <= chain.end.number || store.audit_entries(&query).await?.is_empty() {
                chain.finish(&head)?;
                break;
            }
        }
    }
    histories.finish(store, chain.end.number).await
}

/// Verifies an export.
///
/// # Errors
/// When it cannot be read.
pub fn verify_export<R: BufRead>(
    export: R,
    checkpoints: KnownCheckpoints,
) -> Result<Verification, VerifyError> {
    let mut export = ExportReader::open(export)?;
    let mut chain = Chain::new(checkpoints, export.head.database_id.clone(), Personal::Absent);
    let outcome = through_export(&mut export, &mut chain);
    result(chain, None, outcome)
}

fn through_export<R: BufRead>(export: &mut ExportReader<R>, chain: &mut Chain) -> Result<(), Stop> {
    chain.begin()?;
    while let Some(stored) = export.entry()? {
        let entry = chain.entry(&stored)?;
        chain::seal_of(&stored, &entry)?;
    }
    let head: AuditHead = export.head.clone();
    chain.finish(&head)
}

fn result(
    chain: Chain,
    lines: Option<(u64, u64)>,
    outcome: Result<(), Stop>,
) -> Result<Verification, VerifyError> {
    let broken = match outcome {
        Ok(()) => None,
        Err(Stop::Broken(broken)) => Some(broken),
        Err(Stop::Failed(error)) => return Err(error),
    };
    Ok(chain.result(broken, lines))
}
