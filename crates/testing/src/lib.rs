//! Real servers for tests.
//!
//! [`postgres`] gives a fresh database on the shared server and servers of one's own, [`kafka`] brokers
//! of one's own, [`proxy`] a connection that can be cut, [`tls`] certificates. `scripts/services start` installs what they
//! need. Whatever a test starts here ends with it: by `Drop`, or with the test's process when that
//! is killed.
//!
//! Everything here panics when it fails: without its server a test has nothing to say.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "used by tests only, where a failed set-up is a failed test"
)]

pub mod kafka;
pub mod ports;
pub mod postgres;
pub mod proxy;
pub mod tls;

mod process;
mod programs;

/// The value of an environment variable that names a server of the tests.
fn required(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        Ok(_) | Err(_) => {
            panic!("{name} is not set: run `scripts/services start`, then `eval \"$(scripts/services env)\"`")
        }
    }
}

/// Sixteen random bytes in hexadecimal: names and passwords that no other test has.
fn random_word() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    hex::encode(bytes)
}
