//! Kills, suspends and cuts off the owner of the tick, at random moments.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio_postgres::Client;

use crate::journal::{self, AtWork};
use crate::random::Random;
use crate::replicas::{LEASE, Replicas};
use crate::support::PATIENCE;

/// A disturbance of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disturbance {
    /// `kill -9`; it is started again later.
    Kill,
    /// SIGSTOP, and SIGCONT later.
    Stop,
    /// Its connections to the database break, and no new ones are to be had for a while.
    Cut,
    /// No byte moves between it and the database for a while; then all that was under way arrives.
    Silence,
    /// Its requests reach the database, the answers do not arrive; then its connections break.
    Deafness,
    /// It is asked to leave (SIGTERM), and started again.
    Leave,
}

/// A disturbance that was made.
#[derive(Debug, Clone)]
pub(crate) struct Disturbed {
    pub(crate) disturbance: Disturbance,
    /// The run that was at work on it.
    pub(crate) run_id: i64,
    /// In milliseconds since 1970.
    pub(crate) at_ms: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Chaos {
    pub(crate) disturbances: Vec<Disturbed>,
}

/// A replica that has not recovered yet.
struct Down {
    place: usize,
    disturbance: Disturbance,
    until: Instant,
}

/// About how long a run takes.
const RUN_MS: u64 = 400;

impl Chaos {
    /// Disturbs until that many ticks are finished, then lets all replicas recover.
    pub(crate) async fn until(
        ticks: u64,
        replicas: &mut Replicas,
        client: &Client,
        random: &mut Random,
    ) -> Chaos {
        let mut chaos = Chaos::default();
        let mut down: Vec<Down> = Vec::new();
        let mut next = Instant::now() + Duration::from_secs(2);
        let (mut finished, mut progress) = (0, Instant::now());
        while finished < ticks {
            let count = journal::finished(client).await;
            if count > finished {
                (finished, progress) = (count, Instant::now());
            }
            assert!(progress.elapsed() < PATIENCE, "no tick is finished any more, after {finished}");
            let now = Instant::now();
            while let Some(place) = down.iter().position(|one| one.until <= now) {
                recover(&down.swap_remove(place), replicas).await;
            }
            // One of the three is always well.
            if now >= next
                && down.len() < 2
                && let Some(disturbed) = disturb(replicas, client, random, &mut down).await
            {
                chaos.disturbances.push(disturbed);
                next = Instant::now() + Duration::from_millis(500 + random.below(4000));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for one in &down {
            recover(one, replicas).await;
        }
        chaos
    }
}

/// Waits for a run, and a random moment longer; then disturbs its owner, if that is undisturbed.
async fn disturb(
    replicas: &mut Replicas,
    client: &Client,
    random: &mut Random,
    down: &mut Vec<Down>,
) -> Option<Disturbed> {
    journal::at_work(client).await?;
    tokio::time::sleep(Duration::from_millis(random.below(RUN_MS))).await;
    let AtWork { run_id, node } = journal::at_work(client).await?;
    let place = replicas.place(&node);
    if down.iter().any(|one| one.place == place) {
        return None;
    }
    let disturbance = match random.below(100) {
        0..25 => Disturbance::Kill,
        25..50 => Disturbance::Stop,
        50..65 => Disturbance::Cut,
        65..80 => Disturbance::Silence,
        80..92 => Disturbance::Deafness,
        _ => Disturbance::Leave,
    };
    let replica = replicas.at(place);
    let at_ms = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    match disturbance {
        Disturbance::Kill => replica.service().kill(),
        Disturbance::Stop => replica.service().signal("STOP"),
        Disturbance::Cut => replica.proxy.cut(),
        Disturbance::Silence => replica.proxy.blackhole(),
        Disturbance::Deafness => replica.proxy.hold_answers(),
        Disturbance::Leave => replica.service().signal("TERM"),
    }
    // Mostly for longer than the lease, and sometimes not.
    let lease_ms = u64::try_from(LEASE.as_millis()).unwrap();
    let held_ms = if random.percent(20) { random.below(lease_ms) } else { lease_ms + random.below(2500) };
    down.push(Down { place, disturbance, until: Instant::now() + Duration::from_millis(held_ms) });
    Some(Disturbed { disturbance, run_id, at_ms })
}

async fn recover(down: &Down, replicas: &mut Replicas) {
    let replica = replicas.at(down.place);
    match down.disturbance {
        Disturbance::Kill => replicas.launch(down.place),
        Disturbance::Stop => replica.service().signal("CONT"),
        Disturbance::Cut | Disturbance::Silence => replica.proxy.mend(),
        Disturbance::Deafness => {
            replica.proxy.cut();
            replica.proxy.mend();
        }
        Disturbance::Leave => {
            let status = replica.service().ended().await;
            assert!(status.success(), "it leaves in order: {status}\n{}", replica.service().log());
            replicas.launch(down.place);
        }
    }
}
