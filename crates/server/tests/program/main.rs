//! The program as users and operators meet it: commands, configuration, endpoints. One program: a further one
//! would be compiled and linked for each file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "these are tests"
)]

mod api_gateway;
mod cli;
mod database_away;
mod identity;
mod operators;
mod people;
#[path = "../proof/mod.rs"]
mod proof;
mod reconcile_many;
mod refund_services;
mod serving;
mod setup;
#[path = "../support/mod.rs"]
mod support;
mod terminal_output;
mod traces;
