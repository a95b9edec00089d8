//! The use cases of operators, with a job that a test controls.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use payment_service::{
    EarlyJob, Job, JobError, Payments, Reconciliation, ReconciliationSettings, Run, Schedule, ScheduledJob,
    Scheduler, SchedulerSettings,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Operators;

pub(crate) const TOKEN: &str = "operators-token-of-a-test";

#[derive(Default)]
pub(crate) struct TestJob {
    holds: Mutex<Option<Arc<Notify>>>,
    fails: Mutex<Option<&'static str>>,
}

impl TestJob {
    /// Runs wait until this is notified or they are stopped.
    pub(crate) fn holds(&self) -> Arc<Notify> {
        self.holds.lock().unwrap().get_or_insert_default().clone()
    }

    pub(crate) fn fails(&self, reason: &'static str) {
        *self.fails.lock().unwrap() = Some(reason);
    }
}

#[async_trait]
impl Job for TestJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let holds = self.holds.lock().unwrap().clone();
        if let Some(released) = holds {
            tokio::select! {
                () = released.notified() => {}
                () = run.stopped() => {}
            }
        }
        let fails = *self.fails.lock().unwrap();
        match fails {
            Some(reason) => Err(JobError::Other(reason.into())),
            None => {
                run.count(|tally| (tally.examined, tally.changed) = (3, 2));
                Ok(())
            }
        }
    }
}

pub(super) fn operators(
    payments: &Payments,
    job: &Arc<TestJob>,
    stop: &CancellationToken,
    shares_token: bool,
) -> Operators {
    let ports = &payments.ports;
    let settings = ReconciliationSettings { distances: vec![Duration::from_secs(1800)] };
    let reconciliation = Reconciliation::new(ports.clone(), payments.settlement.clone(), settings);
    let quarter = Schedule::every(Duration::from_secs(900));
    let jobs = vec![
        ScheduledJob {
            name: "early",
            purpose: "checks pending payments for the first time",
            schedule: quarter.clone(),
            job: Arc::new(EarlyJob(reconciliation.clone())),
        },
        ScheduledJob {
            name: "test",
            purpose: "does what a test tells it",
            schedule: quarter,
            job: job.clone(),
        },
    ];
    let settings = SchedulerSettings {
        node: "node-1".to_owned(),
        lease: Duration::from_secs(15),
        largest_clock_offset: None,
    };
    let scheduler = Scheduler::new(ports.store.clone(), ports.clock.clone(), settings, jobs);
    Operators::new(shares_token.then(|| TOKEN.into()), scheduler, reconciliation, stop.clone())
}
