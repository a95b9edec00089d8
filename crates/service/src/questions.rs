//! The allowance of questions about one payment that unsigned answers can cause.
//!
//! Any caller with a payment's id can send an unsigned answer. The first few cause a status request each: the
//! browser comes back, and the web client asks right after it. Later ones cause one at intervals, which grow
//! with the payment's age; in between the stored state is the answer. Each different report that the gateway
//! has signed causes one status request more.
//!
//! Kept in memory, per replica.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::{Report, TxnId};
use tokio::time::Instant;

/// The most payments that are kept; each takes about 200 bytes.
const REMEMBERED: usize = 50_000;
/// The number of signed reports that are distinguished for a payment.
const SIGNED_REPORTS: usize = 8;
/// The part of a payment's age between two questions: 10 s at five minutes, one minute at half an hour.
const PART_OF_AGE: u32 = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuestionSettings {
    /// So many at once, at least one,
    pub burst: u32,
    /// then one in this time, or in a thirtieth of the payment's age if that is longer.
    pub every: Duration,
}

/// An answer or a look-up that is a reason to ask about a payment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trigger<'a> {
    pub(crate) txn_id: &'a TxnId,
    /// Of the payment.
    pub(crate) age: Duration,
    /// The report that the gateway signed in it.
    pub(crate) signed: Option<&'a Report>,
}

pub(crate) struct Questions {
    settings: QuestionSettings,
    hasher: RandomState,
    payments: Mutex<HashMap<TxnId, Allowance>>,
}

struct Allowance {
    left: u32,
    /// When time began to count for the next one.
    since: Instant,
    every: Duration,
    signed: Vec<u64>,
}

impl Allowance {
    /// The questions left at a moment, and when time began to count for the next one.
    fn at(&self, now: Instant, burst: u32) -> (u32, Instant) {
        let passed = now.duration_since(self.since).as_millis() / self.every.as_millis().max(1);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        let left = self.left.saturating_add(passed);
        if left >= burst { (burst, now) } else { (left, self.since + self.every * passed) }
    }
}

impl Questions {
    pub(crate) fn new(settings: QuestionSettings) -> Questions {
        let settings = QuestionSettings { burst: settings.burst.max(1), ..settings };
        Questions { settings, hasher: RandomState::new(), payments: Mutex::default() }
    }

    fn payments(&self) -> MutexGuard<'_, HashMap<TxnId, Allowance>> {
        self.payments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time until this answer may cause a status request; `None` when it may now. Takes nothing.
    pub(crate) fn wait(&self, trigger: Trigger<'_>) -> Option<Duration> {
        let signed = self.fingerprint(trigger.signed);
        let payments = self.payments();
        let allowance = payments.get(trigger.txn_id)?;
        if signed.is_some_and(|signed| is_new(&allowance.signed, signed)) {
            return None;
        }
        let now = Instant::now();
        let (left, since) = allowance.at(now, self.settings.burst);
        (left == 0).then(|| (since + allowance.every).duration_since(now))
    }

    /// Takes a status request from the allowance.
    ///
    /// # Errors
    /// The time until there is one.
    pub(crate) fn take(&self, trigger: Trigger<'_>) -> Result<(), Duration> {
        let signed = self.fingerprint(trigger.signed);
        let (now, burst) = (Instant::now(), self.settings.burst);
        let mut payments = self.payments();
        if payments.len() >= REMEMBERED && !payments.contains_key(trigger.txn_id) {
            make_room(&mut payments, now, burst);
        }
        let every = self.settings.every.max(trigger.age / PART_OF_AGE);
        let allowance = payments.entry(trigger.txn_id.clone()).or_insert_with(|| Allowance {
            left: burst,
            since: now,
            every,
            signed: Vec::new(),
        });
        if let Some(signed) = signed
            && is_new(&allowance.signed, signed)
        {
            allowance.signed.push(signed);
            return Ok(());
        }
        let (left, since) = allowance.at(now, burst);
        if left == 0 {
            return Err((since + allowance.every).duration_since(now));
        }
        (allowance.left, allowance.since, allowance.every) = (left - 1, since, every);
        Ok(())
    }

    fn fingerprint(&self, signed: Option<&Report>) -> Option<u64> {
        signed.map(|report| {
            self.hasher.hash_one((report.outcome.name(), &report.gateway_txn_id, report.raw.to_string()))
        })
    }
}

/// Whether a report is none of the known ones, while there is room to tell it apart.
fn is_new(known: &[u64], report: u64) -> bool {
    known.len() < SIGNED_REPORTS && !known.contains(&report)
}

/// Removes the payments with a full allowance, which changes nothing for them. If that is not enough, more
/// payments are checked than are ever begun at once: only the gateway's pace limits the status requests then.
fn make_room(payments: &mut HashMap<TxnId, Allowance>, now: Instant, burst: u32) {
    payments.retain(|_, allowance| allowance.at(now, burst).0 < burst);
    if payments.len() > REMEMBERED / 2 {
        tracing::warn!(payments = payments.len(), "more payments are asked about than can be remembered");
        payments.clear();
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::Outcome;
    use serde_json::json;

    use super::*;

    fn questions() -> Questions {
        Questions::new(QuestionSettings { burst: 5, every: Duration::from_secs(10) })
    }

    fn id(number: usize) -> TxnId {
        TxnId::new(format!("T{number}")).unwrap()
    }

    fn young(txn_id: &TxnId) -> Trigger<'_> {
        Trigger { txn_id, age: Duration::from_secs(60), signed: None }
    }

    fn report(raw: serde_json::Value) -> Report {
        Report {
            outcome: Outcome::Pending,
            gateway_txn_id: None,
            payment_mode: None,
            bank_txn_no: None,
            returned: None,
            status_code: None,
            status_message: None,
            raw,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_at_once_and_then_one_in_a_while() {
        let (questions, id) = (questions(), id(1));
        for _ in 0..5 {
            assert_eq!(questions.wait(young(&id)), None);
            assert_eq!(questions.take(young(&id)), Ok(()));
        }
        let mut asked = 0;
        for _ in 0..1000 {
            tokio::time::advance(Duration::from_millis(100)).await;
            let wait = questions.wait(young(&id));
            assert!(wait.is_none_or(|wait| wait <= Duration::from_secs(10)), "{wait:?}");
            let taken = questions.take(young(&id)).is_ok();
            assert_eq!(taken, wait.is_none());
            asked += u32::from(taken);
        }
        assert_eq!(asked, 10, "in a hundred seconds");
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((0..10).filter(|_| questions.take(young(&id)).is_ok()).count(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn status_requests_get_rarer_with_the_payments_age() {
        let (questions, id) = (questions(), id(1));
        let old = Trigger { age: Duration::from_secs(3600), ..young(&id) };
        while questions.take(old).is_ok() {}
        assert_eq!(questions.wait(old), Some(Duration::from_secs(120)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_signed_callback_is_worth_one_status_request_of_its_own() {
        let (questions, id) = (questions(), id(1));
        while questions.take(young(&id)).is_ok() {}
        for signed in 0..SIGNED_REPORTS {
            let report = report(json!({ "state": signed }));
            let trigger = Trigger { signed: Some(&report), ..young(&id) };
            assert_eq!(questions.wait(trigger), None);
            assert_eq!(questions.take(trigger), Ok(()));
            assert!(questions.wait(trigger).is_some() && questions.take(trigger).is_err(), "a replay");
        }
        let one_more = report(json!({ "state": "one more" }));
        assert!(questions.take(Trigger { signed: Some(&one_more), ..young(&id) }).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded() {
        let questions = questions();
        for number in 0..REMEMBERED {
            questions.take(young(&id(number))).unwrap();
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        let busy = id(7);
        while questions.take(young(&busy)).is_ok() {}
        for number in 0..100 {
            questions.take(young(&id(REMEMBERED + number))).unwrap();
        }
        assert!(questions.payments().len() < 200);
        assert!(questions.take(young(&busy)).is_err(), "one that is asked about too often is not forgotten");
    }
}
