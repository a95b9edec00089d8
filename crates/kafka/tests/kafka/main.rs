//! The relay and the notification consumer on real brokers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod consumer;
mod relay;
mod support;
