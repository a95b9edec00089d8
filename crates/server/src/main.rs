//! The program `pg-service`.

use std::process::ExitCode;

/// Gives memory back to the system when a flood of requests is over; the C library's allocator keeps it.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    pg_service::run()
}
