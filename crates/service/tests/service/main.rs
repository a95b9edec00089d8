//! The use cases over a real database: SQLite, or PostgreSQL with `TEST_STORE=postgres`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accounts;
mod adopted;
mod attention;
mod audit_log;
mod backlog;
mod cancelling;
mod clocks;
mod create;
mod currencies;
mod figures;
mod notify;
mod persister;
mod reads;
mod receipts;
mod reconcile;
mod redirects;
mod refund_messages;
mod refunds;
mod reuse;
mod scheduler;
mod sessions;
mod settle;
mod supersede;
mod support;
mod tokens;
mod unavailable;
