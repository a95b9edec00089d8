//! Making checkpoints, and sending them out of the database: as an event, a line of the log and a line of a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use payment_domain::{Event, EventKind, TenantId, TxnId};
use payment_store::audit::chain::{Link, entry_hash};
use payment_store::audit::merkle::Tree;
use payment_store::{AuditQuery, StoreError, StoredCheckpoint};

use super::export::Lines;
use super::{AuditTrail, Checkpoint, PublicKey, SignedCheckpoint};

/// The entries, or checkpoints, that are read at once.
const PAGE: u32 = 500;

/// The outcome of making a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpointed {
    New(SignedCheckpoint),
    /// Nothing was appended since the last one.
    Unchanged(Option<SignedCheckpoint>),
}

/// Why no checkpoint was made, or none written to the file.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("no key is set to sign checkpoints with")]
    NoKey,
    /// At this entry. A broken log is not signed.
    #[error("the audit log is broken at entry {0}")]
    Broken(i64),
    #[error("checkpoints cannot be written to {0}: {1}")]
    File(PathBuf, #[source] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuditTrail {
    /// Signs the log as it stands now. The entries since the last checkpoint are verified before.
    ///
    /// # Errors
    /// A [`CheckpointError`]. The checkpoint is made when only the file cannot be written: the next one appends it.
    pub async fn checkpoint(&self) -> Result<Checkpointed, CheckpointError> {
        let head = self.store.audit_head().await?;
        let key = self.checkpoints.key.as_ref().ok_or(CheckpointError::NoKey)?;
        let last = self.store.last_checkpoint().await?;
        let size = last.as_ref().map_or(0, |last| last.size);
        if head.end.number <= size {
            self.append_to_file(&head.database_id).await?;
            return Ok(Checkpointed::Unchanged(last.map(|last| signed(&head.database_id, &last))));
        }
        let tree = self.tree(last, head.end).await?;
        let checkpoint = Checkpoint {
            database_id: head.database_id.clone(),
            size: tree.size(),
            root: tree.root(),
            at: self.clock.now(),
        };
        let signed = key.sign(checkpoint).ok_or(CheckpointError::NoKey)?;
        let stored = StoredCheckpoint {
            size: head.end.number,
            root: signed.checkpoint.root,
            at: signed.checkpoint.at,
            signature: signed.signature,
            public_key: signed.public_key.0,
            tree,
        };
        let line = signed.line();
        let event = Event {
            kind: EventKind::AuditCheckpoint,
            txn_id: TxnId::stored(format!("pg-audit-{}", head.database_id)),
            tenant_id: TenantId::stored("pg-audit"),
            body: line.clone(),
            trace: None,
        };
        if self.store.store_checkpoint(stored, event).await? {
            tracing::info!(size = head.end.number, checkpoint = line, "a checkpoint of the audit log");
        }
        self.append_to_file(&head.database_id).await?;
        Ok(Checkpointed::New(signed))
    }

    /// The tree up to an entry, from the last checkpoint's on.
    async fn tree(&self, last: Option<StoredCheckpoint>, to: Link) -> Result<Tree, CheckpointError> {
        let size = last.as_ref().map_or(0, |last| last.size);
        let mut end = Link::START;
        if size > 0 {
            let at_size =
                self.show(size, AuditQuery::default()).await?.ok_or(CheckpointError::Broken(size))?;
            end = Link { number: size, hash: at_size.hash };
        }
        let mut tree = match last {
            Some(last) if last.tree.root() != last.root => return Err(CheckpointError::Broken(size)),
            Some(last) => last.tree,
            None => Tree::default(),
        };
        while end.number < to.number {
            let query = AuditQuery { after: end.number, limit: PAGE, ..AuditQuery::default() };
            let entries = self.store.audit_entries(&query).await?;
            let next = end.number.saturating_add(1);
            if entries.is_empty() {
                return Err(CheckpointError::Broken(next));
            }
            for entry in entries.iter().take_while(|entry| entry.number <= to.number) {
                let number = end.number.saturating_add(1);
                if entry.number != number || entry.hash != entry_hash(entry.entry.as_bytes(), &end.hash) {
                    return Err(CheckpointError::Broken(number));
                }
                tree.push(&entry.hash);
                end = Link { number, hash: entry.hash };
            }
        }
        if end == to { Ok(tree) } else { Err(CheckpointError::Broken(to.number)) }
    }

    /// Appends the checkpoints that the file lacks: another node, or one that has died since, may have made them.
    async fn append_to_file(&self, database_id: &str) -> Result<(), CheckpointError> {
        let Some(path) = self.checkpoints.file.clone() else { return Ok(()) };
        let failed = |error| CheckpointError::File(path.clone(), error);
        let (of, id) = (path.clone(), database_id.to_owned());
        let known = blocking(move || last_in_file(&of, &id)).await.map_err(failed)?;
        let mut after = known;
        loop {
            let page = self.store.checkpoints(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.size;
            let lines: Vec<String> = page.iter().map(|stored| signed(database_id, stored).line()).collect();
            let to = path.clone();
            blocking(move || append(&to, &lines)).await.map_err(failed)?;
        }
    }
}

fn signed(database_id: &str, stored: &StoredCheckpoint) -> SignedCheckpoint {
    SignedCheckpoint {
        checkpoint: Checkpoint {
            database_id: database_id.to_owned(),
            size: stored.size.unsigned_abs(),
            root: stored.root,
            at: stored.at,
        },
        signature: stored.signature,
        public_key: PublicKey(stored.public_key),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The largest size of a checkpoint of this database in the file, 0 where there is none.
fn last_in_file(path: &Path, database_id: &str) -> io::Result<i64> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut lines = Lines::of(BufReader::new(file));
    let mut last = 0;
    while let Some(line) = lines.next().map_err(io::Error::other)? {
        if let Ok(signed) = SignedCheckpoint::read(&line)
            && signed.checkpoint.database_id == database_id
        {
            last = last.max(i64::try_from(signed.checkpoint.size).unwrap_or(i64::MAX));
        }
    }
    Ok(last)
}

/// Appends lines, and returns when they are on disk. A line that a crash has cut off is ended first.
fn append(path: &Path, lines: &[String]) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let mut text = String::new();
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
