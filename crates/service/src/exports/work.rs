//! The work of an export: from the rows to the bytes, and to the entry of its end.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use payment_domain::{AuditAction, AuditActor, AuditEntry, TenantId};
use payment_store::{LONGEST_READING, StoreError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::body::{Gone, Sender};
use super::columns::{Shown, write_page};
use super::lines::{Kind, Lines};
use super::moments::Moments;
use super::sheet::{self, Written};
use super::source::Source;
use super::{ExportError, ExportFormat};
use crate::audit::act;
use crate::ports::Ports;

/// The bytes of a sheet's file that are read at once.
const SHEET_PIECE: u64 = 1024 * 1024;

pub(super) struct Work {
    pub(super) id: String,
    pub(super) list: &'static str,
    pub(super) format: ExportFormat,
    pub(super) actor: AuditActor,
    pub(super) tenant: Option<TenantId>,
    pub(super) source: Source,
    pub(super) shown: Shown,
    pub(super) ports: Arc<Ports>,
    pub(super) sender: Sender,
}

/// Tells whether there will be a file.
type Begun = oneshot::Sender<Result<(), ExportError>>;

/// Why an export was cut off.
enum Cut {
    ReaderGone,
    TooSlow,
    Stopped,
    Failed(ExportError),
}

impl Cut {
    fn as_str(&self) -> &'static str {
        match self {
            Cut::ReaderGone => "reader-gone",
            Cut::TooSlow => "too-slow",
            Cut::Stopped => "stopped",
            Cut::Failed(ExportError::TooLong) => "too-long",
            Cut::Failed(ExportError::Busy | ExportError::File(_) | ExportError::Store(_)) => "failed",
        }
    }
}

impl From<Gone> for Cut {
    fn from(_: Gone) -> Cut {
        Cut::ReaderGone
    }
}

impl From<StoreError> for Cut {
    fn from(error: StoreError) -> Cut {
        Cut::Failed(error.into())
    }
}

impl From<ExportError> for Cut {
    fn from(error: ExportError) -> Cut {
        Cut::Failed(error)
    }
}

/// The rows and bytes that have left, at most: the reader may have been gone before it had the last of them.
#[derive(Default)]
struct Left {
    rows: u64,
    bytes: u64,
    digest: Sha256,
}

impl Left {
    /// Counts bytes that have left, or are about to.
    fn count(&mut self, bytes: &Bytes, rows: u64) {
        self.digest.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or_default();
        self.rows += rows;
    }
}

/// The end of an export, for its entry of the audit log.
struct Ending {
    id: String,
    list: &'static str,
    format: ExportFormat,
    actor: AuditActor,
    tenant: Option<TenantId>,
    ports: Arc<Ports>,
}

impl Ending {
    async fn record(&self, state: &str, left: &Left) -> Result<(), StoreError> {
        let details = [
            ("list", Value::from(self.list)),
            ("format", self.format.as_str().into()),
            ("state", state.into()),
            ("rows", left.rows.into()),
            ("bytes", left.bytes.into()),
        ];
        let entry = AuditEntry {
            tenant: self.tenant.clone(),
            after: Some(left.digest.clone().finalize().into()),
            details: details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..act(self.ports.now(), self.actor.clone(), AuditAction::Exported, "export", self.id.as_str())
        };
        self.ports.store.record(vec![entry]).await
    }
}

impl Work {
    pub(super) async fn run(self, begun: Begun, stop: CancellationToken) {
        let Work { id, list, format, actor, tenant, source, shown, ports, sender } = self;
        let ending = Ending { id, list, format, actor, tenant, ports };
        let (mut left, mut begun) = (Left::default(), Some(begun));
        let outcome = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Cut::Stopped),
            () = sender.gone() => Err(Cut::ReaderGone),
            () = tokio::time::sleep(LONGEST_READING) => Err(Cut::TooSlow),
            outcome = deliver(&ending, source, shown, &sender, &mut left, &mut begun) => outcome,
        };
        // A file that is whole was recorded before its end.
        let Err(cut) = outcome else { return };
        let state = cut.as_str();
        tracing::warn!(list, state, rows = left.rows, "an export was cut off");
        if let Err(error) = ending.record(state, &left).await {
            tracing::error!(list, state, rows = left.rows, %error, "the end of an export is not in the audit log");
        }
        if let (Some(begun), Cut::Failed(error)) = (begun, cut) {
            let _ = begun.send(Err(error));
        }
    }
}

async fn deliver(
    ending: &Ending,
    source: Source,
    shown: Shown,
    sender: &Sender,
    left: &mut Left,
    begun: &mut Option<Begun>,
) -> Result<(), Cut> {
    let moments = Moments::of(ending.ports.settings.time_zone.clone());
    let last = match ending.format {
        ExportFormat::Csv => lines(Kind::Csv, source, shown, moments, sender, left, begun).await?,
        ExportFormat::Jsonl => lines(Kind::Jsonl, source, shown, moments, sender, left, begun).await?,
        ExportFormat::Xlsx => sheet(source, shown, moments, sender, left, begun).await?,
    };
    ending.record("whole", left).await?;
    sender.bytes(last).await?;
    Ok(sender.end().await?)
}

/// Tells that there will be a file.
fn tell(begun: &mut Option<Begun>) {
    if let Some(begun) = begun.take() {
        // Who asked may be gone, which their side of the bytes tells.
        let _ = begun.send(Ok(()));
    }
}

/// Sends all bytes but the last, which are returned.
async fn lines(
    kind: Kind,
    mut source: Source,
    mut shown: Shown,
    moments: Moments,
    sender: &Sender,
    left: &mut Left,
    begun: &mut Option<Begun>,
) -> Result<Bytes, Cut> {
    let mut table = Lines::new(kind, source.columns(), moments);
    while let Some(page) = source.next().await? {
        tell(begun);
        write_page(&page, &mut shown, &mut table);
        for piece in table.take_full() {
            sender.bytes(piece.bytes.clone()).await?;
            left.count(&piece.bytes, piece.rows);
        }
    }
    tell(begun);
    let last = table.take_last();
    left.count(&last.bytes, last.rows);
    Ok(last.bytes)
}

/// The same of a sheet. All its rows count with the first bytes: what has left of it may be restored.
async fn sheet(
    source: Source,
    shown: Shown,
    moments: Moments,
    sender: &Sender,
    left: &mut Left,
    begun: &mut Option<Begun>,
) -> Result<Bytes, Cut> {
    let (gone, runtime) = (CancellationToken::new(), Handle::current());
    // The thread is not ended with this work: it looks at the token.
    let _guard = gone.clone().drop_guard();
    let write = move || sheet::write(source, shown, moments, &gone, &runtime);
    let Written { mut file, mut rows } = joined(tokio::task::spawn_blocking(write).await)??;
    tell(begun);
    let mut last = Bytes::new();
    loop {
        let read = move || {
            let piece = piece_of(&file);
            (file, piece)
        };
        let (back, piece) = joined(tokio::task::spawn_blocking(read).await)?;
        file = back;
        let piece = piece?;
        if piece.is_empty() {
            left.count(&last, rows);
            return Ok(last);
        }
        if !last.is_empty() {
            sender.bytes(last.clone()).await?;
            left.count(&last, std::mem::take(&mut rows));
        }
        last = piece;
    }
}

fn joined<T>(joined: Result<T, tokio::task::JoinError>) -> Result<T, ExportError> {
    joined.map_err(|_| ExportError::File("its thread has broken off".to_owned()))
}

fn piece_of(file: &File) -> Result<Bytes, ExportError> {
    let mut piece = Vec::new();
    let read = file.take(SHEET_PIECE).read_to_end(&mut piece);
    read.map_err(|error| ExportError::File(error.to_string()))?;
    Ok(piece.into())
}
