//! Draining the outbox, round after round.
//!
//! Each round reads the waiting events from the first one. Going on behind the last one read would be wrong:
//! sequence numbers become visible out of order, so that an earlier event of a transaction may appear before
//! that place after a later one behind it. Only when the head is full of events that cannot be published
//! does a round look behind it, and then it reads each transaction it finds there as a whole.
//!
//! An event that was sent and is not marked as published is sent again when the process dies. A round begins
//! one page and marks before the next, so that this is a page of events, and a few pages while the brokers
//! are slow ([`PAGES`]).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use payment_domain::TxnId;
use payment_service::{JobError, Run};
use payment_store::{BoxError, DeadLetter, StoreError, StoredEvent};
use tokio::time::Instant;

use super::chain::{ChainEnd, Refused, Sending};
use super::holds::Holds;
use super::{FAILED, Relay};

/// How long a round waits for confirmations before they are marked.
const ROUND: Duration = Duration::from_millis(50);
/// How long confirmations are waited for at the end of a run, and at that of a stopped one.
const GRACE: Duration = Duration::from_secs(5);
const SHORT_GRACE: Duration = Duration::from_secs(1);
/// The longest pause between two looks at an outbox in which nothing can be published.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many pages of events may be under way, and are read at once where many cannot be published.
const PAGES: usize = 4;
/// How many pages behind the head are looked at in one round.
const PAGES_BEHIND: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    /// At its time, with nothing under way.
    Clean,
    /// At its time, with events under way, which the producer must give up.
    Unfinished,
    /// The producer is unusable.
    ProducerDied,
}

/// The outcome of a run, as far as it decides the record of its end.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) published: u64,
    pub(super) last_failure: Option<String>,
}

pub(super) struct Drain<'a> {
    relay: &'a Relay,
    sending: &'a Sending<'a>,
    run: &'a Run,
    done: &'a mut Done,
    chains: FuturesUnordered<BoxFuture<'a, ChainEnd>>,
    busy: HashSet<TxnId>,
    under_way: usize,
    holds: Holds,
    /// How many events of the head could not be begun in the last round.
    stuck: usize,
    /// How far the look behind the head has come.
    behind: Option<i64>,
    died: bool,
    /// Refused for too long, and not yet dead letters in the store.
    dead: Vec<(i64, DeadLetter)>,
}

impl<'a> Drain<'a> {
    pub(super) fn new(relay: &'a Relay, sending: &'a Sending<'a>, done: &'a mut Done) -> Drain<'a> {
        Drain {
            relay,
            sending,
            run: sending.run,
            done,
            chains: FuturesUnordered::new(),
            busy: HashSet::new(),
            under_way: 0,
            holds: Holds::default(),
            stuck: 0,
            behind: None,
            died: false,
            dead: Vec::new(),
        }
    }

    /// Publishes until the run is stopped, should yield, or the producer dies.
    pub(super) async fn run(mut self) -> Result<Drained, JobError> {
        while !(self.run.is_stopped() || self.died || Instant::now() >= self.run.yields_at()) {
            let fence_holds = self.mark().await?;
            let read_at = Instant::now();
            let begun = if self.under_way < PAGES * self.page() {
                self.begin_round(read_at, fence_holds).await?
            } else {
                0
            };
            if begun == 0 { self.rest(read_at.elapsed()).await } else { self.wait(begun).await }
        }
        self.end().await
    }

    fn page(&self) -> usize {
        self.relay.settings.page.max(1) as usize
    }

    /// Marks confirmed events and dead letters. Returns whether that has shown that the run is not over.
    async fn mark(&mut self) -> Result<bool, JobError> {
        for (sequence, letter) in std::mem::take(&mut self.dead) {
            if !self.relay.store.mark_dead(sequence, letter, self.run.fence()).await? {
                return Err(JobError::Fenced);
            }
        }
        let confirmed = self.sending.take_confirmed();
        if confirmed.is_empty() {
            return Ok(false);
        }
        self.relay.mark_published(&confirmed, self.run).await?;
        let count = u32::try_from(confirmed.len()).unwrap_or(u32::MAX);
        self.run.count(|tally| tally.changed = tally.changed.saturating_add(count));
        self.done.published += u64::from(count);
        Ok(true)
    }

    async fn begin_round(&mut self, read_at: Instant, fence_holds: bool) -> Result<usize, JobError> {
        self.holds.tidy(read_at);
        let limit = self.page() + self.stuck.min(PAGES * self.page());
        let head = self.relay.store.unpublished(0, u32::try_from(limit).unwrap_or(u32::MAX)).await?;
        let last_of_full = (head.len() >= limit).then(|| head.last().map(|event| event.sequence)).flatten();
        let read = head.len();
        let mut groups = self.open_groups(head);
        self.stuck = read - groups.iter().map(|(_, events)| events.len()).sum::<usize>();
        if groups.is_empty()
            && let Some(last_of_head) = last_of_full
        {
            groups = self.groups_behind(last_of_head).await?;
        } else {
            self.behind = None;
        }
        if groups.is_empty() {
            return Ok(0);
        }
        // A process that was suspended finds out before it publishes.
        if !fence_holds {
            self.relay.mark_published(&[], self.run).await?;
        }
        let begun = groups.iter().map(|(_, events)| events.len()).sum();
        self.run.count(|tally| {
            tally.examined = tally.examined.saturating_add(u32::try_from(begun).unwrap_or(u32::MAX));
        });
        for (txn_id, events) in groups {
            self.under_way += events.len();
            self.busy.insert(txn_id.clone());
            let patience = self.relay.settings.delivery_timeout;
            self.chains.push(self.sending.chain(txn_id, events, read_at, patience).boxed());
        }
        Ok(begun)
    }

    /// These events by transaction, in order, without those that are under way or held back.
    fn open_groups(&self, events: Vec<StoredEvent>) -> Vec<(TxnId, Vec<StoredEvent>)> {
        let mut groups: Vec<(TxnId, Vec<StoredEvent>)> = Vec::new();
        let mut places: HashMap<TxnId, usize> = HashMap::new();
        for stored in events {
            let event = &stored.event;
            let id = &event.txn_id;
            if self.busy.contains(id) || self.holds.holds_transaction(id) {
                continue;
            }
            let topic = self.relay.settings.topics.of(event).unwrap_or_default();
            if self.holds.holds_event(id, event.kind, &topic) {
                continue;
            }
            let place = *places.entry(id.clone()).or_insert_with(|| {
                groups.push((id.clone(), Vec::new()));
                groups.len() - 1
            });
            if let Some((_, group)) = groups.get_mut(place) {
                group.push(stored);
            }
        }
        groups
    }

    /// Transactions to begin behind a head in which none can begin, a few pages further in each round. Each
    /// transaction found there is read from its first waiting event.
    async fn groups_behind(
        &mut self,
        last_of_head: i64,
    ) -> Result<Vec<(TxnId, Vec<StoredEvent>)>, StoreError> {
        let mut after = self.behind.map_or(last_of_head, |behind| behind.max(last_of_head));
        for _ in 0..PAGES_BEHIND {
            let page = self.relay.store.unpublished(after, self.relay.settings.page.max(1)).await?;
            self.behind =
                if page.len() >= self.page() { page.last().map(|event| event.sequence) } else { None };
            let mut whole = Vec::new();
            for (txn_id, _) in self.open_groups(page) {
                let events = self.relay.store.events_of(&txn_id).await?;
                whole.extend(events.into_iter().filter(StoredEvent::waits));
            }
            let groups = self.open_groups(whole);
            match self.behind {
                Some(behind) if groups.is_empty() => after = behind,
                Some(_) | None => return Ok(groups),
            }
        }
        Ok(Vec::new())
    }

    /// Waits for most of the begun chains.
    async fn wait(&mut self, begun: usize) {
        let enough = if begun >= self.page() { self.page() / 4 } else { 0 };
        let until = Instant::now() + ROUND;
        while self.under_way > enough && !self.run.is_stopped() {
            if !self.next_end(until).await {
                break;
            }
        }
    }

    /// Waits for a change. Events that cannot be published are read less often the longer reading takes.
    async fn rest(&mut self, read_took: Duration) {
        let mut pause = self.relay.settings.poll_interval;
        if self.stuck > 0 {
            pause = pause.max((4 * read_took).min(LONGEST_PAUSE));
        }
        let until = (Instant::now() + pause).min(self.run.yields_at());
        if self.next_end(until).await {
            // Chains that ended together are marked together.
            while let Some(Some(end)) = self.chains.next().now_or_never() {
                self.take(end);
            }
        }
    }

    /// Waits for the next chain to end; `false` when none did by then, or the run was stopped.
    async fn next_end(&mut self, until: Instant) -> bool {
        tokio::select! {
            biased;
            Some(end) = self.chains.next(), if !self.chains.is_empty() => {
                self.take(end);
                true
            }
            () = self.run.stopped() => false,
            () = tokio::time::sleep_until(until) => false,
        }
    }

    fn take(&mut self, end: ChainEnd) {
        let txn_id = end.txn_id;
        self.busy.remove(&txn_id);
        self.under_way -= end.size.min(self.under_way);
        let troubles = end.refused.len() + usize::from(end.failure.is_some());
        self.run.count(|tally| {
            tally.failed = tally.failed.saturating_add(u32::try_from(troubles).unwrap_or(u32::MAX));
        });
        for refused in end.refused {
            self.refused(&txn_id, refused);
        }
        if let Some(failure) = end.failure {
            metrics::counter!(FAILED, "stream" => "any", "why" => "failed").increment(1);
            if let Some(times) = self.relay.complaints.due("failed") {
                let reason = &failure.reason;
                tracing::warn!(%txn_id, reason, times, "an event could not be published and is tried again");
            }
            self.died |= failure.died;
            self.done.last_failure = Some(failure.reason);
            self.holds.hold_transaction(txn_id);
        }
    }

    /// Holds a stream or a topic back for a while, or makes an event that was refused for too long a dead
    /// letter.
    fn refused(&mut self, txn_id: &TxnId, refused: Refused) {
        let Refused { sequence, kind, stored_at, size, topic, reason } = refused;
        let (stream, settings) = (kind.as_str(), &self.relay.settings);
        metrics::counter!(FAILED, "stream" => stream, "why" => "refused").increment(1);
        let Some(topic) = topic else {
            let now = self.relay.clock.now();
            if settings.dead_letter_after.is_some_and(|after| now.since(stored_at) >= after) {
                tracing::error!(%txn_id, sequence, stream, size, reason,
                    "the brokers refuse an event for too long: it is a dead letter now");
                self.dead.push((sequence, DeadLetter { at: now, reason }));
                return;
            }
            if let Some(times) = self.relay.complaints.due("refused") {
                tracing::warn!(%txn_id, sequence, stream, size, reason, times,
                    "the brokers refuse an event, which stays in the outbox and holds back the later ones \
                     of its transaction and topic");
            }
            return self.holds.hold_stream(txn_id.clone(), kind, settings.refused_pause);
        };
        if let Some(times) = self.relay.complaints.due("topic refused") {
            tracing::warn!(%txn_id, sequence, topic, reason, times,
                "the brokers take nothing for a topic, its events stay in the outbox");
        }
        self.holds.hold_topic(topic, settings.refused_pause);
    }

    /// Begins nothing more, waits a little for the chains under way, and marks confirmed events.
    async fn end(mut self) -> Result<Drained, JobError> {
        self.sending.halted.store(true, Ordering::Relaxed);
        let long = Instant::now() + GRACE;
        let mut short = None;
        while !self.chains.is_empty() && !self.died {
            if self.run.is_stopped() {
                short.get_or_insert_with(|| Instant::now() + SHORT_GRACE);
            }
            let until = short.unwrap_or(long);
            tokio::select! {
                biased;
                Some(end) = self.chains.next() => self.take(end),
                () = self.run.stopped(), if short.is_none() => {}
                () = tokio::time::sleep_until(until) => break,
            }
        }
        self.mark().await?;
        Ok(match (self.died, self.chains.is_empty()) {
            (true, _) => Drained::ProducerDied,
            (false, true) => Drained::Clean,
            (false, false) => Drained::Unfinished,
        })
    }
}

/// The failure of a run that has published nothing at all.
pub(super) fn nothing_published(done: &Done) -> Result<(), JobError> {
    match &done.last_failure {
        Some(reason) if done.published == 0 => {
            Err(JobError::Other(BoxError::from(format!("no event could be published: {reason}"))))
        }
        Some(_) | None => Ok(()),
    }
}
