//! The outside world: a sandbox gateway with books of its own, which takes its time to answer. It
//! calls nobody back: whoever wants to know has to ask.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use payment_simulator::sandbox::{BookEntry, Sandbox, SandboxSettings};
use secrecy::SecretString;

pub(crate) const SECRET: &str = "what-the-sandbox-and-the-service-share-0123456789";

pub(crate) struct Gateway {
    sandbox: Sandbox,
    url: String,
}

impl Gateway {
    pub(crate) async fn start(folder: &Path) -> Gateway {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = SandboxSettings {
            // Who answers late does so when all is over.
            late_after: Duration::from_secs(86_400),
            ..SandboxSettings::new("pg-service", SecretString::from(SECRET), url.clone())
        };
        let sandbox = Sandbox::open(&folder.join("books.db"), settings).unwrap();
        let router = sandbox.router().layer(from_fn(async |request: Request, next: Next| {
            if request.uri().path().starts_with("/api/") {
                tokio::time::sleep(latency()).await;
            }
            next.run(request).await
        }));
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
}

/// Between 40 and 120 milliseconds, no two in a row the same.
fn latency() -> Duration {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    Duration::from_millis(40 + ASKED.fetch_add(1, Ordering::Relaxed) * 37 % 81)
}
