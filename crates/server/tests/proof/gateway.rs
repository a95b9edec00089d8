//! The outside world: a sandbox gateway with books of its own, in the test's process.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use payment_simulator::sandbox::{BookEntry, CallbackPolicy, RefundEntry, Sandbox, SandboxSettings, State};
use secrecy::SecretString;

use crate::support::PATIENCE;

pub(crate) const SECRET: &str = "what-the-sandbox-and-the-service-share-0123456789";

pub(crate) struct Gateway {
    sandbox: Sandbox,
    url: String,
}

impl Gateway {
    pub(crate) async fn start(folder: &Path) -> Gateway {
        let habits = |usual| SandboxSettings {
            late_after: Duration::from_millis(300),
            // Callbacks that meet a dead service come again soon.
            callbacks: CallbackPolicy {
                timeout: Duration::from_secs(5),
                first_wait: Duration::from_millis(50),
                longest_wait: Duration::from_millis(500),
                most_attempts: 1000,
            },
            ..usual
        };
        let gateway = Gateway::open(folder, habits, |router| router).await;
        tokio::spawn(gateway.sandbox.clone().run(std::future::pending()));
        gateway
    }

    /// One with its own behaviour, which makes no callbacks; `serving` may change how it serves.
    pub(crate) async fn open(
        folder: &Path,
        habits: impl FnOnce(SandboxSettings) -> SandboxSettings,
        serving: impl FnOnce(Router) -> Router,
    ) -> Gateway {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let usual = SandboxSettings::new("pg-service", SecretString::from(SECRET), url.clone());
        let sandbox = Sandbox::open(&folder.join("books.db"), habits(usual)).unwrap();
        let router = serving(sandbox.router());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Gateway { sandbox, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Everything in the books.
    pub(crate) async fn books(&self) -> Vec<BookEntry> {
        let mut all: Vec<BookEntry> = Vec::new();
        loop {
            let after = all.last().map_or(0, |entry| entry.sequence);
            let more = self.sandbox.books(after, 1000).await.unwrap();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    /// Every refund in the books.
    pub(crate) async fn refunds(&self) -> Vec<RefundEntry> {
        let mut all: Vec<RefundEntry> = Vec::new();
        loop {
            let after = all.last().map_or(0, |entry| entry.sequence);
            let more = self.sandbox.refunds(after, 1000).await.unwrap();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    pub(crate) async fn until_late_answers_have_come(&self) {
        let started = Instant::now();
        while self.books().await.iter().any(|entry| entry.state == State::Pending) {
            assert!(started.elapsed() < PATIENCE, "a late answer does not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
