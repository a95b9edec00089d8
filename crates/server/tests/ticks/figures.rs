//! The events of a test, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::chaos::{Chaos, Disturbance};
use crate::journal::JOB;
use crate::payers::Paid;
use crate::proof::Attempt;

#[derive(Debug, Default)]
pub(crate) struct Figures {
    took: Duration,
    scheduled: i64,
    finished: u64,
    at_first: u64,
    missed: i64,
    pub(crate) taken_over: u64,
    begun_again: u64,
    most_attempts: usize,
    /// From the last renewal of a lease to the successor, in milliseconds, and whose it was.
    from_renewal: Vec<(i64, i64)>,
    /// When the successor of a run began, in milliseconds since 1970.
    successors: BTreeMap<i64, i64>,
    by_status: BTreeMap<String, u64>,
    pub(crate) settled: u64,
    pub(crate) notes: i64,
    pub(crate) lines: i64,
    pub(crate) late_receipts: i64,
    pub(crate) lost_leases: usize,
}

impl Figures {
    pub(crate) fn of(took: Duration) -> Figures {
        Figures { took, ..Figures::default() }
    }

    pub(crate) fn count_runs(&mut self, ticks: &BTreeMap<i64, Vec<Attempt>>, last_tick: i64) {
        let first_tick = ticks.keys().next().copied().unwrap_or(last_tick);
        self.scheduled = (last_tick - first_tick) / 1_000 + 1;
        for attempts in ticks.range(..=last_tick).map(|(_, attempts)| attempts) {
            let is_finished = attempts.last().is_some_and(|last| last.end == "finished");
            self.finished += u64::from(is_finished);
            self.at_first += u64::from(is_finished && attempts.len() == 1);
            self.missed += attempts.first().map_or(0, |first| first.missed);
            self.most_attempts = self.most_attempts.max(attempts.len());
            for pair in attempts.windows(2) {
                self.successors.insert(pair[0].run_id, pair[1].began_at);
                if pair[0].end == "taken-over" {
                    self.taken_over += 1;
                    self.from_renewal.push((pair[1].began_at - pair[0].seen_at, pair[0].run_id));
                } else {
                    self.begun_again += 1;
                }
            }
        }
        self.from_renewal.sort_unstable();
    }

    pub(crate) fn count_payment(&mut self, status: &str, settled_by: Option<&str>) {
        *self.by_status.entry(status.to_owned()).or_default() += 1;
        self.settled += u64::from(settled_by.is_some_and(|actor| actor.starts_with(JOB)));
    }

    /// From the last renewal of a lease to the successor, at the longest.
    pub(crate) fn longest_take_over(&self) -> Duration {
        let longest = self.from_renewal.last().map_or(0, |(took, _)| *took);
        Duration::from_millis(u64::try_from(longest).unwrap_or_default())
    }

    /// A summary for people.
    pub(crate) fn table(&self, chaos: &Chaos, paid: &Paid) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(out, "  {name:58} {value:>12}");
        };
        row("time", format!("{} s", self.took.as_secs()));
        row("ticks of the schedule (one a second)", self.scheduled.to_string());
        row("  finished", self.finished.to_string());
        row("    by their first run", self.at_first.to_string());
        row("    by a later one", (self.finished - self.at_first).to_string());
        row("  missed, and made up for by the next", self.missed.to_string());
        row("runs taken over", self.taken_over.to_string());
        row("runs that ended otherwise and were begun again", self.begun_again.to_string());
        row("most runs of one tick", self.most_attempts.to_string());
        let (took, runs): (Vec<i64>, Vec<i64>) = self.from_renewal.iter().copied().unzip();
        row("last renewal to take-over, median", milliseconds(middle(&took)));
        row("last renewal to take-over, longest", milliseconds(took.last().copied()));
        let longest = chaos.disturbances.iter().rfind(|disturbed| Some(&disturbed.run_id) == runs.last());
        row(
            "    its owner was",
            longest.map_or("not disturbed in it", |disturbed| name_of(disturbed.disturbance)).to_owned(),
        );
        let mut disturbances: BTreeMap<Disturbance, Vec<i64>> = BTreeMap::new();
        for disturbed in &chaos.disturbances {
            let until = disturbances.entry(disturbed.disturbance).or_default();
            until.extend(self.successors.get(&disturbed.run_id).map(|began| began - disturbed.at_ms));
        }
        row("disturbances", chaos.disturbances.len().to_string());
        for (disturbance, until) in &mut disturbances {
            until.sort_unstable();
            let count =
                chaos.disturbances.iter().filter(|disturbed| disturbed.disturbance == *disturbance).count();
            row(&format!("  {}", name_of(*disturbance)), count.to_string());
            row("    whose run another one went on with", until.len().to_string());
            row("    from the disturbance to that, median", milliseconds(middle(until)));
            row("    from the disturbance to that, longest", milliseconds(until.last().copied()));
        }
        for (status, count) in &self.by_status {
            row(&format!("payments: {status}"), count.to_string());
        }
        row("  settled by ticks", self.settled.to_string());
        row("payers who came back meanwhile", paid.came_back.to_string());
        row("creates without an answer", paid.unanswered.to_string());
        row("owners that came back and found their run over", self.lost_leases.to_string());
        row("lines that runs have written", self.lines.to_string());
        row("checks noted", self.notes.to_string());
        row("receipts issued after the end of their run", self.late_receipts.to_string());
        out
    }
}

fn middle(sorted: &[i64]) -> Option<i64> {
    sorted.get(sorted.len() / 2).copied()
}

fn milliseconds(value: Option<i64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value} ms"))
}

fn name_of(disturbance: Disturbance) -> &'static str {
    match disturbance {
        Disturbance::Kill => "killed (kill -9)",
        Disturbance::Stop => "stopped (SIGSTOP, SIGCONT)",
        Disturbance::Cut => "connections cut",
        Disturbance::Silence => "silence in both directions, everything arrives late",
        Disturbance::Deafness => "heard but not answered, then cut",
        Disturbance::Leave => "asked to leave (SIGTERM)",
    }
}
