//! Whether the service can work: asked of the database at most once in a while, however many want to know.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ports::Ports;

/// How long an answer is good for. Anybody may ask, and each question writes to the disk.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Tells whether the service can work.
#[derive(Clone)]
pub struct Readiness {
    ports: Arc<Ports>,
    last: Arc<Mutex<Option<Answer>>>,
}

/// What the database last came to, and when.
struct Answer {
    at: Instant,
    came_to: Result<(), String>,
}

impl Readiness {
    pub(crate) fn new(ports: Arc<Ports>) -> Readiness {
        Readiness { ports, last: Arc::default() }
    }

    /// Whether the database can be read and written.
    ///
    /// # Errors
    /// Why not, for the log.
    pub async fn check(&self) -> Result<(), String> {
        // Those who come meanwhile wait for the same answer.
        let mut last = self.last.lock().await;
        if let Some(answer) = &*last
            && answer.at.elapsed() < GOOD_FOR
        {
            return answer.came_to.clone();
        }
        let came_to = self.ports.store.ping().await.map_err(|error| with_causes(&error));
        *last = Some(Answer { at: Instant::now(), came_to: came_to.clone() });
        came_to
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
