//! The endpoints of operators: jobs, review cases, manual reconciliation, the audit log. They are served to requests that
//! present the configured token.

mod authority;
mod fields;
pub(crate) mod job_history;
pub(crate) mod resolve_attention;
pub(crate) mod run_job;
pub(crate) mod run_reconciliation;
pub(crate) mod search_attention;
pub(crate) mod search_audit;
pub(crate) mod search_jobs;
pub(crate) mod show_attention;
#[cfg(test)]
mod tests;
pub(crate) mod verify_audit;

use std::time::Duration;

use payment_domain::{AuditActor, Personal};

use crate::limits::RequestLimits;

pub(crate) use authority::Operator;

/// The tag of these endpoints in the OpenAPI document.
pub(crate) const TAG: &str = "Operators";

/// The holder of the operators' token, by the name they gave.
fn named(by: &str) -> AuditActor {
    AuditActor::Operator { name: Personal::new(by), address: None }
}

/// How long a request waits for the work it started before it answers 202: half of its time, the rest is for
/// its body.
fn patience(limits: &RequestLimits) -> Duration {
    limits.request_time / 2
}
