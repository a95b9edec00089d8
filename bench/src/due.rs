//! The time in which the store finds payments that are due for a check.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use payment_domain::Timestamp;
use payment_store::{CheckCursor, Checks, DueChecks, Turn};
use payment_store_postgres::{PostgresOptions, PostgresStore};

use crate::database::Database;
use crate::report::{millis, ratio};

/// The page size of the jobs.
const PAGE: u32 = 256;
const ROUNDS: usize = 10;

/// The time per page, for each query of the jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DueTimes {
    first: PageTimes,
    next: PageTimes,
    every: PageTimes,
}

#[derive(Debug, Clone, Copy)]
struct PageTimes {
    median: Duration,
    longest: Duration,
}

/// Reads all pages of each query; `expected` is the number of first checks due.
pub(crate) async fn measure(database: &Database, expected: usize) -> Result<DueTimes> {
    let (options, _) = PostgresOptions::from_jdbc_url(database.url(), None, None)?;
    let store = PostgresStore::connect(options).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Timestamp::from_millis(i64::try_from(now.as_millis())?);
    let first = pages(&store, Turn::First { created_by: now }, expected).await?;
    let next = pages(&store, Turn::Next { due_by: now }, 0).await?;
    let every = Turn::Every { created_before: now, not_checked_since: now, now };
    let every = pages(&store, every, expected).await?;
    store.close().await;
    Ok(DueTimes { first, next, every })
}

async fn pages(store: &PostgresStore, turn: Turn, expected: usize) -> Result<PageTimes> {
    let mut times = Vec::new();
    // The first query on a connection includes planning.
    store.due_checks(&DueChecks { turn, gateway: None, after: None, limit: PAGE }).await?;
    for _ in 0..ROUNDS {
        let mut after: Option<CheckCursor> = None;
        let mut found = 0;
        loop {
            let due = DueChecks { turn, gateway: None, after, limit: PAGE };
            let asked = Instant::now();
            let page = store.due_checks(&due).await?;
            times.push(asked.elapsed());
            found += page.len();
            let Some(last) = page.last() else { break };
            after = Some(last.place.clone());
        }
        ensure!(found == expected, "{found} payments are due, and not {expected}");
    }
    times.sort();
    Ok(PageTimes {
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
        longest: times.last().copied().unwrap_or_default(),
    })
}

impl DueTimes {
    /// The median of each query, and the longest time.
    pub(crate) fn for_people(&self) -> String {
        let longest = [self.first, self.next, self.every].map(|times| times.longest).into_iter().max();
        format!(
            "{:.2}, {:.2}, {:.2} ms; longest {:.2} ms",
            millis(self.first.median),
            millis(self.next.median),
            millis(self.every.median),
            millis(longest.unwrap_or_default())
        )
    }

    /// The growth factor of the slowest query.
    pub(crate) fn growth_since(&self, before: &DueTimes) -> f64 {
        let growth = |now: PageTimes, before: PageTimes| ratio(millis(now.median), millis(before.median));
        growth(self.first, before.first)
            .max(growth(self.next, before.next))
            .max(growth(self.every, before.every))
    }
}
