//! The servers that tests use: started, stopped, killed, cut off.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod kafka;
mod orphans;
mod postgres;
mod proxy;
