//! The checkpoints with which a log is compared.

use std::io::BufRead;

use payment_store::{Store, StoreError};

use super::super::checkpoint::{Checkpoint, PublicKey, SignedCheckpoint};
use super::super::export::{ExportError, Lines};
use super::{Broken, HeldCheckpoint};

/// The checkpoints that are read at once.
const PAGE: u32 = 500;

/// Checkpoints, each signed by the key that was given for them.
#[derive(Debug, Clone, Default)]
pub struct KnownCheckpoints {
    pub(super) signed: Vec<(SignedCheckpoint, bool)>,
    pub(super) unreadable_lines: u64,
}

impl KnownCheckpoints {
    /// The checkpoints of a file, a line each. An invalid line is counted and skipped: one may be cut off by
    /// a crash.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file<R: BufRead>(file: R, key: &PublicKey) -> Result<KnownCheckpoints, ExportError> {
        let mut known = KnownCheckpoints::default();
        let mut lines = Lines::of(file);
        while let Some(line) = lines.next()? {
            match SignedCheckpoint::read(&line) {
                Ok(signed) => known.add(signed, key),
                Err(_) => known.unreadable_lines += 1,
            }
        }
        Ok(known)
    }

    /// The checkpoints of the database, by `key`, or by the key that each names.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn of_store(
        store: &dyn Store,
        key: Option<&PublicKey>,
    ) -> Result<KnownCheckpoints, StoreError> {
        let database_id = store.audit_head().await?.database_id;
        let mut known = KnownCheckpoints::default();
        let mut after = 0;
        loop {
            let page = store.checkpoints(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(known) };
            after = last.size;
            for stored in page {
                let checkpoint = Checkpoint {
                    database_id: database_id.clone(),
                    size: stored.size.unsigned_abs(),
                    root: stored.root,
                    at: stored.at,
                };
                let public_key = PublicKey(stored.public_key);
                let signed = SignedCheckpoint { checkpoint, signature: stored.signature, public_key };
                known.add(signed, key.unwrap_or(&public_key));
            }
        }
    }

    fn add(&mut self, signed: SignedCheckpoint, key: &PublicKey) {
        let is_signed = signed.is_signed_by(key);
        self.signed.push((signed, is_signed));
    }
}

/// The checkpoints that were not reached, the smallest last.
pub(super) struct Pending(Vec<(SignedCheckpoint, bool)>);

impl Pending {
    pub(super) fn new(known: KnownCheckpoints) -> Pending {
        let mut signed = known.signed;
        signed.sort_by_key(|(signed, _)| std::cmp::Reverse((signed.checkpoint.size, signed.checkpoint.at)));
        Pending(signed)
    }

    /// Whether all are signed, and of this log.
    pub(super) fn check(&self, database_id: &str) -> Result<(), Broken> {
        for (signed, is_signed) in self.0.iter().rev() {
            let Checkpoint { size, at, .. } = signed.checkpoint;
            let why = if !is_signed {
                "it is not signed by this key"
            } else if signed.checkpoint.database_id != database_id {
                "it is of another database"
            } else if size == 0 {
                "it covers no entry"
            } else {
                continue;
            };
            let place = super::place_of(HeldCheckpoint { size, time: at });
            return Err(Broken { place, why: why.to_owned() });
        }
        Ok(())
    }

    /// The next one of this size.
    pub(super) fn at(&mut self, size: u64) -> Option<Checkpoint> {
        self.0.pop_if(|(signed, _)| signed.checkpoint.size == size).map(|(signed, _)| signed.checkpoint)
    }

    /// The smallest one that was not reached.
    pub(super) fn next(&self) -> Option<&Checkpoint> {
        self.0.last().map(|(signed, _)| &signed.checkpoint)
    }
}
