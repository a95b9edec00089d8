//! The chain of entries, their personal values, and the tree over them.

use std::collections::{BTreeMap, BTreeSet};

use payment_domain::AuditAction;
use payment_store::audit::chain::{Link, entry_hash};
use payment_store::audit::merkle::Tree;
use payment_store::audit::sealing::Seal;
use payment_store::{AuditHead, StoredEntry};
use serde_json::Value;

use super::checkpoints::{KnownCheckpoints, Pending};
use super::{Broken, CheckpointsHeld, HeldCheckpoint, Stop, Verification};

/// The pointers of an entry's JSON that may hold the hash of a personal value, by field.
const PERSONAL: [(&str, &str); 3] =
    [("address", "/actor/address"), ("name", "/actor/name"), ("reason", "/reason")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Personal {
    Stored,
    /// An export has none.
    Absent,
}

pub(super) struct Chain {
    database_id: String,
    pub(super) end: Link,
    tree: Tree,
    personal: Personal,
    pending: Pending,
    held: Option<HeldCheckpoint>,
    compared: u64,
    unreadable_lines: u64,
    redacted: u64,
    /// Entries without their personal values, of which no entry says so yet.
    unexplained: BTreeSet<i64>,
}

impl Chain {
    pub(super) fn new(checkpoints: KnownCheckpoints, database_id: String, personal: Personal) -> Chain {
        Chain {
            unreadable_lines: checkpoints.unreadable_lines,
            pending: Pending::new(checkpoints),
            database_id,
            end: Link::START,
            tree: Tree::default(),
            personal,
            held: None,
            compared: 0,
            redacted: 0,
            unexplained: BTreeSet::new(),
        }
    }

    /// Looks whether every checkpoint is one of this log.
    pub(super) fn begin(&self) -> Result<(), Stop> {
        self.pending.check(&self.database_id).map_err(Stop::Broken)
    }

    /// The next entry, as JSON.
    pub(super) fn entry(&mut self, stored: &StoredEntry) -> Result<Value, Stop> {
        let number = self.end.number.saturating_add(1);
        let broken = |why: &str| Stop::Broken(Broken::entry(number, why));
        if stored.number != number {
            return Err(broken(if stored.number > number { "it is missing" } else { "it is there twice" }));
        }
        if stored.hash != entry_hash(stored.entry.as_bytes(), &self.end.hash) {
            return Err(broken("its text, or the hash before it, is not the one it was chained with"));
        }
        let entry: Value = serde_json::from_str(&stored.entry).map_err(|_| broken("it is no JSON"))?;
        if entry["number"].as_i64() != Some(number) {
            return Err(broken("it was written under another number"));
        }
        if self.personal == Personal::Stored {
            self.personal_values(stored, &entry).map_err(|why| broken(&why))?;
        }
        self.end = Link { number, hash: stored.hash };
        self.tree.push(&stored.hash);
        while let Some(checkpoint) = self.pending.at(self.tree.size()) {
            let place = HeldCheckpoint { size: checkpoint.size, time: checkpoint.at };
            if checkpoint.root != self.tree.root() {
                let why = "the entries that it covers are others than when it was signed";
                return Err(Stop::Broken(Broken { place: super::place_of(place), why: why.to_owned() }));
            }
            self.held = Some(place);
            self.compared += 1;
        }
        Ok(entry)
    }

    fn personal_values(&mut self, stored: &StoredEntry, entry: &Value) -> Result<(), String> {
        let mut values: BTreeMap<&str, _> =
            stored.personal.iter().map(|personal| (personal.field.as_str(), &personal.value)).collect();
        let mut is_redacted = false;
        for (field, pointer) in PERSONAL {
            let hash = entry.pointer(pointer).and_then(Value::as_str);
            match (hash, values.remove(field)) {
                (None, None) => {}
                (Some(hash), Some(Some(salted))) if hex::encode(salted.hash()) == hash => {}
                (Some(_), Some(None)) => is_redacted = true,
                (Some(_), Some(Some(_))) => {
                    return Err(format!("its {field} is another than the one it was written with"));
                }
                (Some(_), None) => return Err(format!("the row of its {field} is missing")),
                (None, Some(_)) => return Err(format!("it was written without {field}")),
            }
        }
        if let Some(field) = values.keys().next() {
            return Err(format!("it was written without {field}"));
        }
        if is_redacted {
            self.redacted += 1;
            self.unexplained.insert(stored.number);
        }
        if entry["action"].as_str() == Some(AuditAction::Redacted.as_str())
            && let Some(of) = entry["object"]["id"].as_str().and_then(|id| id.parse().ok())
        {
            self.unexplained.remove(&of);
        }
        Ok(())
    }

    /// Looks whether the log ends where its head and the checkpoints say.
    pub(super) fn finish(&mut self, head: &AuditHead) -> Result<(), Stop> {
        let (end, number) = (self.end, self.end.number);
        if let Some(checkpoint) = self.pending.next() {
            let why = format!(
                "it covers {} entries, and the log ends at entry {number}: its end was cut off, or it was put \
                 back to an earlier state",
                checkpoint.size
            );
            let place = HeldCheckpoint { size: checkpoint.size, time: checkpoint.at };
            return Err(Stop::Broken(Broken { place: super::place_of(place), why }));
        }
        if head.end.number > number {
            let next = number.saturating_add(1);
            return Err(Stop::Broken(Broken::entry(next, "it is missing: the end of the log was cut off")));
        }
        if head.end.number < number {
            let next = head.end.number.saturating_add(1);
            return Err(Stop::Broken(Broken::entry(next, "it stands behind the end of the log")));
        }
        if head.end != end {
            return Err(Stop::Broken(Broken::entry(number, "its hash is not the one at which the log ends")));
        }
        match self.unexplained.first() {
            Some(entry) => Err(Stop::Broken(Broken::entry(
                *entry,
                "its personal values are gone, and no entry says why",
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn result(self, broken: Option<Broken>, lines: Option<(u64, u64)>) -> Verification {
        let protected = self.held.map_or(0, |held| i64::try_from(held.size).unwrap_or(i64::MAX));
        let unprotected =
            (self.end.number > protected).then(|| (protected.saturating_add(1), self.end.number));
        Verification {
            database_id: self.database_id,
            entries: self.end.number,
            broken,
            history_lines: lines.map(|(sealed, _)| sealed),
            unsealed_lines: lines.map(|(_, unsealed)| unsealed),
            redacted: (self.personal == Personal::Stored).then_some(self.redacted),
            checkpoints: CheckpointsHeld {
                compared: self.compared,
                unreadable_lines: self.unreadable_lines,
                last: self.held,
                unprotected,
            },
        }
    }
}

/// The seal that an entry is; `None` when it is another entry.
pub(super) fn seal_of(stored: &StoredEntry, entry: &Value) -> Result<Option<Seal>, Stop> {
    if entry["action"].as_str() != Some(AuditAction::HistorySealed.as_str()) {
        return Ok(None);
    }
    let unreadable = || Stop::Broken(Broken::entry(stored.number, "its seal cannot be read"));
    Seal::read(entry).map(Some).ok_or_else(unreadable)
}
