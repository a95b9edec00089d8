//! The real program, started and watched by tests.

// Every test target uses a part of it.
#![allow(dead_code)]

pub(crate) mod account;
pub(crate) mod payer;
pub(crate) mod payments;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The longest time for anything that should be immediate.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A command of the program, with nothing of the test's own environment and folder.
pub(crate) fn pg_service(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pg-service"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// A library to load before the program's own: the one that this environment variable names, or that of this
/// Debian package.
pub(crate) fn library(variable: &str, file: &str, package: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let usual = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| PathBuf::from(format!("/usr/lib/{machine}/{file}")));
    let found = named.into_iter().chain(usual).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{file} is missing: apt-get install {package}, or name it in {variable}"))
}

/// Runs a command of the program to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    pg_service(folder).args(arguments).output().unwrap()
}

/// A command's standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A command's standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A port that is free now, below those the system gives to outgoing connections: it stays free
/// while a service restarts. No two tests of a process get the same.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static START: LazyLock<u32> = LazyLock::new(|| getrandom::u32().unwrap() % COUNT);
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let offset = (*START + TAKEN.fetch_add(1, Ordering::SeqCst)) % COUNT;
        let port = u16::try_from(FIRST + offset).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A client that follows no redirect, with a time limit.
pub(crate) fn http_client() -> reqwest::Client {
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    let no_redirect = reqwest::redirect::Policy::none();
    reqwest::Client::builder().timeout(Duration::from_secs(20)).redirect(no_redirect).build().unwrap()
}

/// A running service.
pub(crate) struct Service {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Service {
    /// Starts the service on a port and waits until it answers.
    pub(crate) async fn start(command: Command, port: u16, log: &Path) -> Service {
        let mut service = Service::launch(command, port, log);
        service.answers().await;
        service
    }

    /// Starts the service on a port.
    pub(crate) fn launch(mut command: Command, port: u16, log: &Path) -> Service {
        let file = std::fs::File::options().create(true).append(true).open(log).unwrap();
        command.args(["--port", &port.to_string(), "--log-format", "json"]);
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let url = format!("http://127.0.0.1:{port}/pg-service");
        Service { child, log: log.to_owned(), url }
    }

    /// Waits until it answers.
    pub(crate) async fn answers(&mut self) {
        let http = http_client();
        let health = format!("{}/health", self.url);
        let started = Instant::now();
        loop {
            if http.get(&health).send().await.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the service ended with {status}:\n{}", self.log());
            }
            assert!(started.elapsed() < PATIENCE, "the service does not answer:\n{}", self.log());
            // There is nothing to wait on: another process is about to listen.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Its address with the context path.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The memory it holds, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// How it ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "the service does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// No service outlives its test.
impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
