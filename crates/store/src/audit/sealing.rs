//! Seals: entries with the digest of lines of the payments' histories, made after the commits of the lines, so
//! that no payment waits for the chain.
//!
//! Lines are numbered ([`HistoryLine::position`]) in the order of their insertion. A line of a smaller position
//! may be committed later than one of a larger, or never. A seal therefore names the very positions that it
//! found; those below the largest that were missing are *gaps*, in which later seals look again, for
//! [`GAP_WATCHED`]: much longer than a database transaction can last. So every line is in exactly one seal, and
//! one that appears in a gap after that time was inserted by another hand.
//!
//! Lines stored before they were numbered have no position. They are sealed in the order of their keys, and are
//! as many as they were then.

use std::time::Duration;

use payment_domain::{AuditAction, AuditActor, AuditEntry, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The job that seals.
pub const JOB: &str = "audit-seal";
/// How long a gap is looked at.
pub const GAP_WATCHED: Duration = Duration::from_secs(24 * 60 * 60);
/// The bytes of a line's fingerprint that a seal holds, so that a changed line can be named.
const PRINT: usize = 4;

/// SHA-256 over a line: see [`HistoryLine::fingerprint`].
pub type Fingerprint = [u8; 32];

/// A line of a payment's history, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// `None` for one that was stored before lines were numbered.
    pub position: Option<i64>,
    pub txn_id: String,
    pub entry_number: i64,
    pub at_ms: i64,
    pub actor_kind: String,
    pub actor_id: String,
    pub from_status: Option<String>,
    pub to_status: String,
    pub why: String,
    /// JSON text.
    pub evidence: String,
}

impl HistoryLine {
    /// SHA-256 over all of it; every text with its length. PostgreSQL makes the same in a statement of its store.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(self.position.unwrap_or(0).to_be_bytes());
        hash.update(self.entry_number.to_be_bytes());
        hash.update(self.at_ms.to_be_bytes());
        hash.update([u8::from(self.from_status.is_some())]);
        let texts =
            [&self.txn_id, &self.actor_kind, &self.actor_id, &self.to_status, &self.why, &self.evidence];
        for text in texts.into_iter().chain(&self.from_status) {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        }
        hash.finalize().into()
    }

    pub fn key(&self) -> LineKey {
        LineKey { txn_id: self.txn_id.clone(), entry_number: self.entry_number }
    }
}

/// The key of a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineKey {
    pub txn_id: String,
    pub entry_number: i64,
}

/// Positions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

impl Span {
    pub fn holds(self, position: i64) -> bool {
        (self.from..=self.to).contains(&position)
    }
}

/// Positions that had no line when they were passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub span: Span,
    pub since_ms: i64,
}

/// How far the sealing has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Every line of a position up to this one is sealed, or lies in a gap.
    pub through: i64,
    /// In the order of their positions.
    pub gaps: Vec<Gap>,
}

/// The positions and the digest of a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub covers: Covered,
    pub digest: [u8; 32],
    /// The first bytes of the fingerprints, in order.
    pub prints: Vec<[u8; PRINT]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covered {
    /// In order, without overlap.
    Positions(Vec<Span>),
    /// Lines without a position, behind a key.
    Earlier { after: Option<LineKey>, through: Option<LineKey>, is_last: bool },
}

impl Seal {
    /// The seal of lines with these fingerprints, in their order.
    pub fn of(covers: Covered, fingerprints: impl IntoIterator<Item = Fingerprint>) -> Seal {
        let mut whole = Sha256::new();
        let mut prints = Vec::new();
        for fingerprint in fingerprints {
            whole.update(fingerprint);
            prints.push(*fingerprint.first_chunk().unwrap_or(&[0; PRINT]));
        }
        Seal { covers, digest: whole.finalize().into(), prints }
    }

    pub fn entry(&self, at: Timestamp) -> AuditEntry {
        let key = |key: &Option<LineKey>| key.as_ref().map(|key| json!([key.txn_id, key.entry_number]));
        let mut details = Map::new();
        match &self.covers {
            Covered::Positions(spans) => {
                let spans = spans.iter().map(|span| json!([span.from, span.to])).collect();
                details.insert("positions".to_owned(), Value::Array(spans));
            }
            Covered::Earlier { after, through, is_last } => {
                let earlier = json!({ "after": key(after), "through": key(through), "last": is_last });
                details.insert("earlier".to_owned(), earlier);
            }
        }
        details.insert("prints".to_owned(), hex::encode(self.prints.concat()).into());
        AuditEntry {
            at,
            actor: AuditActor::Job(JOB),
            action: AuditAction::HistorySealed,
            object_kind: "history",
            object_id: String::new(),
            tenant: None,
            before: None,
            after: Some(self.digest),
            reason: None,
            details,
        }
    }

    /// The seal of a stored entry; `None` when it is none.
    pub fn read(entry: &Value) -> Option<Seal> {
        let details = &entry["details"];
        let key = |value: &Value| -> Option<Option<LineKey>> {
            if value.is_null() {
                return Some(None);
            }
            let (txn_id, entry_number) = (value[0].as_str()?.to_owned(), value[1].as_i64()?);
            Some(Some(LineKey { txn_id, entry_number }))
        };
        let covers = match details["positions"].as_array() {
            Some(spans) => Covered::Positions(
                spans
                    .iter()
                    .map(|span| Some(Span { from: span[0].as_i64()?, to: span[1].as_i64()? }))
                    .collect::<Option<_>>()?,
            ),
            None => {
                let earlier = &details["earlier"];
                Covered::Earlier {
                    after: key(&earlier["after"])?,
                    through: key(&earlier["through"])?,
                    is_last: earlier["last"].as_bool()?,
                }
            }
        };
        let digest = hex::decode(entry["after"].as_str()?).ok()?.try_into().ok()?;
        let prints = hex::decode(details["prints"].as_str()?).ok()?;
        let (prints, []) = prints.as_chunks() else { return None };
        Some(Seal { covers, digest, prints: prints.to_vec() })
    }

    /// The place of the first line that is not as it was sealed; `None` when all are.
    pub fn first_changed(&self, lines: &[HistoryLine]) -> Option<usize> {
        let found = Seal::of(self.covers.clone(), lines.iter().map(HistoryLine::fingerprint));
        if found.digest == self.digest {
            return None;
        }
        let differs = found.prints.iter().zip(&self.prints).position(|(found, sealed)| found != sealed);
        Some(differs.unwrap_or(found.prints.len().min(self.prints.len())))
    }
}

impl Progress {
    /// The seal of lines that were found in the gaps and behind the last position, by their positions and in that
    /// order; `None` when there is nothing to seal.
    pub fn advance(&mut self, found: &[(i64, Fingerprint)], at: Timestamp) -> Option<Seal> {
        let spans = self.take(found.iter().map(|(position, _)| *position), at);
        let fingerprints = found.iter().map(|(_, fingerprint)| *fingerprint);
        (!found.is_empty()).then(|| Seal::of(Covered::Positions(spans), fingerprints))
    }

    /// Takes positions that were found, in their order; returns them as spans. Gaps that were looked at for long
    /// enough are closed.
    pub fn take(&mut self, positions: impl Iterator<Item = i64>, at: Timestamp) -> Vec<Span> {
        let spans = spans_of(positions);
        self.pass(&spans, at.as_millis());
        let oldest = at.minus(GAP_WATCHED).as_millis();
        self.gaps.retain(|gap| gap.since_ms >= oldest);
        spans
    }

    /// Takes positions out of the gaps, and moves on behind the last one; `false` when one of them was sealed
    /// before.
    pub fn pass(&mut self, spans: &[Span], at_ms: i64) -> bool {
        let mut is_new = true;
        for &span in spans {
            if span.from > span.to {
                is_new = false;
            } else if span.from > self.through {
                if span.from > self.through + 1 {
                    let skipped = Span { from: self.through + 1, to: span.from - 1 };
                    self.gaps.push(Gap { span: skipped, since_ms: at_ms });
                }
                self.through = span.to;
            } else if let Some(place) =
                self.gaps.iter().position(|gap| gap.span.from <= span.from && span.to <= gap.span.to)
            {
                let gap = self.gaps.remove(place);
                let rest = [
                    Span { from: gap.span.from, to: span.from - 1 },
                    Span { from: span.to + 1, to: gap.span.to },
                ];
                let rest = rest.into_iter().filter(|rest| rest.from <= rest.to);
                self.gaps.splice(place..place, rest.map(|span| Gap { span, since_ms: gap.since_ms }));
            } else {
                is_new = false;
            }
        }
        is_new
    }

    /// The gaps as they are stored: JSON text.
    pub fn gaps_text(&self) -> String {
        let gaps: Vec<Value> =
            self.gaps.iter().map(|gap| json!([gap.span.from, gap.span.to, gap.since_ms])).collect();
        Value::Array(gaps).to_string()
    }

    pub fn read(through: i64, gaps: &str) -> Option<Progress> {
        let gaps: Vec<(i64, i64, i64)> = serde_json::from_str(gaps).ok()?;
        let gap = |(from, to, since_ms)| Gap { span: Span { from, to }, since_ms };
        Some(Progress { through, gaps: gaps.into_iter().map(gap).collect() })
    }
}

fn spans_of(positions: impl Iterator<Item = i64>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for position in positions {
        match spans.last_mut() {
            Some(last) if last.to.checked_add(1) == Some(position) => last.to = position,
            Some(_) | None => spans.push(Span { from: position, to: position }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(position: i64) -> HistoryLine {
        HistoryLine {
            position: Some(position),
            txn_id: format!("T{position}"),
            entry_number: 1,
            at_ms: position,
            actor_kind: "user".to_owned(),
            actor_id: "u".to_owned(),
            from_status: None,
            to_status: "PENDING".to_owned(),
            why: "created".to_owned(),
            evidence: "null".to_owned(),
        }
    }

    fn lines(positions: &[i64]) -> Vec<HistoryLine> {
        positions.iter().map(|position| line(*position)).collect()
    }

    fn found(positions: &[i64]) -> Vec<(i64, Fingerprint)> {
        positions.iter().map(|position| (*position, line(*position).fingerprint())).collect()
    }

    fn positions(seal: Option<Seal>) -> Vec<(i64, i64)> {
        match seal.unwrap().covers {
            Covered::Positions(spans) => spans.iter().map(|span| (span.from, span.to)).collect(),
            Covered::Earlier { .. } => Vec::new(),
        }
    }

    #[test]
    fn a_line_that_is_committed_late_is_sealed_once_and_later() {
        let at = Timestamp::from_millis;
        let mut progress = Progress::default();
        assert_eq!(positions(progress.advance(&found(&[1, 2, 4, 9]), at(5))), [(1, 2), (4, 4), (9, 9)]);
        assert_eq!(progress.gaps_text(), "[[3,3,5],[5,8,5]]");
        assert!(progress.advance(&[], at(6)).is_none());
        assert_eq!(positions(progress.advance(&found(&[6, 10]), at(7))), [(6, 6), (10, 10)]);
        assert_eq!(progress.gaps_text(), "[[3,3,5],[5,5,5],[7,8,5]]");
        assert_eq!(Progress::read(10, &progress.gaps_text()), Some(progress.clone()));
        assert!(!progress.clone().pass(&[Span { from: 6, to: 6 }], 8), "it is sealed");
        assert!(!progress.clone().pass(&[Span { from: 5, to: 7 }], 8), "a part of it is sealed");
        progress.advance(&[], at(5).plus(GAP_WATCHED).plus(Duration::from_millis(1)));
        assert_eq!(progress.gaps, []);
    }

    #[test]
    fn a_seal_is_read_as_it_was_written_and_names_the_line_that_differs() {
        let entry = |seal: &Seal| {
            let mut entry = Value::Object(Map::new());
            entry["details"] = Value::Object(seal.entry(Timestamp::from_millis(1)).details);
            entry["after"] = hex::encode(seal.digest).into();
            entry
        };
        let key = |txn_id: &str| Some(LineKey { txn_id: txn_id.to_owned(), entry_number: 2 });
        let stored = lines(&[1, 2, 5]);
        for covers in [
            Covered::Positions(vec![Span { from: 1, to: 2 }, Span { from: 5, to: 5 }]),
            Covered::Earlier { after: None, through: key("T1"), is_last: false },
            Covered::Earlier { after: key("T1"), through: None, is_last: true },
        ] {
            let seal = Seal::of(covers, stored.iter().map(HistoryLine::fingerprint));
            assert_eq!(Seal::read(&entry(&seal)), Some(seal.clone()));
            assert_eq!(seal.first_changed(&stored), None);
            assert_eq!(seal.first_changed(&lines(&[1, 2])), Some(2));
            let mut forged = stored.clone();
            forged[1].evidence = "1".to_owned();
            assert_eq!(seal.first_changed(&forged), Some(1));
        }
        assert_eq!(Seal::read(&json!({})), None);
    }

    #[test]
    fn every_part_of_a_line_is_in_its_fingerprint() {
        let one = line(1);
        let others = [
            HistoryLine { position: None, ..one.clone() },
            HistoryLine { txn_id: "T2".to_owned(), ..one.clone() },
            HistoryLine { entry_number: 2, ..one.clone() },
            HistoryLine { at_ms: 2, ..one.clone() },
            HistoryLine { actor_kind: "use".to_owned(), actor_id: "ru".to_owned(), ..one.clone() },
            HistoryLine { from_status: Some(String::new()), ..one.clone() },
            HistoryLine { to_status: "SUCCESS".to_owned(), ..one.clone() },
            HistoryLine { why: String::new(), ..one.clone() },
            HistoryLine { evidence: "{}".to_owned(), ..one.clone() },
        ];
        for other in others {
            assert_ne!(other.fingerprint(), one.fingerprint(), "{other:?}");
        }
    }
}
