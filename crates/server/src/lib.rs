//! The payment gateway service as a program: its configuration, its commands, its wiring.
//!
//! Only this crate knows which store, which gateways and which embedded implementations there are.

mod cli;
mod commands;
pub mod config;
mod demo;
mod failure;
pub mod service;
mod simulation;
mod terminal;

pub use commands::run;
pub use failure::{Failure, Outcome};
