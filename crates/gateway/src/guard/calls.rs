//! Counts of calls, by gateway, since they were last taken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payment_domain::GatewayName;

/// A bucket counts calls that took at most so long and longer than the one before, in milliseconds; a last one those
/// that took longer than all of these.
pub const CALL_LIMITS_MS: [u64; 9] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/// The calls to one gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// That were made and have ended.
    pub made: i64,
    /// Without a usable answer.
    pub failed: i64,
    /// By their duration: [`CALL_LIMITS_MS`].
    pub buckets: [i64; CALL_LIMITS_MS.len() + 1],
}

/// Counts that guards share; a clone is the same ones.
#[derive(Debug, Clone, Default)]
pub struct CallCounts(Arc<Mutex<BTreeMap<GatewayName, Calls>>>);

impl CallCounts {
    pub(super) fn note(&self, gateway: &GatewayName, took: Duration, failed: bool) {
        let is_within = |limit: &u64| took.as_millis() <= u128::from(*limit);
        let bucket = CALL_LIMITS_MS.iter().position(is_within).unwrap_or(CALL_LIMITS_MS.len());
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = counts.entry(gateway.clone()).or_default();
        calls.made += 1;
        calls.failed += i64::from(failed);
        if let Some(count) = calls.buckets.get_mut(bucket) {
            *count += 1;
        }
    }

    /// The counts since the last taking.
    pub fn take(&self) -> BTreeMap<GatewayName, Calls> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_once_in_the_first_bucket_that_holds_it() {
        let counts = CallCounts::default();
        let axis = GatewayName::new("AXIS");
        for (millis, failed) in [(0, false), (50, false), (51, true), (60_000, true)] {
            counts.clone().note(&axis, Duration::from_millis(millis), failed);
        }
        let taken = counts.take();
        let calls = taken[&axis];
        assert_eq!((calls.made, calls.failed), (4, 2));
        assert_eq!(calls.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert!(counts.take().is_empty());
    }
}
