//! Reconciliation, the scheduler that runs it, and what operators may see of it.

use crate::config::setting::{Kind, Setting};

const DAYS: Kind = Kind::Number { min: 1, max: 3_650 };

/// How pending payments become clear.
pub(super) const RECONCILIATION: &[Setting] = &[
    Setting::digit(
        "pg.earlyReconcileJobRunInterval.mins",
        Kind::Number { min: 1, max: 1_440 },
        "How often, in minutes, payments that were begun between one and two intervals ago are asked about. Whoever asks to pay a bill that is being paid is told to wait for two of them.",
    )
    .or("15"),
    Setting::own(
        "reconciliation.follow-ups",
        Kind::Distances,
        "When a payment that is still pending is asked about again: so long after the look before. Behind the last of them it is asked about in each daily run.",
    )
    .or("30m,1h,2h,6h"),
    Setting::own(
        "reconciliation.daily-cron",
        Kind::Cron,
        "When all payments that are pending for more than two intervals are asked about, on the clocks of `time-zone`. Quartz's `?` and `0/12` are understood.",
    )
    .or("0 0 0,12 * * ?"),
    Setting::own(
        "reconciliation.calls-at-once",
        Kind::Number { min: 1, max: 4_096 },
        "How many payments of one gateway a replica asks about at once; never more than `gateways.calls-at-once`.",
    )
    .or("16"),
    Setting::own(
        "reconciliation.calls-per-second",
        Kind::Number { min: 0, max: 10_000 },
        "How many payments of one gateway a replica asks about in a second at most, whoever wants to know: payers go first, and jobs get at least one turn in a second. A payer who would wait longer than two seconds is told the stored state. 0 for as many as are answered.",
    )
    .or("0"),
    Setting::own(
        "reconciliation.ask-after-secs",
        Kind::Number { min: 0, max: 86_400 },
        "Whoever asks to pay a bill that is being paid for more than so many seconds has the gateway asked first whether that payment is over; 0 never asks.",
    )
    .or("60"),
    Setting::digit(
        "egov.pg.reconciliation.system.user.uuid",
        Kind::Text,
        "The uuid of the user as whom the service acts on its own behalf.",
    )
    .or("b405e4d0-99ec-41b1-92e7-2ebda0321e0d"),
];

/// The scheduler, how long its work is kept, and operators.
pub(super) const JOBS: &[Setting] = &[
    Setting::own(
        "scheduler.lease-ms",
        Kind::Number { min: 1_000, max: 600_000 },
        "How many milliseconds a replica that was not heard of keeps a job before another takes it over.",
    )
    .or("15000"),
    Setting::own(
        "scheduler.node-name",
        Kind::Text,
        "The name of this replica in the records of jobs.",
    )
    .or_worked_out("the name of the machine and the number of the process"),
    Setting::own("scheduler.history-days", DAYS, "For how many days the records of jobs are kept.").or("30"),
    Setting::own(
        "events.keep-days",
        DAYS,
        "For how many days an event is kept after Kafka has confirmed it. Events that were not published are kept until they are.",
    )
    .or("30"),
    Setting::own(
        "callbacks.keep-days",
        DAYS,
        "For how many days what gateways report from server to server is kept as it came.",
    )
    .or("90"),
    Setting::own(
        "callbacks.unsigned-per-day",
        Kind::Number { min: 0, max: 1_000 },
        "How many callbacks without a valid signature are kept of one transaction and day, 4 kB each. All are counted in `callbacks_unsigned_total`.",
    )
    .or("20"),
    Setting::own(
        "operators.token",
        Kind::Text,
        "What operators present to see and run jobs and to settle what needs attention over HTTP. Without it nothing of that is served.",
    )
    .secret(),
];
