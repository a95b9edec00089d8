//! The results of a proof, as a table for people.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The results.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) answered: usize,
    pub(crate) unanswered: u64,
    pub(crate) unavailable: u64,
    pub(crate) refused: u64,
    pub(crate) raced: u64,
    pub(crate) stored: usize,
    pub(crate) by_status: BTreeMap<&'static str, u64>,
    pub(crate) paid: u64,
    pub(crate) receipts: u64,
    pub(crate) cancelled: usize,
    pub(crate) taken_over: u64,
    pub(crate) events: usize,
    pub(crate) attention: u64,
    /// Everything that is not as promised.
    pub(crate) faults: Vec<String>,
}

impl Figures {
    /// A summary for people; `before` and `after` are rows that only one proof has.
    pub(crate) fn table(&self, before: &[(&str, String)], after: &[(&str, String)]) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(out, "  {name:44} {value:>10}");
        };
        for (name, value) in before {
            row(name, value.clone());
        }
        row("creates answered", self.answered.to_string());
        row("creates refused: the bill is taken", self.refused.to_string());
        row("creates of one bill sent twice at once", self.raced.to_string());
        row("requests that died with the service", self.unanswered.to_string());
        row("requests told to come again (503)", self.unavailable.to_string());
        row("transactions stored", self.stored.to_string());
        for (status, count) in &self.by_status {
            row(&format!("  {status}"), count.to_string());
        }
        row("paid at the gateway, by its own books", self.paid.to_string());
        row("receipts", self.receipts.to_string());
        row("receipts cancelled", self.cancelled.to_string());
        row("transactions receipted after a death", self.taken_over.to_string());
        row("cases for an operator (wrong amounts)", self.attention.to_string());
        row("events in the outbox", self.events.to_string());
        for (name, value) in after {
            row(name, value.clone());
        }
        row("faults", self.faults.len().to_string());
        out
    }
}
