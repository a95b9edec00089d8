//! The endpoints of operators: jobs, review cases, manual reconciliation. They are served to requests that
//! present the configured token.

mod authority;
mod fields;
pub(crate) mod job_history;
pub(crate) mod resolve_attention;
pub(crate) mod run_job;
pub(crate) mod run_reconciliation;
pub(crate) mod search_attention;
pub(crate) mod search_jobs;
pub(crate) mod show_attention;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::limits::RequestLimits;

pub(crate) use authority::Operator;

/// The tag of these endpoints in the OpenAPI document.
pub(crate) const TAG: &str = "Operators";

/// How long a request waits for the work it started before it answers 202: half of its time, the rest is for
/// its body.
fn patience(limits: &RequestLimits) -> Duration {
    limits.request_time / 2
}
