//! The store on a real PostgreSQL, apart from its contract and its cost. One program: a further one
//! would be compiled and linked for each file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "these are tests: what fails, panics"
)]

mod adoption;
mod adoption_online;
mod case_tenants;
mod competing;
mod connecting;
mod database;
mod deep_searches;
mod exporting;
mod guard;
mod minor_units;
mod odd_rows;
mod pooler;
mod refunds;
mod registering;
mod restart;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;
mod uncompiled;
