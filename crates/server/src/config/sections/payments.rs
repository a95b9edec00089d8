//! How payments are handled, reconciled and looked after.

use std::sync::Arc;
use std::time::Duration;

use payment_gateway::GuardSettings;
use payment_service::{
    HousekeepingSettings, Pace, PaceSettings, QuestionSettings, ReconciliationSettings, Redirects, Settings,
};
use payment_settings::parser::{FLAG, SECRET, TEXT, count, days, hours, millis, mins, secs, small};
use payment_settings::{Optional, Reader, Setting, digit, own, settings};
use secrecy::{ExposeSecret, SecretString};

use super::callback_hosts;
use super::gateways::of_gateways;
use super::server::TIME_ZONE;
use crate::config::parsers::{CRON, DISTANCES, HOSTS};
use payment_gateways::account::{REDIRECT_THROUGH, RedirectThrough};

settings! {
    pub(in crate::config) const PAYMENTS;
    ORDER_LIFE: Optional<Duration> = own("order.life-mins", mins(1, 525_600),
        "For how many minutes an order can be paid. After that a gateway's \"no such payment\" is final \
         and the bill is free; no payer is sent to pay in the last third of it, ten minutes at most. Each \
         gateway may have an order life of its own.")
        .or_worked_out("as long as its provider keeps an order open: 30 minutes as a rule");
    REUSE_AFTER: Setting<Duration> = own("create.reuse-pending.after-secs", secs(0, 86_400),
        "A request for the same bills, amount, gateway, callback URL and mobile number as a pending \
         payment of more than so many seconds is answered with that payment, while its page can be used; \
         0 never does.").or("5");
    REDIRECT: Optional<RedirectThrough> = REDIRECT_THROUGH;
    UPYOG_FORM: Setting<bool> = own("redirect.upyog-form", FLAG,
        "Whether `redirectUrl` ends in `txURL=` and a payment page of this service, to which UPYOG's web client \
         posts for every gateway but AXIS. Needs `redirect.through=service`.").or("false");
    CALLBACK_HOSTS: Optional<Vec<String>> = own("callback.allowed-hosts", HOSTS,
        "The hosts to which payers may be sent back, as `host`, `host:port` or `*.parent`. A tenant \
         without an entry of its own has that of the tenant above it. Once anything is set, a tenant \
         without any entry has none.")
        .per_tenant().or_worked_out("beside DIGIT the host of `notification.url`; alone this machine (`localhost`, `127.0.0.1`, `[::1]`) and the service's own host");
    SEARCH_SCOPE: Setting<bool> = own("search.scope", FLAG,
        "Whether citizens find only their own transactions, employees only those of their tenant, and \
         callers without proof of who they are only what they can name, with personal data masked.")
        .or("true");
    IDEMPOTENCY_LIFE: Setting<Duration> = own("idempotency.life-hours", hours(1, 8_760),
        "For how many hours an `Idempotency-Key` is kept at least.").or("24");
    RECEIPT_WAIT: Setting<Duration> = own("receipts.wait-ms", millis(0, 60_000),
        "How many milliseconds a request waits for the receipt before it answers without one. The receipt \
         is issued all the same.").or("5000");
    RECEIPT_LEASE: Setting<Duration> = own("receipts.lease-ms", millis(1_000, 3_600_000),
        "For how many milliseconds the right to issue a receipt is held. It must be longer than two calls \
         to the collection service can take together, with their repetitions, and a tenth of it is kept \
         for the database. A registration without a known outcome is repeated only after as \
         long.").or("60000");
    RECEIPT_INTERVAL: Setting<Duration> = own("receipts.interval-ms", millis(100, 3_600_000),
        "How often receipts that are due are taken up, in milliseconds.").or("1000");
    GATEWAY_WAIT: Setting<Duration> = own("gateways.wait-ms", millis(100, 120_000),
        "How many milliseconds one question to a gateway may take in all.").or("10000");
    QUESTIONS_BURST: Setting<u32> = own("update.questions.burst", small(1, 1_000),
        "The number of status requests about one payment that callbacks and returns may cause at once, on \
         one replica. A report that the gateway has signed causes one of its own, once.")
        .or("5");
    QUESTIONS_EVERY: Setting<Duration> = own("update.questions.every-secs", secs(1, 3_600),
        "After so many seconds it is asked another one; less often when the payment is older than thirty \
         times that. In between the stored state is the answer.").or("10");
    GATEWAYS_CALLS_AT_ONCE: Setting<usize> = own("gateways.calls-at-once", count(1, 4_096),
        "How many calls to one gateway are under way at once.").or("64");
    HTTP_HOSTS: Optional<Vec<String>> = own("gateways.http-hosts", HOSTS,
        "The hosts of gateways that may be called over `http`, as `host`, `host:port` or `*.parent`. \
         Others must be called over `https`, unless they are this machine.");
    FAILURES_IN_A_ROW: Setting<usize> = own("gateways.failures-in-a-row", count(1, 1_000),
        "After so many payments in a row without a usable answer, or when half of the last four times as many calls \
         have none, a gateway counts as down: payments through it are refused at once and with a `Retry-After`, and \
         questions about others are put off.")
        .or("5");
    COOL_DOWN: Setting<Duration> = own("gateways.cool-down-secs", secs(1, 3_600),
        "For how many seconds a gateway that is down is left alone before one call tries it again.")
        .or("30");
    HOUSEKEEPING_INTERVAL: Setting<Duration> = own("housekeeping.interval-mins", mins(1, 1_440),
        "The interval at which expired rows are deleted, in minutes.").or("60");
}

settings! {
    /// How pending payments become clear.
    pub(in crate::config) const RECONCILIATION;
    EARLY_INTERVAL: Setting<Duration> = digit("pg.earlyReconcileJobRunInterval.mins", mins(1, 1_440),
        "How often, in minutes, payments that were begun between one and two intervals ago are asked \
         about. A payer of a bill that is being paid is asked to wait for two of them.").or("15");
    FOLLOW_UPS: Setting<Vec<Duration>> = own("reconciliation.follow-ups", DISTANCES,
        "When a payment that is still pending is asked about again: so long after the look before. Behind \
         the last of them it is asked about in each daily run.").or("30m,1h,2h,6h");
    DAILY_CRON: Setting<String> = own("reconciliation.daily-cron", CRON,
        "When all payments that are pending for more than two intervals are asked about, on the clocks of \
         `time-zone`. Quartz's `?` and `0/12` are understood.").or("0 0 0,12 * * ?");
    CALLS_AT_ONCE: Setting<usize> = own("reconciliation.calls-at-once", count(1, 4_096),
        "How many payments of one gateway a replica asks about at once; never more than \
         `gateways.calls-at-once`.").or("16");
    CALLS_PER_SECOND: Setting<u32> = own("reconciliation.calls-per-second", small(0, 10_000),
        "The largest number of status requests of a replica to one gateway in a second: payers go first, \
         and jobs get at least one turn in a second. A payer who would wait longer than two seconds gets \
         the stored state. 0 for as many as are answered.").or("0");
    ASK_AFTER: Setting<Duration> = own("reconciliation.ask-after-secs", secs(0, 86_400),
        "Whoever asks to pay a bill that is being paid for more than so many seconds has the gateway \
         asked first whether that payment is over; 0 never asks.").or("60");
    SYSTEM_USER: Setting<String> = digit("egov.pg.reconciliation.system.user.uuid", TEXT,
        "The uuid of the user as whom the service acts on its own behalf.")
        .or("b405e4d0-99ec-41b1-92e7-2ebda0321e0d");
}

settings! {
    /// The scheduler, how long its work is kept, and operators.
    pub(in crate::config) const JOBS;
    LEASE: Setting<Duration> = own("scheduler.lease-ms", millis(1_000, 600_000),
        "How many milliseconds a silent replica keeps a job before another takes it over.")
        .or("15000");
    NODE_NAME: Optional<String> = own("scheduler.node-name", TEXT,
        "The name of this replica in the records of jobs.")
        .or_worked_out("the name of the machine and the number of the process");
    HISTORY: Setting<Duration> = own("scheduler.history-days", days(1, 3_650),
        "For how many days the records of jobs are kept.").or("30");
    EVENTS_KEEP: Setting<Duration> = own("events.keep-days", days(1, 3_650),
        "For how many days an event is kept after Kafka has confirmed it. Events that were not published \
         are kept until they are.").or("30");
    CALLBACKS_KEEP: Setting<Duration> = own("callbacks.keep-days", days(1, 3_650),
        "For how many days what gateways report from server to server is kept as it came.").or("90");
    UNSIGNED_CALLBACKS: Setting<u32> = own("callbacks.unsigned-per-day", small(0, 1_000),
        "How many callbacks without a valid signature are kept of one transaction and day, 4 kB each. All \
         are counted in `callbacks_unsigned_total`.").or("20");
    BACKLOG_INTERVAL: Setting<Duration> = own("metrics.backlog-interval-secs", secs(1, 3_600),
        "How often a replica counts open work (pending transactions, receipts, review cases, refunds and events) \
         for its gauges, in seconds. A scrape of the metrics asks the database nothing.").or("30");
    OPERATORS_TOKEN: Optional<SecretString> = own("operators.token", SECRET,
        "What operators present to see and run jobs and to settle what needs attention over HTTP. Without \
         it nothing of that is served.").secret();
}

/// When jobs run, and on which replica.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// How long a silent replica keeps a job.
    pub lease: Duration,
    /// The name of this replica.
    pub node_name: String,
    /// When all pending payments are asked about: a cron expression of five or six fields.
    pub daily_cron: String,
    pub reconciliation: ReconciliationSettings,
    /// How often receipts that are due are taken up.
    pub receipt_interval: Duration,
    /// How often refunds that are due are taken up.
    pub refund_interval: Duration,
    pub housekeeping_interval: Duration,
    /// How often open work is counted for the gauges.
    pub backlog_interval: Duration,
    pub housekeeping: HousekeepingSettings,
}

pub(super) fn jobs(reader: &Reader<'_>) -> Jobs {
    Jobs {
        lease: reader.get(&LEASE),
        node_name: reader.set(&NODE_NAME).unwrap_or_else(node_name),
        daily_cron: reader.get(&DAILY_CRON),
        reconciliation: ReconciliationSettings { distances: reader.get(&FOLLOW_UPS) },
        receipt_interval: reader.get(&RECEIPT_INTERVAL),
        refund_interval: reader.get(&super::refunds::INTERVAL),
        housekeeping_interval: reader.get(&HOUSEKEEPING_INTERVAL),
        backlog_interval: reader.get(&BACKLOG_INTERVAL),
        housekeeping: HousekeepingSettings {
            idempotency_keys: reader.get(&IDEMPOTENCY_LIFE),
            published_events: reader.get(&EVENTS_KEEP),
            callbacks: reader.get(&CALLBACKS_KEEP),
            job_runs: reader.get(&HISTORY),
        },
    }
}

/// The settings of the use cases. Checkpoints are another section's. Redirects are final when the service knows the address it listens on, the
/// clock and the call to the collection service when database and services are read.
pub(super) fn settings(reader: &mut Reader<'_>) -> Settings {
    let unless_zero = |time: Duration| (!time.is_zero()).then_some(time);
    Settings {
        redirects: Redirects::Application { public_url: None },
        early_interval: reader.get(&EARLY_INTERVAL),
        order_life: reader.set(&ORDER_LIFE),
        order_life_of: of_gateways(reader, |reader, common| reader.set(&common.order_life)),
        ask_after: unless_zero(reader.get(&ASK_AFTER)),
        reuse_after: unless_zero(reader.get(&REUSE_AFTER)),
        time_zone: reader.get(&TIME_ZONE),
        receipt_wait: reader.get(&RECEIPT_WAIT),
        receipt_lease: reader.get(&RECEIPT_LEASE),
        collection_call: Duration::ZERO,
        largest_clock_offset: None,
        gateway_wait: reader.get(&GATEWAY_WAIT),
        questions: QuestionSettings {
            burst: reader.get(&QUESTIONS_BURST),
            every: reader.get(&QUESTIONS_EVERY),
        },
        pace: pace(reader),
        refunds: super::refunds::refunds(reader),
        search_scope: reader.get(&SEARCH_SCOPE),
        system_user_uuid: reader.get(&SYSTEM_USER),
        allowed_callback_hosts: callback_hosts::allowed(reader),
        unsigned_callbacks_per_day: reader.get(&UNSIGNED_CALLBACKS),
        checkpoints: Arc::default(),
    }
}

fn pace(reader: &Reader<'_>) -> PaceSettings {
    let most = reader.get(&GATEWAYS_CALLS_AT_ONCE);
    let pace = |at_once: usize, per_second: u32| Pace {
        at_once: at_once.min(most),
        per_second: (per_second > 0).then_some(per_second),
    };
    let (at_once, per_second) = (reader.get(&CALLS_AT_ONCE), reader.get(&CALLS_PER_SECOND));
    let own = of_gateways(reader, |reader, common| {
        let own = (reader.set(&common.calls_at_once), reader.set(&common.calls_per_second));
        (own != (None, None)).then(|| pace(own.0.unwrap_or(at_once), own.1.unwrap_or(per_second)))
    });
    PaceSettings { of_others: pace(at_once, per_second), own }
}

pub(super) fn guard(reader: &Reader<'_>) -> GuardSettings {
    let calls_at_once = reader.get(&GATEWAYS_CALLS_AT_ONCE);
    let failures_in_a_row = reader.get(&FAILURES_IN_A_ROW);
    GuardSettings {
        calls_at_once,
        // Verifications of strangers' callbacks must not take the places of payments.
        verifications_at_once: (calls_at_once / 4).max(1),
        failures_in_a_row,
        recent_calls: failures_in_a_row * 4,
        cool_down: reader.get(&COOL_DOWN),
        ..GuardSettings::default()
    }
}

/// The shortest token of operators, in characters: it must not be guessed.
const SHORTEST_TOKEN: usize = 24;

/// The token that operators present over HTTP; `None` serves them nothing there.
pub(super) fn operators_token(reader: &mut Reader<'_>) -> Option<SecretString> {
    let token = reader.set(&OPERATORS_TOKEN)?;
    let text = token.expose_secret();
    let fits_a_header = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.chars().count() < SHORTEST_TOKEN || !fits_a_header {
        reader.problem(
            &OPERATORS_TOKEN,
            "cannot be used",
            format!("give at least {SHORTEST_TOKEN} letters, digits and signs without spaces, e.g. from `openssl rand -hex 24`"),
        );
    }
    Some(token)
}

/// The name of the machine, which in a pod is that of the pod, and the number of the process.
fn node_name() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "node".to_owned());
    format!("{machine}-{}", std::process::id())
}
