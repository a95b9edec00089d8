//! Logins that fail are rationed, by address and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use payment_domain::Timestamp;

use crate::LoginLimits;

const MINUTE_MS: i64 = 60_000;

/// Counts the failed logins of a minute.
pub(crate) struct Rate {
    limits: LoginLimits,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    minute: i64,
    all: u32,
    of: HashMap<Option<IpAddr>, u32>,
}

impl Rate {
    pub(crate) fn new(limits: LoginLimits) -> Rate {
        Rate { limits, counts: Mutex::default() }
    }

    /// Whether a login from this address may be tried now. It counts as failed until [`Rate::succeeded`], so that many at
    /// once are as many as one after the other. There are at most so many addresses as logins.
    pub(crate) fn tries(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let mut counts = self.counts(now);
        let of_address = counts.of.get(&address).copied().unwrap_or_default();
        let is_admitted = counts.all < self.limits.of_all && of_address < self.limits.of_an_address;
        if is_admitted {
            counts.all += 1;
            counts.of.insert(address, of_address + 1);
        }
        is_admitted
    }

    /// A login that was tried did not fail.
    pub(crate) fn succeeded(&self, address: Option<IpAddr>, now: Timestamp) {
        let mut counts = self.counts(now);
        // The minute may be another one meanwhile.
        if let Some(of_address) = counts.of.get_mut(&address).filter(|count| **count > 0) {
            *of_address -= 1;
            counts.all = counts.all.saturating_sub(1);
        }
    }

    /// Those of this minute.
    fn counts(&self, now: Timestamp) -> MutexGuard<'_, Counts> {
        let minute = now.as_millis().div_euclid(MINUTE_MS);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.minute != minute {
            *counts = Counts { minute, ..Counts::default() };
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_of_each_minute() {
        let rate = Rate::new(LoginLimits { of_an_address: 2, of_all: 3 });
        let (one, other) = (Some("10.0.0.1".parse().unwrap()), Some("10.0.0.2".parse().unwrap()));
        let admitted = |address, at| rate.tries(address, Timestamp::from_millis(at));
        assert!(admitted(one, 0) && admitted(one, 1) && !admitted(one, 59_999));
        assert!(admitted(other, 2) && !admitted(other, 3) && !admitted(None, 4));
        assert!(admitted(one, 60_000));
        rate.succeeded(one, Timestamp::from_millis(60_001));
        rate.succeeded(one, Timestamp::from_millis(60_002));
        assert!(admitted(one, 60_003) && admitted(one, 60_004) && !admitted(one, 60_005));
    }
}
