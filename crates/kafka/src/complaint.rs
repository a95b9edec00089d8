//! Rate-limited warnings: trouble that lasts is logged once a minute, with the number of times.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<HashMap<&'static str, Complaint>>);

#[derive(Debug)]
struct Complaint {
    told_at: Instant,
    untold: u64,
}

impl Complaints {
    /// The occurrences since the last log line, when one is due.
    pub(crate) fn due(&self, about: &'static str) -> Option<u64> {
        let mut complaints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match complaints.get_mut(about) {
            Some(complaint) if now.duration_since(complaint.told_at) < PAUSE => {
                complaint.untold += 1;
                None
            }
            Some(complaint) => {
                let times = complaint.untold + 1;
                *complaint = Complaint { told_at: now, untold: 0 };
                Some(times)
            }
            None => {
                complaints.insert(about, Complaint { told_at: now, untold: 0 });
                Some(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_repeated_fault_is_logged_once_a_minute_with_its_count() {
        let complaints = Complaints::default();
        assert_eq!(complaints.due("broker"), Some(1));
        assert_eq!(complaints.due("broker"), None);
        assert_eq!(complaints.due("database"), Some(1), "another fault is reported");
        tokio::time::advance(PAUSE).await;
        assert_eq!(complaints.due("broker"), Some(2));
    }
}
