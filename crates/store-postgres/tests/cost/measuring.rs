//! The rows that PostgreSQL reads, by its own count.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use payment_store_postgres::{PostgresOptions, PostgresStore};
use tokio_postgres::Client;

use crate::fill;
use crate::question::Question;
use crate::support::{Database, number};

/// Questions that are asked by one store: most have no excess, also together.
const TOGETHER: usize = 8;

/// How prepared statements are planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plans {
    /// For the parameters: as at first.
    Custom,
    /// For any parameters: as PostgreSQL may decide after a while.
    Generic,
}

/// By table, the rows of tables read whole and the entries of indexes.
pub(crate) type Reads = BTreeMap<String, (i64, i64)>;

/// A database that questions are asked of.
pub(crate) struct Asked {
    database: Database,
    pub(crate) client: Client,
    rounds: i64,
}

impl Asked {
    /// One with empty tables.
    pub(crate) async fn create() -> Asked {
        Asked::of(Database::create().await).await
    }

    /// The same, of this database.
    pub(crate) async fn of(database: Database) -> Asked {
        let client = database.client().await;
        database.open().await.close().await;
        client.batch_execute(fill::NO_AUTOVACUUM).await.unwrap();
        Asked { database, client, rounds: 0 }
    }

    /// One with tables of this size.
    pub(crate) async fn filled(every: i64) -> Asked {
        let asked = Asked::create().await;
        asked.fill(every).await;
        asked
    }

    pub(crate) async fn fill(&self, every: i64) {
        self.client.batch_execute(&fill::numbers(every)).await.unwrap();
        for part in fill::PARTS {
            self.client.batch_execute(part).await.unwrap();
        }
    }

    pub(crate) async fn analyse(&self) {
        self.client.batch_execute("ANALYZE").await.unwrap();
    }

    /// How connections plan from now on.
    pub(crate) async fn plan(&self, plans: Plans) {
        let mode = if plans == Plans::Generic { "force_generic_plan" } else { "auto" };
        let name = self.database.options().database;
        self.client
            .batch_execute(&format!("ALTER DATABASE {name} SET plan_cache_mode = {mode}"))
            .await
            .unwrap();
    }

    pub(crate) async fn store(&self) -> Arc<PostgresStore> {
        let options = PostgresOptions { pool_size: 4, readers: 1, ..self.database.options() };
        Arc::new(PostgresStore::connect(options).await.unwrap())
    }

    /// Questions that change rows differ by their round.
    pub(crate) fn next_round(&mut self) -> i64 {
        self.rounds += 1;
        self.rounds - 1
    }

    /// The questions that read more rows of a table than the limit, each by connections of its own.
    pub(crate) async fn offences(
        &mut self,
        questions: fn(i64) -> Vec<Question>,
        plans: Plans,
        limit: i64,
    ) -> Vec<String> {
        self.plan(plans).await;
        until_alone(&self.client).await;
        let round = self.next_round();
        let is_asked = |question: &Question| plans == Plans::Custom || !question.is_planned_each_time;
        let mut all = questions(round);
        all.retain(is_asked);
        let mut suspects = Vec::new();
        for together in all.chunks(TOGETHER) {
            if !self.excess_of(together, limit).await.is_empty() {
                suspects.extend(together.iter().map(|question| question.name));
            }
        }
        if suspects.is_empty() {
            return Vec::new();
        }
        let mut again = questions(self.next_round());
        again.retain(|question| is_asked(question) && suspects.contains(&question.name));
        let mut offences = Vec::new();
        for question in &again {
            let excess = self.excess_of(std::slice::from_ref(question), limit).await;
            offences
                .extend(excess.into_iter().map(|excess| format!("{}, {plans:?}: {excess}", question.name)));
        }
        offences
    }

    async fn excess_of(&self, questions: &[Question], limit: i64) -> Vec<String> {
        let store = self.store().await;
        let before = read_so_far(&self.client).await;
        let mut found = Vec::new();
        for question in questions {
            let answered = AssertUnwindSafe(question.ask(store.clone())).catch_unwind().await;
            found.extend(answered.err().map(|_| "it has another answer, see above".to_owned()));
        }
        Arc::into_inner(store).unwrap().close().await;
        found.extend(excess(&self.client, &before, limit).await);
        found
    }
}

/// The rows read so far.
pub(crate) async fn read_so_far(client: &Client) -> Reads {
    let sql = "
        SELECT t.relname::text, t.seq_tup_read::bigint, coalesce(sum(i.idx_tup_read), 0)::bigint
        FROM pg_stat_user_tables AS t LEFT JOIN pg_stat_user_indexes AS i USING (relid)
        GROUP BY t.relname, t.seq_tup_read";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
}

/// A backend has reported its reads when it ends, at the latest.
async fn until_alone(client: &Client) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let others = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while number(client, others).await > 0 {
        assert!(Instant::now() < deadline, "the connections of the store stay open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The rows read since then of each table, in rows and entries of indexes, where they exceed the limit.
pub(crate) async fn excess(client: &Client, before: &Reads, limit: i64) -> Vec<String> {
    until_alone(client).await;
    let mut excess = Vec::new();
    for (table, (scanned, entries)) in read_so_far(client).await {
        let (scanned_before, entries_before) = before.get(&table).copied().unwrap_or_default();
        let (scanned, entries) = (scanned - scanned_before, entries - entries_before);
        if scanned + entries > limit {
            excess.push(format!("{scanned} rows scanned, {entries} entries read of {table}"));
        }
    }
    excess
}
