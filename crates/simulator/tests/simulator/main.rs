//! The simulator over HTTP: its own endpoints, pages and callbacks, and the simulated DIGIT.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod api;
mod callbacks;
mod digit;
mod pages;
mod world;
