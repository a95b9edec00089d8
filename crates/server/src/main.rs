//! The program `pg-service`.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Gives memory back to the system when a flood of requests is over; the C library's allocator keeps it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    pg_service::run()
}
