//! The metrics that the stores have in common.

use std::time::Duration;

/// Histogram by `work`, in seconds.
const DURATION: &str = "database_group_duration_seconds";
/// Histogram by `work`: pieces of work in one database transaction.
pub const GROUP_SIZE: &str = "database_group_size";
/// Histogram by `work`, in seconds.
const QUEUE_WAIT: &str = "database_queue_wait_seconds";
/// Histogram, in seconds.
const CONNECTION_WAIT: &str = "database_connection_wait_seconds";

/// Describes them.
pub fn describe() {
    metrics::describe_histogram!(
        DURATION,
        metrics::Unit::Seconds,
        "How long a database transaction of a group of work took, with its commit"
    );
    metrics::describe_histogram!(GROUP_SIZE, "How many pieces of work shared a database transaction");
    metrics::describe_histogram!(
        QUEUE_WAIT,
        metrics::Unit::Seconds,
        "How long the oldest work of a group waited in the queue"
    );
    metrics::describe_histogram!(
        CONNECTION_WAIT,
        metrics::Unit::Seconds,
        "How long work waited for a connection of the pool"
    );
}

/// A group of work that shared a database transaction: its oldest piece had `waited`, and all of it took
/// `took`.
pub fn group(work: &'static str, size: usize, waited: Duration, took: Duration) {
    metrics::histogram!(DURATION, "work" => work).record(took);
    metrics::histogram!(GROUP_SIZE, "work" => work).record(u32::try_from(size).unwrap_or(u32::MAX));
    metrics::histogram!(QUEUE_WAIT, "work" => work).record(waited);
}

/// A connection that was waited for.
pub fn connection(waited: Duration) {
    metrics::histogram!(CONNECTION_WAIT).record(waited);
}
