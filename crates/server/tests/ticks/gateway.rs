//! A sandbox gateway that answers slowly, and makes no callbacks: only status requests find outcomes.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use payment_simulator::sandbox::SandboxSettings;

use crate::sandbox::Gateway;

pub(crate) async fn start(folder: &Path) -> Gateway {
    // Late answers come when the test is over.
    let habits = |usual| SandboxSettings { late_after: Duration::from_secs(86_400), ..usual };
    let slowly = from_fn(async |request: Request, next: Next| {
        if request.uri().path().starts_with("/api/") {
            tokio::time::sleep(latency()).await;
        }
        next.run(request).await
    });
    Gateway::open(folder, habits, |router| router.layer(slowly)).await
}

/// Between 40 and 120 milliseconds, no two in a row the same.
fn latency() -> Duration {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    Duration::from_millis(40 + ASKED.fetch_add(1, Ordering::Relaxed) * 37 % 81)
}
