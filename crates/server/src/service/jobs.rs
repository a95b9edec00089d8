//! Background work: the jobs of the scheduler, the consumer of notifications, the sandbox's callbacks.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use payment_http::Metrics;
use payment_kafka::NotificationConsumer;
use payment_service::audit::{CheckpointJob, SealingJob, VERIFY_JOB, VerifyJob};
use payment_service::figures::{Days, FigureCounts, FiguresJob, FiguresVerificationJob};
use payment_service::{
    Accounts, AccountsJob, DailyJob, EarlyJob, FollowUpJob, HousekeepingJob, Job, Payments, ReceiptsJob,
    Reconciliation, RefundsJob, Schedule, ScheduledJob, Scheduler,
};
use payment_store::audit::sealing;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::kafka;
use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// A job that always has something to look for hands over to its next tick after this long.
const TURN: Duration = Duration::from_secs(60);
const WIPE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The jobs and when they are due.
///
/// # Errors
/// When one of them cannot be set up.
pub(super) fn scheduled(
    config: &Config,
    payments: &Payments,
    accounts: &Accounts,
    reconciliation: &Reconciliation,
) -> Outcome<Vec<ScheduledJob>> {
    let settings = &config.jobs;
    let daily = Schedule::cron(&settings.daily_cron, config.settings.time_zone.clone())
        .map_err(|error| Failure::new("the daily reconciliation cannot be scheduled").because(&error))?;
    let receipts = ReceiptsJob { receipts: payments.receipts.clone(), interval: settings.receipt_interval };
    let refunds = RefundsJob { refunds: payments.refunds.clone(), interval: settings.refund_interval };
    let housekeeping = HousekeepingJob::new(payments.ports.clone(), settings.housekeeping.clone());
    let job = |name, purpose, schedule, job: Arc<dyn Job>| ScheduledJob { name, purpose, schedule, job };
    let mut jobs = vec![
        job(
            "reconcile-early",
            "asks gateways about payments that are one interval old",
            Schedule::every(config.settings.early_interval),
            Arc::new(EarlyJob(reconciliation.clone())),
        ),
        job(
            "reconcile-follow-up",
            "asks again, at growing distances, about what was pending",
            Schedule::every(TURN),
            Arc::new(FollowUpJob(reconciliation.clone())),
        ),
        job(
            "reconcile-daily",
            "asks about everything that is pending",
            daily,
            Arc::new(DailyJob(reconciliation.clone())),
        ),
        job(
            "receipts",
            "issues and cancels receipts that are due",
            Schedule::every(TURN),
            Arc::new(receipts),
        ),
        job(
            "refunds",
            "sends refunds that are approved, and asks gateways about those that were sent",
            Schedule::every(TURN),
            Arc::new(refunds),
        ),
        job(
            "housekeeping",
            "deletes expired rows",
            Schedule::every(settings.housekeeping_interval),
            Arc::new(housekeeping),
        ),
    ];
    let ports = &payments.ports;
    let seal = SealingJob {
        store: ports.store.clone(),
        clock: ports.clock.clone(),
        interval: config.audit.seal_interval,
    };
    let purpose = "seals the histories of payments in the audit log";
    jobs.push(job(sealing::JOB, purpose, Schedule::every(TURN), Arc::new(seal)));
    if config.audit.checkpoints.key.is_some() {
        // Of the hours one is the end of the day.
        let hourly = Schedule::cron("0 0 * * * *", config.settings.time_zone.clone())
            .map_err(|error| Failure::new("checkpoints cannot be scheduled").because(&error))?;
        let purpose = "signs the audit log";
        jobs.push(job("audit-checkpoint", purpose, hourly, Arc::new(CheckpointJob(payments.audit.clone()))));
    }
    let purpose = "verifies the audit log, when an operator asks";
    let verify = Arc::new(VerifyJob(payments.audit.clone()));
    jobs.push(job(VERIFY_JOB, purpose, Schedule::by_hand(), verify));
    jobs.push(job(
        "accounts",
        "wipes credentials of merchant accounts that were retired long ago",
        Schedule::every(WIPE_INTERVAL),
        Arc::new(AccountsJob { accounts: accounts.clone() }),
    ));
    let days = Days::of(config.settings.time_zone.clone());
    let counts = FigureCounts::new(ports.store.clone(), ports.clock.clone(), days);
    let purpose = "counts payments and refunds by day, for the console";
    jobs.push(job("figures", purpose, Schedule::every(TURN), Arc::new(FiguresJob(counts.clone()))));
    // When few pay.
    let nightly = Schedule::cron("0 30 2 * * *", config.settings.time_zone.clone())
        .map_err(|error| Failure::new("the nightly verification cannot be scheduled").because(&error))?;
    let purpose = "compares the counts by day with the payments";
    jobs.push(job("figures-verify", purpose, nightly, Arc::new(FiguresVerificationJob(counts))));
    if let Some(relay) = kafka::relay(config, payments)? {
        let purpose = "publishes events to Kafka";
        jobs.push(job("outbox", purpose, Schedule::every(TURN), Arc::new(relay)));
    }
    Ok(jobs)
}

/// The loops beside the requests of a service.
pub(super) struct Loops(JoinSet<()>);

impl Loops {
    pub(super) fn start(
        scheduler: Scheduler,
        payments: Payments,
        gauges: impl Future<Output = ()> + Send + 'static,
        consumer: Option<NotificationConsumer>,
        sandbox: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        metrics: Metrics,
        stop: &CancellationToken,
    ) -> Loops {
        let mut loops = JoinSet::new();
        let until = stop.clone();
        loops.spawn(async move { scheduler.run(until).await });
        let until = stop.clone();
        let Payments { counted, ports, receipts, .. } = payments;
        let accounts = ports.gateways.accounts().clone();
        loops.spawn(async move { receipts.keep_watching(until).await });
        let until = stop.clone();
        loops.spawn(async move {
            until.run_until_cancelled_owned(accounts.keep_fresh()).await;
        });
        let until = stop.clone();
        loops.spawn(async move { counted.keep_recording(until).await });
        let until = stop.clone();
        loops.spawn(async move {
            until.run_until_cancelled_owned(gauges).await;
        });
        if let Some(consumer) = consumer {
            let until = stop.clone();
            loops.spawn(async move {
                if let Err(error) = consumer.run(until).await {
                    tracing::error!(%error, "no text messages are sent any more");
                }
            });
        }
        if let Some(sandbox) = sandbox {
            loops.spawn(sandbox);
        }
        let upkeep = stop.clone().run_until_cancelled_owned(metrics.upkeep());
        loops.spawn(async move {
            let _cancelled = upkeep.await;
        });
        Loops(loops)
    }

    /// Waits until every loop has finished its work, or until `deadline`.
    pub(super) async fn stop(mut self, deadline: Instant) {
        let ended = async { while self.0.join_next().await.is_some() {} };
        if tokio::time::timeout_at(deadline, ended).await.is_err() {
            tracing::warn!("a job does not end and is cut off");
        }
    }
}
