//! pgbench: the database's throughput when each client runs the statements itself, one transaction after
//! the other.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::Options;
use crate::database::Database;
use crate::report::progress;

/// A script with the values of its variables, which are sent as parameters of prepared statements.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) variables: Vec<(String, String)>,
}

/// The duration of a script.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    Seconds(u64),
    /// Per client.
    Times(usize),
}

/// Runs scripts against a database.
pub(crate) struct Pgbench {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Pgbench {
    /// Looks for the program.
    pub(crate) fn find() -> Result<Pgbench> {
        Ok(Pgbench { program: crate::database::pgbench()?, folder: tempfile::tempdir()? })
    }

    /// Runs a script over as many connections as the service's loads have; returns transactions per
    /// second.
    pub(crate) async fn run(
        &self,
        database: &Database,
        options: &Options,
        name: &str,
        script: &Script,
        extent: Extent,
    ) -> Result<f64> {
        progress(&format!("pgbench: {name}"));
        let file = self.folder.path().join(format!("{name}.sql"));
        std::fs::write(&file, &script.text)?;
        let mut command = Command::new(&self.program);
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
        command.arg(format!("--client={}", options.connections));
        command.arg("--file").arg(&file);
        match extent {
            Extent::Seconds(seconds) => command.arg(format!("--time={seconds}")),
            Extent::Times(times) => command.arg(format!("--transactions={times}")),
        };
        for (variable, value) in &script.variables {
            command.arg(format!("--define={variable}={value}"));
        }
        // Not as an argument: those are visible to all users of the machine.
        command.env("PGDATABASE", database.url()).stdin(Stdio::null());
        let output = command.output().await.context("pgbench cannot be run")?;
        let (told, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success() && !complaint.contains("error"), "pgbench failed: {complaint}{told}");
        rate(&told).with_context(|| format!("pgbench prints no rate: {told}"))
    }
}

/// The transactions per second in pgbench's output.
fn rate(told: &str) -> Option<f64> {
    let line = told.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_without_the_time_of_connecting() {
        let told = "number of failed transactions: 0 (0.000%)\nlatency average = 14.2 ms\n\
                    initial connection time = 91.070 ms\ntps = 4507.139 (without initial connection time)\n";
        assert_eq!(rate(told), Some(4507.139));
        assert_eq!(rate("pgbench: error"), None);
    }
}
