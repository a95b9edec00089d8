//! Shared by the proofs of a single service and of a cluster: the outside world, the load, and the invariants
//! at the end, after any crashes.

// Every test target uses a part of it.
#![allow(dead_code)]

pub(crate) mod books;
pub(crate) mod check;
pub(crate) mod figures;
pub(crate) mod gateway;
pub(crate) mod load;
pub(crate) mod postgres;
pub(crate) mod random;
pub(crate) mod refunds;
pub(crate) mod requests;

/// A number from the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}
