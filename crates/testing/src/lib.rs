//! Servers and fakes for tests.
//!
//! [`postgres`]: a fresh database on the shared server, and dedicated servers; [`kafka`]: dedicated brokers;
//! [`proxy`]: a connection that can be cut; [`tls`]: certificates. `scripts/services start` installs the
//! servers. A server ends with its test: by `Drop`, or with the test's process.
//!
//! With the feature `payments`, for tests of the use cases and of the HTTP interface: `database`, their store;
//! `store`, one that counts calls and can be unavailable; `collections`, a collection service with faults.
//!
//! With the feature `accounts`: `accounts`, stored merchant accounts of a fake gateway.
//!
//! With the feature `provider`: `provider`, an OpenID Connect provider that lies as a test wants it to.
//!
//! All of it panics on failure: a test without its server fails.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "used by tests only, where a failed set-up is a failed test"
)]

#[cfg(feature = "accounts")]
pub mod accounts;
#[cfg(feature = "payments")]
pub mod collections;
#[cfg(feature = "payments")]
pub mod database;
pub mod kafka;
pub mod ports;
pub mod postgres;
#[cfg(feature = "provider")]
pub mod provider;
pub mod proxy;
#[cfg(feature = "payments")]
pub mod store;
pub mod tls;

mod process;
mod programs;
mod runtime;

/// An environment variable that names a server of the tests.
fn required(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        Ok(_) | Err(_) => {
            panic!("{name} is not set: run `scripts/services start`, then `eval \"$(scripts/services env)\"`")
        }
    }
}

/// Sixteen random bytes in hexadecimal, for unique names and passwords.
fn random_word() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    hex::encode(bytes)
}
