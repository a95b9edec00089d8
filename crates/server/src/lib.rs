//! The payment gateway service as a program: its configuration, its commands, its wiring.

pub mod config;
