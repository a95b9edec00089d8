//! The promises every adapter keeps, as checks that try to break them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "checks for tests: a broken promise panics")]

pub mod sample;
