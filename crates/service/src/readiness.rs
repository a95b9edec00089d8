//! Whether the database can be read and written, checked at most once a second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ports::Ports;

/// The lifetime of an answer. Any caller may ask, and each check writes to the disk.
const GOOD_FOR: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Readiness {
    ports: Arc<Ports>,
    last: Arc<Mutex<Option<Answer>>>,
}

struct Answer {
    at: Instant,
    result: Result<(), String>,
}

impl Readiness {
    pub(crate) fn new(ports: Arc<Ports>) -> Readiness {
        Readiness { ports, last: Arc::default() }
    }

    /// Whether the database can be read and written.
    ///
    /// # Errors
    /// The reason, for the log.
    pub async fn check(&self) -> Result<(), String> {
        // Concurrent checks wait for one answer.
        let mut last = self.last.lock().await;
        if let Some(answer) = &*last
            && answer.at.elapsed() < GOOD_FOR
        {
            return answer.result.clone();
        }
        let result = self.ports.store.ping().await.map_err(|error| with_causes(&error));
        *last = Some(Answer { at: Instant::now(), result: result.clone() });
        result
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
