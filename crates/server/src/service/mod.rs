//! The running service: wiring, loops, shutdown.

pub mod data_folder;
