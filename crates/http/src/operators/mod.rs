//! The endpoints of operators: jobs, review cases, manual reconciliation, the audit log. They are served to named
//! callers in the roles below, and to requests that present the shared token.

pub(crate) mod export_audit;
pub(crate) mod fields;
pub(crate) mod job_history;
pub(crate) mod resolve_attention;
pub(crate) mod run_job;
pub(crate) mod run_reconciliation;
pub(crate) mod search_attention;
pub(crate) mod search_audit;
pub(crate) mod search_jobs;
pub(crate) mod show_attention;
pub(crate) mod show_audit;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod verify_audit;

use std::time::Duration;

use crate::limits::RequestLimits;

/// The tag of these endpoints in the OpenAPI document.
pub(crate) const TAG: &str = "Operators";

pub(crate) use payment_service::access::{ACTS, AUDITS, OPERATIONS as READS};

/// How long a request waits for the work it started before it answers 202: half of its time, the rest is for
/// its body.
fn patience(limits: &RequestLimits) -> Duration {
    limits.request_time / 2
}
