//! The service under load: the `dist` binary, started in its own folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Options;
use crate::load::Connection;

/// The start parameters of a service.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    /// Its data folder.
    pub(crate) folder: PathBuf,
    pub(crate) settings: Vec<(String, String)>,
    /// Settings passed as environment variables.
    pub(crate) variables: Vec<(String, String)>,
}

impl Launch {
    /// The service without settings.
    pub(crate) fn plain(binary: &Path, folder: &Path) -> Launch {
        Launch {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            // The host of the load's callback URLs.
            settings: vec![("callback.allowed-hosts".to_owned(), "city.example.org".to_owned())],
            variables: Vec::new(),
        }
    }

    pub(crate) fn set(mut self, name: &str, value: impl ToString) -> Launch {
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Launch {
        self.variables.push((name.to_owned(), value.into()));
        self
    }
}

impl Launch {
    /// Runs a command of the program with the settings of the service; returns what it says.
    pub(crate) async fn command(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = Command::new(&self.binary);
        command.env_clear().envs(self.variables.iter().cloned()).current_dir(&self.folder);
        command.args(arguments).arg("--data-dir").arg(&self.folder);
        for (name, value) in &self.settings {
            command.args(["--set", &format!("{name}={value}")]);
        }
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        process.stdin.take().context("no standard input")?.write_all(input.as_bytes()).await?;
        let output = process.wait_with_output().await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {complaint}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

pub(crate) struct Service {
    pub(crate) address: String,
    process: Child,
    /// The time from the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

/// The measured program: the given one, or the `dist` binary, built here.
pub(crate) async fn binary(options: &Options) -> Result<PathBuf> {
    match &options.binary {
        Some(named) => Ok(std::path::absolute(named)?),
        None => build().await,
    }
}

async fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--profile", "dist", "--package", "pg-service", "--features", "jemalloc"]);
    // Cargo's variables of this program would make build scripts run again.
    for (name, _) in std::env::vars_os() {
        let about_us = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if about_us.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            build.env_remove(name);
        }
    }
    let built = build.status().await?;
    ensure!(built.success(), "pg-service cannot be built");
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("this program is not in a target folder")?;
    Ok(target.join("dist/pg-service"))
}

impl Service {
    pub(crate) async fn start(launch: &Launch) -> Result<Service> {
        std::fs::create_dir_all(&launch.folder)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(&launch.binary);
        // Independent of the caller's variables and settings file.
        command.env_clear().envs(launch.variables.iter().cloned()).current_dir(&launch.folder);
        command.args(["serve", "--port", &port.to_string(), "--log-level", "error", "--data-dir"]);
        command.arg(&launch.folder);
        for (name, value) in &launch.settings {
            command.args(["--set", &format!("{name}={value}")]);
        }
        let started = Instant::now();
        let process = command.stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).spawn()?;
        let health = b"GET /pg-service/health HTTP/1.1\r\nHost: bench\r\n\r\n";
        let first_answer = loop {
            ensure!(started.elapsed() < Duration::from_secs(20), "the service does not answer");
            if TcpStream::connect(&address).await.is_ok() {
                let answer = Connection::open(&address).await?.exchange(health).await?;
                ensure!(answer.status == 200, "the service is not healthy");
                break started.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        Ok(Service { address, process, first_answer })
    }

    fn proc_file(&self, name: &str) -> Result<String> {
        let pid = self.process.id().context("the service has ended")?;
        Ok(std::fs::read_to_string(format!("/proc/{pid}/{name}"))?)
    }

    /// Resident memory in KiB: total and private.
    pub(crate) fn memory_kib(&self) -> Result<(u64, u64)> {
        Ok((self.status("VmRSS:")?, self.status("RssAnon:")?))
    }

    /// The most resident memory so far, in KiB.
    pub(crate) fn peak_memory_kib(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).context("no such field")
    }

    /// Processor time used so far, user and system.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = self.proc_file("stat")?;
        let fields: Vec<&str> = stat.rsplit(')').next().context("an odd stat")?.split_whitespace().collect();
        let ticks: u64 = fields.get(11).context("utime")?.parse::<u64>()?
            + fields.get(12).context("stime")?.parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10)) // a tick is a hundredth of a second
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.process.id().context("the service has ended")?;
        Command::new("kill").arg(pid.to_string()).status().await?;
        let status = self.process.wait().await?;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}
