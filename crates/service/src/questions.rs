//! How often those whom nobody knows may have a gateway asked about one payment.
//!
//! Anybody who has the id of a payment can bring news of it, signed by nobody. The first few are each
//! worth a question: the browser comes back, and the web client asks right behind it. After that there is
//! one question in a while, the longer the older the payment is; whoever comes in between is told the
//! stored state. What the gateway has signed is worth a question of its own, once.
//!
//! Kept in the memory of this node: each replica has its own.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::{Report, TxnId};
use tokio::time::Instant;

/// How many payments are remembered at most; each takes about 200 bytes.
const REMEMBERED: usize = 50_000;
/// How many signed reports are told apart for a payment. A gateway has no more to say of one.
const SIGNED_REPORTS: usize = 8;
/// A payment's questions are at least this part of its age apart: one in 10 s while it is younger than
/// five minutes, one in a minute at half an hour.
const PART_OF_AGE: u32 = 30;

/// How many questions one payment is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuestionSettings {
    /// So many at once; at least one.
    pub burst: u32,
    /// Then one in this time, or in a thirtieth of the payment's age where that is longer.
    pub every: Duration,
}

/// What news of a payment rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News<'a> {
    pub(crate) txn_id: &'a TxnId,
    /// Since the payment was created.
    pub(crate) age: Duration,
    /// What its gateway has signed.
    pub(crate) signed: Option<&'a Report>,
}

pub(crate) struct Questions {
    settings: QuestionSettings,
    hasher: RandomState,
    payments: Mutex<HashMap<TxnId, Allowance>>,
}

struct Allowance {
    left: u32,
    /// Since when time counts for the next one.
    since: Instant,
    every: Duration,
    signed: Vec<u64>,
}

impl Allowance {
    /// The questions that are left at a moment, and since when time counts for the next.
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

    /// How long it takes until these news are worth a question; `None` when they are. Takes nothing.
    pub(crate) fn wait(&self, news: News<'_>) -> Option<Duration> {
        let signed = self.fingerprint(news.signed);
        let payments = self.payments();
        let allowance = payments.get(news.txn_id)?;
        if signed.is_some_and(|signed| is_new(&allowance.signed, signed)) {
            return None;
        }
        let now = Instant::now();
        let (left, since) = allowance.at(now, self.settings.burst);
        (left == 0).then(|| (since + allowance.every).duration_since(now))
    }

    /// Takes the question that these news are worth.
    ///
    /// # Errors
    /// How long it takes until they are worth one.
    pub(crate) fn take(&self, news: News<'_>) -> Result<(), Duration> {
        let signed = self.fingerprint(news.signed);
        let (now, burst) = (Instant::now(), self.settings.burst);
        let mut payments = self.payments();
        if payments.len() >= REMEMBERED && !payments.contains_key(news.txn_id) {
            make_room(&mut payments, now, burst);
        }
        let every = self.settings.every.max(news.age / PART_OF_AGE);
        let allowance = payments.entry(news.txn_id.clone()).or_insert_with(|| Allowance {
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

/// Whether nobody has brought this report yet, as far as so many can be told apart.
fn is_new(known: &[u64], report: u64) -> bool {
    known.len() < SIGNED_REPORTS && !known.contains(&report)
}

/// Forgets those that have all their questions again: to them it makes no difference. If that is not
/// enough, somebody asks about more payments than are ever begun at once, and the gateway's pace alone
/// has to hold them.
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

    fn young(txn_id: &TxnId) -> News<'_> {
        News { txn_id, age: Duration::from_secs(60), signed: None }
    }

    fn report(raw: serde_json::Value) -> Report {
        Report {
            outcome: Outcome::Pending,
            gateway_txn_id: None,
            payment_mode: None,
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
    async fn the_older_the_payment_the_rarer_the_questions() {
        let (questions, id) = (questions(), id(1));
        let old = News { age: Duration::from_secs(3600), ..young(&id) };
        while questions.take(old).is_ok() {}
        assert_eq!(questions.wait(old), Some(Duration::from_secs(120)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_gateway_signed_is_worth_a_question_of_its_own_once() {
        let (questions, id) = (questions(), id(1));
        while questions.take(young(&id)).is_ok() {}
        for signed in 0..SIGNED_REPORTS {
            let report = report(json!({ "state": signed }));
            let news = News { signed: Some(&report), ..young(&id) };
            assert_eq!(questions.wait(news), None);
            assert_eq!(questions.take(news), Ok(()));
            assert!(questions.wait(news).is_some() && questions.take(news).is_err(), "a replay");
        }
        let one_more = report(json!({ "state": "one more" }));
        assert!(questions.take(News { signed: Some(&one_more), ..young(&id) }).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
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
