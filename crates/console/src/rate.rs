//! Logins are rationed, by address and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use payment_domain::Timestamp;

use crate::LoginLimits;

const MINUTE_MS: i64 = 60_000;

/// Counts the logins of a minute.
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

    /// Whether a login from this address may be tried now. Refused ones do not count, so that there are at most
    /// so many addresses as logins.
    pub(crate) fn admits(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let minute = now.as_millis().div_euclid(MINUTE_MS);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.minute != minute {
            *counts = Counts { minute, ..Counts::default() };
        }
        let of_address = counts.of.get(&address).copied().unwrap_or_default();
        if counts.all >= self.limits.of_all || of_address >= self.limits.of_an_address {
            return false;
        }
        counts.all += 1;
        counts.of.insert(address, of_address + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_of_each_minute() {
        let rate = Rate::new(LoginLimits { of_an_address: 2, of_all: 3 });
        let (one, other) = (Some("10.0.0.1".parse().unwrap()), Some("10.0.0.2".parse().unwrap()));
        let admitted = |address, at| rate.admits(address, Timestamp::from_millis(at));
        assert!(admitted(one, 0) && admitted(one, 1) && !admitted(one, 59_999));
        assert!(admitted(other, 2) && !admitted(other, 3) && !admitted(None, 4));
        assert!(admitted(one, 60_000));
    }
}
