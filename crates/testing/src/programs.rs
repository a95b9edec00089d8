//! The programs of the servers, and the user they run as.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The checkout that this crate was built from.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout is still there")
}

/// The program in the first folder of `PATH` that has it.
fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// A program that every supported machine has in `PATH`.
pub(crate) fn program(name: &str) -> PathBuf {
    in_path(name).unwrap_or_else(|| panic!("{name} is not installed: run `scripts/services start`"))
}

/// PgBouncer, which is in no folder of an ordinary user's `PATH` on Debian.
pub(crate) fn pgbouncer() -> PathBuf {
    let elsewhere = || Some(PathBuf::from("/usr/sbin/pgbouncer")).filter(|program| program.is_file());
    in_path("pgbouncer")
        .or_else(elsewhere)
        .unwrap_or_else(|| panic!("pgbouncer is not installed: run `scripts/services start`"))
}

/// The newest folder of PostgreSQL's server programs, which Debian keeps out of `PATH`.
pub(crate) fn postgres_folder() -> PathBuf {
    if let Some(found) = in_path("initdb").and_then(|found| found.canonicalize().ok())
        && let Some(folder) = found.parent().filter(|folder| folder.join("postgres").is_file())
    {
        return folder.to_owned();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path().join("bin");
            folder.join("initdb").is_file().then_some((version, folder))
        })
        .max()
        .map(|(_, folder)| folder)
        .unwrap_or_else(|| panic!("PostgreSQL is not installed: run `scripts/services start`"))
}

/// Whether PostgreSQL, which refuses to run as root, has to run as the user `postgres`.
pub(crate) fn postgres_is_another_user() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that gets `death_signal` when the test's process ends in any way.
///
/// Start it with [`crate::process::Server::start`]: the signal depends on the starting thread.
pub(crate) fn bound_to_us(program: &Path, death_signal: &str, as_postgres: bool) -> Command {
    let mut command = Command::new(self::program("setpriv"));
    command.arg(format!("--pdeathsig={death_signal}"));
    if as_postgres && postgres_is_another_user() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg("--").arg(program).stdin(Stdio::null()).current_dir("/");
    command
}

/// Runs a command to its end.
///
/// # Panics
/// With its output, when it fails.
pub(crate) fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be run: {error}", command.get_program().to_string_lossy()));
    assert!(
        output.status.success(),
        "{} failed: {}{}",
        command.get_args().last().unwrap_or(OsStr::new("the command")).to_string_lossy(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}
