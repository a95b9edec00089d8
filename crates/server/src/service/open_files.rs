//! Open files: how many this process may have, and how many of them connections may take.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::failure::{Failure, Outcome};

/// Reserved for everything but payers' connections: calls to gateways and services, the database, the
/// brokers, files, the port of its own for metrics, and refused clients.
const RESERVE: u64 = 512;
/// With fewer than this nothing works.
const LEAST: u64 = 128;

/// Raises the limit of open files as far as `connections` need it and the system allows; returns how
/// many connections it is enough for. Of a limit that is too low, calls to gateways keep their part.
///
/// # Errors
/// When the limit is too low to work at all.
pub(super) fn room_for(connections: usize) -> Outcome<usize> {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVE);
    let limit = raised_to(wanted);
    if limit < LEAST {
        return Err(Failure::new(format!(
            "no more than {limit} files may be open, which is too few to work with"
        ))
        .try_this(format!("allow at least {wanted} (ulimit -n, LimitNOFILE= of systemd)")));
    }
    let fitting = usize::try_from(fitting(limit)).unwrap_or(usize::MAX).min(connections);
    if fitting < connections {
        tracing::warn!(
            open_files = limit,
            connections = fitting,
            "the limit of open files is too low for {connections} connections (limits.connections): fewer are \
             accepted; allow {wanted} (ulimit -n, LimitNOFILE= of systemd), or lower limits.connections"
        );
    }
    Ok(fitting)
}

/// The number of connections a limit is enough for.
fn fitting(limit: u64) -> u64 {
    limit - RESERVE.min(limit / 2)
}

/// The limit that is in force after it was raised to `wanted`, as far as that is allowed.
fn raised_to(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return current;
    }
    let raised = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    match setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(raised), ..limit }) {
        Ok(()) => raised,
        Err(error) => {
            tracing::warn!(%error, open_files = current, "the limit of open files cannot be raised");
            current
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_keep_their_part_of_a_low_limit() {
        assert_eq!([fitting(128), fitting(1024), fitting(4608)], [64, 512, 4096]);
    }
}
