//! The connections to the server: a pool for changes and searches, and a few connections on which
//! many small questions are under way at the same time.
//!
//! A connection about which anything is in doubt (no answer in time, a caller that went away in the
//! middle, a server that stopped) is closed and never used again.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, ConfigConnectImpl, Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row, Statement};

use crate::crowding::{Crowding, Lately};
use crate::failure::Failure;
use crate::options::{PostgresOptions, Reach, SslMode};
use crate::{surroundings, tls};

/// How long to wait for a connection that others give up.
const CROWDED_PAUSE: Duration = Duration::from_millis(100);
/// How long a session that is shared with others keeps the database from counting as well.
const SHARED_FOR: Duration = Duration::from_secs(60);

/// The values of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The ways to the server.
pub(crate) struct Connections {
    pool: Pool,
    /// One for each connection of the pool that may be in use.
    gate: Arc<Semaphore>,
    crowding: Crowding,
    connector: Connector,
    readers: Vec<Reader>,
    next_reader: AtomicUsize,
    /// One for each piece of work that may wait for a connection of the pool.
    waiting: Semaphore,
    /// One for each small question that may be under way.
    questions: Semaphore,
    /// One for each search that may be under way: the other connections of the pool are for changes.
    searches: Semaphore,
    /// How long work waits for its turn.
    patience: Duration,
    answer_timeout: Duration,
    /// Whether the server had no room left when something was last written that needs some.
    disk_full: Arc<AtomicBool>,
    /// That a session was found to be shared with others.
    sharing: Arc<Lately>,
}

/// A connection that is shared by all who read, while it is good.
#[derive(Default)]
struct Reader {
    client: Mutex<Option<Arc<ClientWrapper>>>,
    /// Held by the one who connects, while the others wait for it.
    connecting: tokio::sync::Mutex<()>,
}

impl Connections {
    /// Nothing is connected yet.
    pub(crate) fn new(options: &PostgresOptions) -> Result<Connections, Failure> {
        let Reach { config, settings } = options.serving()?;
        let connector = Connector::new(config.clone(), settings.clone(), options)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(config, Beginning::new(settings, options)?, recycling);
        let size = options.pool_size.max(4);
        let pool = Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(options.statement_timeout))
            .create_timeout(Some(connector.limit))
            .recycle_timeout(Some(options.answer_timeout()))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Failure::Misunderstood(error.to_string()))?;
        let queued = options.queued.clamp(1, Semaphore::MAX_PERMITS);
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
            patience: options.statement_timeout,
            answer_timeout: options.answer_timeout(),
            disk_full: Arc::default(),
            sharing: Arc::new(Lately::within(SHARED_FOR)),
        })
    }

    /// Whether the server was out of room, and nobody has found any since.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.disk_full.load(Ordering::Relaxed)
    }

    /// The server has room again.
    pub(crate) fn has_room(&self) {
        self.disk_full.store(false, Ordering::Relaxed);
    }

    /// Refuses everything from now on.
    pub(crate) fn close(&self) {
        self.pool.close();
        self.gate.close();
        for reader in &self.readers {
            reader.forget();
        }
    }

    /// A connection for one piece of work. Where the server lets in fewer than the pool may have, the
    /// work waits for one of those that are in.
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        let _place = self.waiting.try_acquire().map_err(|_| Failure::Overloaded)?;
        let deadline = Instant::now() + self.patience;
        loop {
            self.crowding.ease(&self.gate);
            let permit = tokio::time::timeout_at(deadline, self.gate.clone().acquire_owned()).await;
            let permit = permit.map_err(|_| Failure::Overloaded)?.map_err(|_| Failure::Stopped)?;
            match self.pool.get().await.map_err(Failure::from) {
                Ok(object) => {
                    return Ok(Session {
                        object: Some(object),
                        _permit: permit,
                        sharing: self.sharing.clone(),
                        answer_timeout: self.answer_timeout,
                        in_doubt: true,
                        disk_full: self.disk_full.clone(),
                    });
                }
                Err(refused) if refused.is_crowding() => {
                    let connected = self.pool.status().size;
                    self.crowding.note(connected);
                    if connected > 0 {
                        self.crowding.close_one(permit);
                    } else if Instant::now() + CROWDED_PAUSE < deadline {
                        // The small questions have what there is: changes come first.
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

    /// Whether a session was found to be shared with others a short while ago.
    pub(crate) fn is_shared(&self) -> bool {
        self.sharing.is_so()
    }

    /// A database transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction, Failure> {
        let session = self.session().await?;
        session.rows(BEGIN, &[]).await?;
        Ok(Transaction { session })
    }

    /// What comes of one statement that does no harm when it is carried out twice: a question that
    /// may take a while, a change that finds itself done.
    pub(crate) async fn repeatable(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        match self.once(sql, values).await {
            Err(failure) if failure.is_disconnection() => self.once(sql, values).await,
            answered => answered,
        }
    }

    /// What a search yields. Only a few are under way at a time, however many are asked for.
    pub(crate) async fn search(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let turn = tokio::time::timeout(self.patience, self.searches.acquire()).await;
        let _turn = turn.map_err(|_| Failure::Overloaded)?.map_err(|_| Failure::Stopped)?;
        self.repeatable(sql, values).await
    }

    /// What comes of one statement that changes something, committed by itself.
    pub(crate) async fn once(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let session = self.session().await?;
        let answered = session.rows(sql, values).await;
        match &answered {
            Err(failure) if failure.spoils_connection() => {}
            Ok(_) | Err(_) => session.give_back(),
        }
        answered
    }

    /// The answer to a small question, by a connection that answers many at a time.
    pub(crate) async fn ask(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let _question = self.questions.try_acquire().map_err(|_| Failure::Overloaded)?;
        let place = self.next_reader.fetch_add(1, Ordering::Relaxed) % self.readers.len().max(1);
        // While the server lets nobody else in, whoever is in answers.
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
        let asked = async {
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, values).await?)
        };
        let answered =
            tokio::time::timeout(self.answer_timeout, asked).await.unwrap_or(Err(Failure::NoAnswer));
        if let Err(Failure::SharedSession) = &answered {
            self.sharing.note();
        }
        if let Err(failure) = &answered
            && failure.spoils_connection()
        {
            reader.forget_this(&client);
        }
        answered
    }

    async fn connected(&self, reader: &Reader) -> Result<Arc<ClientWrapper>, Failure> {
        if let Some(client) = reader.good() {
            return Ok(client);
        }
        let _turn = tokio::time::timeout(self.connector.limit, reader.connecting.lock())
            .await
            .map_err(|_| Failure::NoAnswer)?;
        if let Some(client) = reader.good() {
            return Ok(client);
        }
        if self.pool.is_closed() {
            return Err(Failure::Stopped);
        }
        let client = Arc::new(self.connector.connect().await?);
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

const BEGIN: &str = "BEGIN";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// A connection in the hands of one piece of work. Unless it is given back it is closed.
pub(crate) struct Session {
    object: Option<Object>,
    /// Given back after the connection is.
    _permit: OwnedSemaphorePermit,
    sharing: Arc<Lately>,
    answer_timeout: Duration,
    in_doubt: bool,
    disk_full: Arc<AtomicBool>,
}

/// A statement with its values, to be sent with others.
pub(crate) struct Step<'a> {
    sql: &'static str,
    values: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> Step<'a> {
    /// A statement with its values.
    pub(crate) fn new(sql: &'static str, values: Vec<&'a (dyn ToSql + Sync)>) -> Step<'a> {
        Step { sql, values }
    }

    /// The beginning of a database transaction.
    pub(crate) fn begin() -> Step<'a> {
        Step::new(BEGIN, Vec::new())
    }

    /// Its end. What was sent before it must have succeeded: otherwise nothing is committed, and
    /// the answer to an earlier statement says why.
    pub(crate) fn commit() -> Step<'a> {
        Step::new(COMMIT, Vec::new())
    }
}

impl Session {
    fn client(&self) -> Result<&ClientWrapper, Failure> {
        self.object.as_deref().ok_or(Failure::Stopped)
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let done = tokio::time::timeout(self.answer_timeout, work).await.unwrap_or(Err(Failure::NoAnswer));
        if done.as_ref().is_err_and(Failure::is_disk_full) {
            self.disk_full.store(true, Ordering::Relaxed);
        }
        if let Err(Failure::SharedSession) = &done {
            self.sharing.note();
        }
        done
    }

    /// What one statement yields.
    pub(crate) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let client = self.client()?;
        self.within(async {
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, values).await?)
        })
        .await
    }

    /// Sends all statements at once, and waits for what each of them yields.
    pub(crate) async fn flight(&self, steps: &[Step<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        let client = self.client()?;
        self.within(async {
            let mut statements: Vec<Statement> = Vec::with_capacity(steps.len());
            for step in steps {
                statements.push(client.prepare_cached(step.sql).await?);
            }
            let sent = steps.iter().zip(&statements).map(|(step, statement)| async {
                Ok::<_, Failure>(client.query(statement, &step.values).await?)
            });
            in_order(sent).await
        })
        .await
    }

    /// Ends a database transaction in which nothing, or only what shall be forgotten, was done.
    pub(crate) async fn roll_back(self) {
        if self.rows(ROLLBACK, &[]).await.is_ok() {
            self.give_back();
        }
    }

    /// Nothing is under way on it any more: others may use it.
    pub(crate) fn give_back(mut self) {
        self.in_doubt = false;
    }
}

/// Carries out all at the same time, and returns what each yields, or the first failure. A statement
/// is sent when it is polled for the first time: so they are sent in their order, and when one cannot
/// be, what comes behind it is not sent either.
async fn in_order<T, F: Future<Output = Result<T, Failure>>>(
    statements: impl Iterator<Item = F>,
) -> Result<Vec<T>, Failure> {
    let mut under_way: Vec<_> = statements.map(|statement| Box::pin(statement)).collect();
    let mut answers: Vec<Option<Result<T, Failure>>> = under_way.iter().map(|_| None).collect();
    let mut sending = true;
    poll_fn(|context| {
        for (statement, answer) in under_way.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let Poll::Ready(answered) = statement.as_mut().poll(context)
            {
                let is_unsent = sending && answered.is_err();
                *answer = Some(answered);
                if is_unsent {
                    return Poll::Ready(());
                }
            }
        }
        sending = false;
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.in_doubt
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// A database transaction, undone unless it is committed.
pub(crate) struct Transaction {
    session: Session,
}

impl Transaction {
    /// What one statement yields.
    pub(crate) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.session.rows(sql, values).await
    }

    /// Makes it durable. When the connection breaks meanwhile nobody knows whether it did.
    pub(crate) async fn commit(self) -> Result<(), Failure> {
        match self.session.rows(COMMIT, &[]).await {
            Ok(_) => {
                self.session.give_back();
                Ok(())
            }
            Err(failure) if failure.is_silence() => Err(Failure::CommitUnanswered),
            Err(failure) => Err(failure),
        }
    }

    /// Undoes it.
    pub(crate) async fn roll_back(self) {
        self.session.roll_back().await;
    }
}

/// Connects, and makes the settings of the session.
struct Beginning {
    connect: Box<dyn Connect>,
    settings: String,
}

impl Beginning {
    fn new(settings: String, options: &PostgresOptions) -> Result<Beginning, Failure> {
        let connect: Box<dyn Connect> = match options.ssl_mode {
            SslMode::Disable => Box::new(ConfigConnectImpl { tls: NoTls }),
            SslMode::Prefer | SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                Box::new(ConfigConnectImpl { tls: tls::connector(options)? })
            }
        };
        Ok(Beginning { connect, settings })
    }
}

type Connected = Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>;

impl Connect for Beginning {
    fn connect(
        &self,
        config: &tokio_postgres::Config,
    ) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, task) = self.connect.connect(&config).await?;
            client.batch_execute(&self.settings).await?;
            Ok((client, task))
        })
    }
}

/// Makes connections that belong to no pool.
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    connect: Beginning,
    limit: Duration,
}

impl Connector {
    fn new(
        config: tokio_postgres::Config,
        settings: String,
        options: &PostgresOptions,
    ) -> Result<Connector, Failure> {
        let connect = Beginning::new(settings, options)?;
        // Every server gets its time, and the one that answers some more to let us in.
        let hosts = u32::try_from(options.hosts.len()).unwrap_or(u32::MAX);
        let limit = options.connect_timeout.saturating_mul(hosts).saturating_add(Duration::from_secs(1));
        Ok(Connector { config, connect, limit })
    }

    pub(crate) async fn connect(&self) -> Result<ClientWrapper, Failure> {
        let connected = tokio::time::timeout(self.limit, self.connect.connect(&self.config)).await;
        let (client, task) = connected.map_err(|_| Failure::NoAnswer)?.map_err(Failure::connecting)?;
        Ok(ClientWrapper::new(client, task))
    }
}

/// A connection for migrations, which may take their time. Nothing is set in its session before it is known
/// to be our own.
pub(crate) async fn migrating(options: &PostgresOptions) -> Result<ClientWrapper, Failure> {
    let Reach { config, settings } = options.migrating()?;
    let connector = Connector::new(config, String::new(), options)?;
    let client = connector.connect().await?;
    surroundings::refuse_shared_sessions(&client, &connector).await?;
    client.batch_execute(&settings).await?;
    Ok(client)
}
