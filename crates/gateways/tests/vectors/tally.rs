//! Counts verdicts per gateway and kind, and lays them out as a table.

use std::collections::BTreeMap;
use std::path::Path;

use crate::vector::{Vector, Verdict};

/// The verdicts of a file.
#[derive(Default)]
pub(crate) struct Tally {
    rows: BTreeMap<(String, String), Row>,
    failures: Vec<String>,
    not_run: Vec<String>,
}

#[derive(Default, Clone, Copy)]
struct Row {
    passed: usize,
    failed: usize,
    no_operation: usize,
}

impl Tally {
    /// Counts one vector.
    pub(crate) fn add(&mut self, vector: &Vector, verdict: Verdict) {
        let row = self.rows.entry((vector.gateway.clone(), vector.kind.clone())).or_default();
        match verdict {
            Verdict::Passed => row.passed += 1,
            Verdict::Failed(difference) => {
                row.failed += 1;
                self.failures.push(format!("{} ({}): {difference}", vector.id, vector.scheme));
            }
            Verdict::NoOperation => {
                row.no_operation += 1;
                self.not_run.push(vector.id.clone());
            }
        }
    }

    /// The number of vectors that were tried.
    pub(crate) fn ran(&self) -> usize {
        self.rows.values().map(|row| row.passed + row.failed).sum()
    }

    /// The failed vectors, each with its difference.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The ids of the vectors of features that no adapter has.
    pub(crate) fn into_not_run(self) -> Vec<String> {
        self.not_run
    }

    /// The counts as lines of text.
    pub(crate) fn table(&self, path: &Path) -> String {
        let mut table = format!("\n{}\n", path.display());
        table += &line(["gateway", "kind"], ["passed", "failed", "no operation"].map(str::to_owned));
        let mut all = Row::default();
        for ((gateway, kind), row) in &self.rows {
            table += &line([gateway, kind], row.cells());
            all.passed += row.passed;
            all.failed += row.failed;
            all.no_operation += row.no_operation;
        }
        table + &line(["all", ""], all.cells())
    }
}

impl Row {
    fn cells(self) -> [String; 3] {
        [self.passed, self.failed, self.no_operation].map(|count| count.to_string())
    }
}

fn line([gateway, kind]: [&str; 2], [passed, failed, no_operation]: [String; 3]) -> String {
    format!("{gateway:<12} {kind:<14} {passed:>6} {failed:>6} {no_operation:>12}\n")
}
