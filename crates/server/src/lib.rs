//! The payment gateway service as a program: its configuration, its commands, its wiring.
//!
//! Only this crate knows which store, which gateways and which embedded implementations there are.

mod cli;
mod commands;
pub mod config;
#[cfg(feature = "sandbox")]
mod demo;
mod failure;
mod sample;
pub mod service;
#[cfg(feature = "sandbox")]
mod simulation;
mod terminal;
mod traces;

pub use commands::run;
pub use failure::{Failure, Outcome};
