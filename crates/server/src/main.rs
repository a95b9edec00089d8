//! The program `pg-service`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pg_service::run()
}
