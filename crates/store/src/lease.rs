//! Leases: the right to carry out a task alone, for a limited time.
//!
//! One rule decides when another party may take one over. Its end must have come by the store's clock, *and*
//! the taker must have seen it unchanged, by its own stopwatch, for the length of a lease. So no clock that
//! is wrong or is set takes a lease from a live holder: the store's clock keeps it where a stopwatch was
//! started late, the stopwatch where that clock was set forward. The holder counts by its own stopwatch, too,
//! from the moment before its request.

use std::collections::HashMap;
use std::time::Duration;

use payment_domain::Timestamp;

/// No lease ends later than this after the store's present: one that seems to was given by a clock that
/// was ahead, and its end means nothing. More than the longest lease that can be configured.
pub const FARTHEST_END: Duration = Duration::from_secs(2 * 3600);

/// The right to carry out a task, for a limited time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Tells this lease from every other.
    pub token: String,
    /// When it ends, by the store's clock.
    pub until: Timestamp,
}

/// Whether a lease is over by the store's clock. Others may take it over once they have also seen it
/// unchanged for its length ([`LeaseWatch`]).
pub fn is_over(until: Timestamp, now: Timestamp) -> bool {
    until <= now || until > now.plus(FARTHEST_END)
}

/// The leases of others that a process has seen, and since when unchanged.
#[derive(Debug, Default)]
pub struct LeaseWatch {
    seen: HashMap<String, Sighting>,
}

#[derive(Debug, Clone, Copy)]
struct Sighting {
    until: Timestamp,
    since: Duration,
}

impl LeaseWatch {
    /// Records that the lease of this name was seen to end at that time. `stopwatch` is the process's own,
    /// read after the store answered.
    pub fn see(&mut self, name: &str, until: Timestamp, stopwatch: Duration) {
        if self.seen.get(name).is_none_or(|seen| seen.until != until) {
            self.seen.insert(name.to_owned(), Sighting { until, since: stopwatch });
        }
    }

    /// The same for all existing leases: others are removed.
    pub fn see_all(&mut self, leases: &[Lease], stopwatch: Duration) {
        let before = std::mem::take(&mut self.seen);
        for lease in leases {
            let known = before.get(&lease.token).filter(|seen| seen.until == lease.until);
            let sighting = known.copied().unwrap_or(Sighting { until: lease.until, since: stopwatch });
            self.seen.insert(lease.token.clone(), sighting);
        }
    }

    /// The end of the lease of this name, if it was seen unchanged for this long; `stopwatch` is read before
    /// the store's last answer was requested.
    pub fn unchanged(&self, name: &str, length: Duration, stopwatch: Duration) -> Option<Timestamp> {
        let seen = self.seen.get(name)?;
        (stopwatch.saturating_sub(seen.since) >= length).then_some(seen.until)
    }

    /// The names of up to `limit` leases that were seen unchanged for this long.
    pub fn all_unchanged(&self, length: Duration, stopwatch: Duration, limit: usize) -> Vec<String> {
        let names = self.seen.keys().filter(|name| self.unchanged(name, length, stopwatch).is_some());
        names.take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(60);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + ms)
    }

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_lease_is_over_at_its_end_or_when_its_end_means_nothing() {
        assert!(!is_over(at(1), at(0)));
        assert!(is_over(at(0), at(0)));
        assert!(!is_over(at(7_200_000), at(0)));
        assert!(is_over(at(7_200_001), at(0)), "no lease is that long");
    }

    #[test]
    fn a_lease_that_changes_is_watched_anew() {
        let mut watch = LeaseWatch::default();
        watch.see("job", at(0), after(0));
        assert_eq!(watch.unchanged("job", LENGTH, after(59)), None);
        assert_eq!(watch.unchanged("job", LENGTH, after(60)), Some(at(0)));
        watch.see("job", at(0), after(61));
        assert_eq!(watch.unchanged("job", LENGTH, after(61)), Some(at(0)), "seen again, unchanged");
        watch.see("job", at(5), after(62));
        assert_eq!(watch.unchanged("job", LENGTH, after(121)), None);
        assert_eq!(watch.unchanged("another", LENGTH, after(999)), None);
    }

    #[test]
    fn a_lease_that_is_gone_is_forgotten() {
        let lease = |token: &str| Lease { token: token.to_owned(), until: at(0) };
        let mut watch = LeaseWatch::default();
        watch.see_all(&[lease("a"), lease("b")], after(0));
        watch.see_all(&[lease("b"), lease("c")], after(30));
        assert_eq!(watch.all_unchanged(LENGTH, after(60), 9), ["b"]);
        assert_eq!(watch.all_unchanged(LENGTH, after(90), 9).len(), 2);
        assert_eq!(watch.all_unchanged(LENGTH, after(90), 1).len(), 1);
        watch.see_all(&[], after(90));
        watch.see_all(&[lease("b")], after(91));
        assert_eq!(watch.all_unchanged(LENGTH, after(100), 9), [""; 0], "it may be another of that name");
    }
}
