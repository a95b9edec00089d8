//! The connections to the server: a pool for changes and searches, and a few connections that are shared
//! by all small questions, many of them under way at once.
//!
//! A connection in doubt (no answer in time, a cancelled caller, a server that
//! stopped) is closed and never used again.

mod connector;
mod session;
mod statements;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use payment_store::metering;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_postgres::Row;

use self::session::Terms;
use crate::crowding::{Crowding, Lately};
use crate::failure::Failure;
use crate::options::PostgresOptions;

pub(crate) use self::connector::{Connector, Migrator, Sessions};
pub(crate) use self::session::{Session, Step, Transaction};
pub(crate) use self::statements::Values;

/// How long to wait for a connection that others give up.
const CROWDED_PAUSE: Duration = Duration::from_millis(100);
/// How long a lost prepared statement keeps the database from counting as ready.
const SHARED_FOR: Duration = Duration::from_secs(60);

/// The ways to the server.
pub(crate) struct Connections {
    pool: Pool,
    /// A permit for each connection of the pool that may be in use.
    gate: Arc<Semaphore>,
    crowding: Crowding,
    connector: Connector,
    readers: Vec<Reader>,
    next_reader: AtomicUsize,
    /// A permit for each piece of work that may wait for a connection of the pool.
    waiting: Semaphore,
    /// A permit for each small query that may be under way.
    questions: Semaphore,
    /// A permit for each search that may be under way: the other connections of the pool are for changes.
    searches: Semaphore,
    /// A permit for each long reading that may be under way.
    readings: Semaphore,
    /// The longest wait for a turn.
    acquire_timeout: Duration,
    terms: Arc<Terms>,
}

/// A connection that all small questions share while it is good.
#[derive(Default)]
struct Reader {
    client: Mutex<Option<Arc<ClientWrapper>>>,
    /// Held while one caller connects and the others wait.
    connecting: tokio::sync::Mutex<()>,
}

impl Connections {
    /// Nothing is connected yet.
    pub(crate) fn new(options: &PostgresOptions, sessions: Sessions) -> Result<Connections, Failure> {
        let settings = match sessions {
            Sessions::Own => options.settings()?.iter().map(|setting| setting.set()).collect(),
            Sessions::Shared => String::new(),
        };
        let connector = Connector::new(options, settings)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(connector.config(), connector.clone(), recycling);
        let size = options.pool_size.max(4);
        let pool = Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(options.statement_timeout))
            .create_timeout(Some(connector.limit()))
            .recycle_timeout(Some(options.answer_timeout()))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Failure::Misunderstood(error.to_string()))?;
        let queued = options.queued.clamp(1, Semaphore::MAX_PERMITS);
        let terms = Terms {
            answer_timeout: options.answer_timeout(),
            prepared_statements: options.prepared_statements,
            disk_full: AtomicBool::default(),
            sharing: Lately::within(SHARED_FOR),
        };
        Ok(Connections {
            pool,
            gate: Arc::new(Semaphore::new(size)),
            crowding: Crowding::of(size),
            connector,
            readers: std::iter::repeat_with(Reader::default).take(options.readers.max(1)).collect(),
            next_reader: AtomicUsize::new(0),
            waiting: Semaphore::new(queued),
            questions: Semaphore::new(queued),
            searches: Semaphore::new((options.pool_size / 4).clamp(1, 4)),
            readings: Semaphore::new((options.pool_size / 4).clamp(1, 2)),
            acquire_timeout: options.statement_timeout,
            terms: Arc::new(terms),
        })
    }

    /// Whether the server ran out of room, and has had none since.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.terms.disk_full.load(Ordering::Relaxed)
    }

    /// The server has room again.
    pub(crate) fn has_room(&self) {
        self.terms.disk_full.store(false, Ordering::Relaxed);
    }

    /// Whether a pooler has lost a prepared statement a short while ago.
    pub(crate) fn is_shared(&self) -> bool {
        self.terms.sharing.is_so()
    }

    /// Refuses everything from now on.
    pub(crate) fn close(&self) {
        self.pool.close();
        self.gate.close();
        self.readers.iter().for_each(Reader::forget);
    }

    /// A connection for one piece of work. Where the server lets in fewer than the pool may have, the
    /// work waits for one of those that are in.
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        let _place = self.waiting.try_acquire().map_err(|_| Failure::Overloaded)?;
        let began = Instant::now();
        let deadline = began + self.acquire_timeout;
        loop {
            self.crowding.ease(&self.gate);
            let permit = tokio::time::timeout_at(deadline, self.gate.clone().acquire_owned()).await;
            let permit = permit.map_err(|_| Failure::Overloaded)?.map_err(|_| Failure::Stopped)?;
            match self.pool.get().await.map_err(Failure::from) {
                Ok(object) => {
                    metering::connection(began.elapsed());
                    return Ok(Session::new(object, permit, self.terms.clone()));
                }
                Err(refused) if refused.is_crowding() => {
                    let connected = self.pool.status().size;
                    self.crowding.note(connected);
                    if connected > 0 {
                        self.crowding.close_one(permit);
                    } else if Instant::now() + CROWDED_PAUSE < deadline {
                        // Changes come before small questions.
                        self.readers.iter().for_each(Reader::forget);
                        tokio::time::sleep(CROWDED_PAUSE).await;
                    } else {
                        return Err(refused);
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// A database transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction, Failure> {
        Transaction::begin(self.session().await?).await
    }

    /// The rows of one statement that may be carried out twice: a query that may take a while, or a change
    /// that has no further effect.
    pub(crate) async fn repeatable(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        match self.once(sql, values).await {
            Err(failure) if failure.is_disconnection() => self.once(sql, values).await,
            answered => answered,
        }
    }

    /// The rows of a search, which may be of a long run of an index. Only a few are under way at a time, however many
    /// wait.
    pub(crate) async fn search(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let _turn = self.turn().await?;
        match self.search_once(sql, values).await {
            Err(failure) if failure.is_disconnection() => self.search_once(sql, values).await,
            answered => answered,
        }
    }

    /// The rows of a search for a few that an index finds whatever else is asked: planning it takes longer.
    pub(crate) async fn search_few(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let _turn = self.turn().await?;
        self.repeatable(sql, values).await
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let turn = tokio::time::timeout(self.acquire_timeout, self.searches.acquire()).await;
        turn.map_err(|_| Failure::Overloaded)?.map_err(|_| Failure::Stopped)
    }

    async fn search_once(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let session = self.session().await?;
        let answered = session.searched_rows(sql, values).await;
        session.give_back_after(&answered);
        answered
    }

    /// A connection for a long reading; refused while as many as the pool can spare are under way.
    pub(crate) async fn reading(&self) -> Result<(Session, SemaphorePermit<'_>), Failure> {
        let turn = self.readings.try_acquire().map_err(|_| Failure::Overloaded)?;
        Ok((self.session().await?, turn))
    }

    /// The rows of one statement, committed by itself.
    pub(crate) async fn once(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let session = self.session().await?;
        let answered = session.rows(sql, values).await;
        session.give_back_after(&answered);
        answered
    }

    /// The rows of one repeatable statement whose best plan depends on its parameters: on which conditions are
    /// set, and on a LIMIT. It is planned each time: PostgreSQL may keep the plan of a prepared statement for
    /// any parameters, and from when the tables were small.
    pub(crate) async fn planned(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        match self.planned_once(sql, values).await {
            Err(failure) if failure.is_disconnection() => self.planned_once(sql, values).await,
            answered => answered,
        }
    }

    async fn planned_once(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let session = self.session().await?;
        let answered = session.planned_rows(sql, values).await;
        session.give_back_after(&answered);
        answered
    }

    /// The rows of a small query, by a connection that answers many at a time.
    pub(crate) async fn ask(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let _question = self.questions.try_acquire().map_err(|_| Failure::Overloaded)?;
        let place = self.next_reader.fetch_add(1, Ordering::Relaxed) % self.readers.len().max(1);
        // While the server lets in no further connection, any that is connected answers.
        let reader = if self.crowding.is_on() {
            self.readers.iter().find(|reader| reader.good().is_some())
        } else {
            self.readers.get(place)
        };
        let Some(reader) = reader else { return self.repeatable(sql, values).await };
        let answered = match self.ask_reader(reader, sql, values).await {
            Err(failure) if failure.is_disconnection() => self.ask_reader(reader, sql, values).await,
            answered => answered,
        };
        match answered {
            Err(failure) if failure.is_crowding() => {
                self.crowding.note(self.pool.status().size);
                self.repeatable(sql, values).await
            }
            answered => answered,
        }
    }

    async fn ask_reader(&self, reader: &Reader, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let client = self.connected(reader).await?;
        let answered = self.terms.rows(&client, sql, values).await;
        if answered.as_ref().is_err_and(Failure::spoils_connection) {
            reader.forget_this(&client);
        }
        answered
    }

    async fn connected(&self, reader: &Reader) -> Result<Arc<ClientWrapper>, Failure> {
        if let Some(client) = reader.good() {
            return Ok(client);
        }
        let _turn = tokio::time::timeout(self.connector.limit(), reader.connecting.lock())
            .await
            .map_err(|_| Failure::NoAnswer)?;
        if let Some(client) = reader.good() {
            return Ok(client);
        }
        if self.pool.is_closed() {
            return Err(Failure::Stopped);
        }
        let client = Arc::new(self.connector.open().await?);
        *reader.lock() = Some(client.clone());
        Ok(client)
    }
}

impl Reader {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<ClientWrapper>>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn good(&self) -> Option<Arc<ClientWrapper>> {
        self.lock().clone().filter(|client| !client.is_closed())
    }

    fn forget(&self) {
        *self.lock() = None;
    }

    fn forget_this(&self, client: &Arc<ClientWrapper>) {
        self.lock().take_if(|known| Arc::ptr_eq(known, client));
    }
}
