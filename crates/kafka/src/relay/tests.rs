//! Draining a real outbox to brokers that do what a test tells them.

use std::collections::{BTreeMap, HashSet};

use payment_domain::{EventKind, SystemClock, TenantId, Timestamp, TxnId};
use payment_store::contract::sample::at;
use payment_store::{BegunRun, Tally, TickAnswer, TickRequest};
use payment_store_sqlite::SqliteStore;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::*;

type Answers = Box<dyn Fn(&Event) -> Answer + Send + Sync>;

enum Answer {
    Taken,
    TakenAfter(Arc<Notify>),
    Never,
    Error(SendError),
    /// The batch is refused for the sake of another event.
    TakenAlone,
}

/// Brokers that write down what they took.
#[derive(Default)]
struct FakePublisher {
    answers: Mutex<Option<Answers>>,
    taken: Mutex<Vec<(String, String)>>,
    under_way: Mutex<HashSet<(TxnId, String)>>,
}

#[async_trait]
impl EventPublisher for FakePublisher {
    async fn send(&self, topic: &str, event: &Event) -> Result<(), SendError> {
        self.take(topic, event, false).await
    }

    async fn send_alone(&self, topic: &str, event: &Event) -> Result<(), SendError> {
        self.take(topic, event, true).await
    }
}

impl FakePublisher {
    async fn take(&self, topic: &str, event: &Event, is_alone: bool) -> Result<(), SendError> {
        let place = (event.txn_id.clone(), topic.to_owned());
        assert!(self.under_way.lock().unwrap().insert(place.clone()), "two at once for {place:?}");
        let answer = self.answers.lock().unwrap().as_ref().map_or(Answer::Taken, |answers| answers(event));
        match &answer {
            Answer::TakenAfter(moment) => moment.notified().await,
            Answer::Taken | Answer::Never | Answer::Error(_) | Answer::TakenAlone => {
                tokio::task::yield_now().await;
            }
        }
        let result = match answer {
            Answer::Never => std::future::pending().await,
            Answer::Error(error) => Err(error),
            Answer::TakenAlone if !is_alone => Err(SendError::EventRefused("batch too large".to_owned())),
            Answer::Taken | Answer::TakenAfter(_) | Answer::TakenAlone => {
                self.taken.lock().unwrap().push((event.txn_id.to_string(), event.body.clone()));
                Ok(())
            }
        };
        self.under_way.lock().unwrap().remove(&place);
        result
    }

    fn answers(&self, answers: impl Fn(&Event) -> Answer + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Some(Box::new(answers));
    }

    /// The events that were taken of a transaction, in order.
    fn of(&self, id: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(txn, _)| txn == id).map(|(_, body)| body.clone()).collect()
    }
}

struct World {
    relay: Arc<Relay>,
    broker: Arc<FakePublisher>,
    stop: CancellationToken,
    stored: Mutex<u32>,
    folder: tempfile::TempDir,
}

fn world(page: u32) -> World {
    world_with(page, |_| ())
}

fn world_with(page: u32, adjust: impl FnOnce(&mut RelaySettings)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("payments.db"), &Default::default()).unwrap();
    let mut settings = RelaySettings {
        page,
        poll_interval: Duration::from_millis(5),
        refused_pause: Duration::from_secs(60),
        ..RelaySettings::default()
    };
    adjust(&mut settings);
    let relay = Relay {
        store: Arc::new(store),
        clock: Arc::new(SystemClock),
        settings,
        complaints: Complaints::default(),
    };
    World {
        relay: Arc::new(relay),
        broker: Arc::default(),
        stop: CancellationToken::new(),
        stored: Mutex::new(0),
        folder,
    }
}

impl World {
    async fn store(&self, id: &str, kind: EventKind, body: &str) {
        self.store_at(id, kind, body, at(0)).await;
    }

    async fn store_at(&self, id: &str, kind: EventKind, body: &str, at: Timestamp) {
        let key = {
            let mut stored = self.stored.lock().unwrap();
            *stored += 1;
            format!("event/{stored}")
        };
        let event = Event {
            kind,
            txn_id: TxnId::new(id).unwrap(),
            tenant_id: TenantId::new("pb").unwrap(),
            body: body.to_owned(),
            trace: None,
        };
        assert!(self.relay.store.store_event_once(&key, event, at).await.unwrap());
    }

    async fn begin(&self, node: &str) -> BegunRun {
        // The lease of the run before is over.
        let before = self.relay.store.runs(Some("outbox"), 1).await.unwrap();
        let request = TickRequest {
            job: "outbox".to_owned(),
            scheduled_at: at(0),
            missed: 0,
            node: node.to_owned(),
            lease: Duration::ZERO,
            not_renewed: before.first().map(|run| run.lease_until),
            newest_known: None,
        };
        match self.relay.store.begin_run(request).await.unwrap() {
            TickAnswer::Begun(begun) => begun,
            other @ (TickAnswer::Busy { .. } | TickAnswer::Done | TickAnswer::Overtaken) => {
                panic!("{other:?}")
            }
        }
    }

    /// Drains in the background, for a minute or until it is stopped.
    async fn drain(&self) -> tokio::task::JoinHandle<(Result<Drained, JobError>, Done, Tally)> {
        let begun = self.begin("a").await;
        self.drain_as(begun)
    }

    fn drain_as(&self, begun: BegunRun) -> tokio::task::JoinHandle<(Result<Drained, JobError>, Done, Tally)> {
        let yields_at = Instant::now() + Duration::from_secs(60);
        let run = Run::new(begun, self.stop.clone(), yields_at);
        let (relay, broker) = (self.relay.clone(), self.broker.clone());
        tokio::spawn(async move {
            let mut done = Done::default();
            let drained = relay.drain(&run, broker.as_ref(), &mut done).await;
            (drained, done, run.tally())
        })
    }

    /// Waits until so many events wait.
    async fn waiting(&self, count: usize) -> Vec<String> {
        for _ in 0..1000 {
            let waiting = self.relay.store.unpublished(0, 10_000).await.unwrap();
            if waiting.len() == count {
                return waiting.into_iter().map(|stored| stored.event.body).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} wait", self.relay.store.unpublished(0, 10_000).await.unwrap().len());
    }
}

const UPDATE: EventKind = EventKind::UpdateTransaction;
const DUMP: EventKind = EventKind::UpdateDump;

#[tokio::test]
async fn every_event_is_published_once_in_the_order_of_its_transaction() {
    let world = world(7);
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let running = world.drain().await;
    for step in 0..20 {
        for txn in 0..15 {
            let (id, body) = (format!("T{txn}"), format!("{step}"));
            world.store(&id, if step % 2 == 0 { UPDATE } else { DUMP }, &body).await;
            expected.entry(id).or_default().push(body);
        }
    }
    world.waiting(0).await;
    world.stop.cancel();
    let (drained, done, tally) = running.await.unwrap();
    assert_eq!(drained.unwrap(), Drained::Clean);
    assert_eq!((done.published, tally.changed, tally.failed), (300, 300, 0));
    for (id, bodies) in expected {
        assert_eq!(world.broker.of(&id), bodies);
    }
}

#[tokio::test]
async fn an_event_that_comes_to_light_behind_later_ones_is_not_passed_over() {
    let world = world(100);
    let database = rusqlite::Connection::open(world.folder.path().join("payments.db")).unwrap();
    // As when several connections write: its number was given out before, its commit came after.
    let commit = |sequence: i64, id: &str| {
        let insert = "INSERT INTO eg_pg_outbox (sequence, kind, txn_id, tenant_id, body, stored_at)
                      VALUES (?1, 'update-pg-txns', ?2, 'pb', 'body', 1)";
        database.execute(insert, (sequence, id)).unwrap();
    };
    let running = world.drain().await;
    for (sequence, id) in [(500, "A"), (20, "B"), (510, "A"), (10, "C")] {
        commit(sequence, id);
        world.waiting(0).await;
    }
    world.stop.cancel();
    assert_eq!(running.await.unwrap().1.published, 4);
}

#[tokio::test]
async fn a_failure_keeps_its_transaction_back_and_no_other() {
    let world = world(100);
    let fails = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let failed = fails.clone();
    world.broker.answers(move |event| {
        if event.body == "a0" && failed.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
            return Answer::Error(SendError::Failed("timed out".to_owned()));
        }
        Answer::Taken
    });
    for (id, kind, body) in [
        ("A", UPDATE, "a0"),
        ("A", DUMP, "a1"),
        ("B", UPDATE, "b0"),
        ("A", UPDATE, "a2"),
        ("B", UPDATE, "b1"),
    ] {
        world.store(id, kind, body).await;
    }
    let running = world.drain().await;
    assert_eq!(world.waiting(3).await, ["a0", "a1", "a2"]);
    assert_eq!(world.broker.of("A"), Vec::<String>::new(), "nothing overtakes what failed");
    world.waiting(0).await;
    world.stop.cancel();
    let (_, done, tally) = running.await.unwrap();
    assert_eq!(world.broker.of("A"), ["a0", "a1", "a2"]);
    assert_eq!(world.broker.of("B"), ["b0", "b1"]);
    assert_eq!((tally.failed, done.published), (2, 5));
}

#[tokio::test]
async fn what_the_brokers_refuse_stays_and_lets_all_others_pass() {
    let world = world(100);
    world.broker.answers(|event| match event.body.as_str() {
        "large" => Answer::Error(SendError::EventRefused("too large".to_owned())),
        _ => Answer::Taken,
    });
    for (id, kind, body) in [
        ("A", DUMP, "large"),
        ("A", UPDATE, "paid"),
        ("A", DUMP, "later"),
        ("B", DUMP, "b0"),
        ("A", UPDATE, "receipt"),
    ] {
        world.store(id, kind, body).await;
    }
    let running = world.drain().await;
    assert_eq!(world.waiting(2).await, ["large", "later"], "nothing of the same stream overtakes it");
    world.store("B", DUMP, "b1").await;
    world.waiting(2).await;
    world.stop.cancel();
    let (drained, done, tally) = running.await.unwrap();
    assert_eq!(drained.unwrap(), Drained::Clean);
    assert_eq!(world.broker.of("A"), ["paid", "receipt"]);
    assert_eq!(world.broker.of("B"), ["b0", "b1"]);
    assert_eq!(tally.failed, 1, "it is left alone for a while");
    assert!(nothing_published(&done).is_ok());
}

#[tokio::test]
async fn what_is_refused_for_anothers_sake_is_sent_alone_at_once_and_in_order() {
    let world = world(100);
    world.broker.answers(|event| match event.body.as_str() {
        "large" => Answer::Error(SendError::EventRefused("too large".to_owned())),
        _ => Answer::TakenAlone,
    });
    world.store("A", UPDATE, "large").await;
    for step in 0..3 {
        for txn in 0..20 {
            world.store(&format!("T{txn}"), UPDATE, &format!("{step}")).await;
        }
    }
    let running = world.drain().await;
    assert_eq!(world.waiting(1).await, ["large"]);
    world.stop.cancel();
    let (drained, done, tally) = running.await.unwrap();
    assert_eq!(drained.unwrap(), Drained::Clean);
    assert_eq!((done.published, tally.failed), (60, 1), "nothing but the large one counts as refused");
    for txn in 0..20 {
        assert_eq!(world.broker.of(&format!("T{txn}")), ["0", "1", "2"]);
    }
}

#[tokio::test]
async fn what_is_refused_for_too_long_becomes_a_dead_letter_that_holds_nothing_back() {
    let world = world_with(100, |settings| settings.dead_letter_after = Some(Duration::from_secs(3600)));
    world.broker.answers(|event| match event.body.as_str() {
        "large" => Answer::Error(SendError::EventRefused("too large".to_owned())),
        "nowhere" => Answer::Error(SendError::TopicRefused("no such topic".to_owned())),
        _ => Answer::Taken,
    });
    let now = SystemClock.now();
    for (id, kind, body, age_secs) in [
        ("OLD", UPDATE, "large", 7200),
        ("OLD", UPDATE, "paid", 7100),
        ("YOUNG", UPDATE, "large", 60),
        ("YOUNG", UPDATE, "behind", 0),
        ("NOWHERE", DUMP, "nowhere", 7200),
    ] {
        world.store_at(id, kind, body, now.minus(Duration::from_secs(age_secs))).await;
    }
    let running = world.drain().await;
    assert_eq!(
        world.waiting(3).await,
        ["large", "behind", "nowhere"],
        "a topic that is missing is no reason"
    );
    world.stop.cancel();
    running.await.unwrap().0.unwrap();
    assert_eq!(world.broker.of("OLD"), ["paid"]);
    let events = world.relay.store.events_after(0, 10).await.unwrap();
    let dead: Vec<_> =
        events.iter().filter_map(|stored| Some((stored.sequence, stored.dead_letter.as_ref()?))).collect();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].0, dead[0].1.reason.as_str()), (events[0].sequence, "too large"));
    // The reason is gone, and an operator revives the event.
    world.broker.answers(|_| Answer::Taken);
    assert!(world.relay.store.revive(events[0].sequence, Vec::new()).await.unwrap());
    let stop = CancellationToken::new();
    let world = World { stop: stop.clone(), ..world };
    let running = world.drain_as(world.begin("b").await);
    world.waiting(0).await;
    stop.cancel();
    running.await.unwrap().0.unwrap();
    assert_eq!(world.broker.of("OLD"), ["paid", "large"]);
}

#[tokio::test]
async fn a_beginning_full_of_refused_events_hides_nothing_behind_it() {
    let world = world(3);
    world.broker.answers(|event| {
        let refused = || Answer::Error(SendError::TopicRefused("no such topic".to_owned()));
        if event.kind == DUMP { refused() } else { Answer::Taken }
    });
    for txn in 0..100 {
        world.store(&format!("T{txn}"), DUMP, "dump").await;
    }
    let running = world.drain().await;
    for step in 0..5 {
        for txn in 90..110 {
            world.store(&format!("T{txn}"), UPDATE, &format!("{step}")).await;
        }
    }
    let waiting = world.waiting(100).await;
    assert!(waiting.iter().all(|body| body == "dump"), "none is lost");
    world.stop.cancel();
    running.await.unwrap().0.unwrap();
    for txn in 90..110 {
        assert_eq!(world.broker.of(&format!("T{txn}")), ["0", "1", "2", "3", "4"]);
    }
}

#[tokio::test]
async fn an_event_that_hangs_holds_up_no_other_transaction() {
    let world = world(4);
    world.broker.answers(|event| if event.body == "hangs" { Answer::Never } else { Answer::Taken });
    for txn in 0..6 {
        world.store(&format!("H{txn}"), UPDATE, "hangs").await;
        world.store(&format!("H{txn}"), UPDATE, "behind").await;
    }
    for step in 0..50 {
        world.store("T", UPDATE, &format!("{step}")).await;
    }
    let running = world.drain().await;
    world.waiting(12).await;
    world.store("U", UPDATE, "0").await;
    world.waiting(12).await;
    world.stop.cancel();
    let (drained, _, _) = running.await.unwrap();
    assert_eq!(drained.unwrap(), Drained::Unfinished, "the producer must give it up");
    assert_eq!(world.broker.of("T").len(), 50);
}

#[tokio::test]
async fn a_run_that_is_over_publishes_nothing_more() {
    let world = world(100);
    let old = world.begin("a").await;
    let new = world.begin("b").await;
    world.store("A", UPDATE, "a0").await;
    let (drained, _, _) = world.drain_as(old).await.unwrap();
    assert!(matches!(drained, Err(JobError::Fenced)));
    assert_eq!(world.broker.of("A"), Vec::<String>::new());
    let running = world.drain_as(new);
    world.waiting(0).await;
    world.stop.cancel();
    running.await.unwrap().0.unwrap();
    assert_eq!(world.broker.of("A"), ["a0"]);
}

#[tokio::test]
async fn what_is_confirmed_after_another_has_taken_over_is_left_to_that_one() {
    let world = world(100);
    let old = world.begin("a").await;
    let moment = Arc::new(Notify::new());
    let confirmed = moment.clone();
    world.broker.answers(move |_| Answer::TakenAfter(confirmed.clone()));
    world.store("A", UPDATE, "a0").await;
    world.store("A", UPDATE, "a1").await;
    let running = world.drain_as(old);
    while world.broker.under_way.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let _new = world.begin("b").await;
    moment.notify_one();
    // The second is under way by now; what it comes to is of no interest.
    moment.notify_one();
    let (drained, done, _) = running.await.unwrap();
    assert!(matches!(drained, Err(JobError::Fenced)));
    assert_eq!(done.published, 0);
    assert_eq!(world.waiting(2).await, ["a0", "a1"]);
}

#[tokio::test]
async fn a_stopped_run_sends_nothing_more_and_notes_what_was_confirmed() {
    let world = world(100);
    let moment = Arc::new(Notify::new());
    let confirmed = moment.clone();
    world.broker.answers(move |_| Answer::TakenAfter(confirmed.clone()));
    world.store("A", UPDATE, "a0").await;
    world.store("A", UPDATE, "a1").await;
    let running = world.drain().await;
    while world.broker.under_way.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    world.stop.cancel();
    moment.notify_one();
    let (drained, done, _) = running.await.unwrap();
    assert_eq!(drained.unwrap(), Drained::Clean);
    assert_eq!((world.broker.of("A"), done.published), (vec!["a0".to_owned()], 1));
    assert_eq!(world.waiting(1).await, ["a1"]);
}

#[tokio::test]
async fn brokers_that_take_nothing_make_the_run_a_failure() {
    let world = world(100);
    let asked = Arc::new(Notify::new());
    let first = asked.clone();
    world.broker.answers(move |_| {
        first.notify_one();
        Answer::Error(SendError::Failed("no brokers".to_owned()))
    });
    world.store("A", UPDATE, "a0").await;
    let running = world.drain().await;
    asked.notified().await;
    world.broker.answers(|_| Answer::Error(SendError::ProducerDied("out of order".to_owned())));
    let (drained, done, _) = running.await.unwrap();
    assert_eq!(drained.unwrap(), Drained::ProducerDied);
    let error = nothing_published(&done).unwrap_err();
    assert_eq!(error.to_string(), "no event could be published: out of order");
    assert_eq!(world.waiting(1).await, ["a0"]);
}
