//! The clients against a pretend DIGIT, with everything that can go wrong.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod cancelling;
mod collections;
mod faults;
mod lookups;
mod requests;
mod tokens;
mod users;
mod wire;
mod world;
