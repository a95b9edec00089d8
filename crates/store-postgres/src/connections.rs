//! The connections to the server: a pool for changes and searches, and a few connections on which
//! many small questions are under way at the same time.
//!
//! A connection about which anything is in doubt (no answer in time, a caller that went away in the
//! middle, a server that stopped) is closed and never used again.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, ConfigConnectImpl, Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use tokio::sync::Semaphore;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row, Statement};

use crate::failure::Failure;
use crate::options::{PostgresOptions, SslMode};
use crate::tls;

/// The values of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The ways to the server.
pub(crate) struct Connections {
    pool: Pool,
    connector: Connector,
    readers: Vec<Reader>,
    next_reader: AtomicUsize,
    /// How many may wait for a connection of the pool.
    queued: usize,
    /// One for each small question that may be under way.
    questions: Semaphore,
    answer_timeout: Duration,
    /// Whether the server had no room left when something was last written that needs some.
    disk_full: Arc<AtomicBool>,
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
        let connector = Connector::new(options.serving()?, options)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match options.ssl_mode {
            SslMode::Disable => Manager::from_config(connector.config.clone(), NoTls, recycling),
            SslMode::Prefer | SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                Manager::from_config(connector.config.clone(), tls::connector(options)?, recycling)
            }
        };
        let pool = Pool::builder(manager)
            .max_size(options.pool_size.max(4))
            .wait_timeout(Some(options.statement_timeout))
            .create_timeout(Some(connector.limit))
            .recycle_timeout(Some(options.answer_timeout()))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Failure::Misunderstood(error.to_string()))?;
        Ok(Connections {
            pool,
            connector,
            readers: std::iter::repeat_with(Reader::default).take(options.readers.max(1)).collect(),
            next_reader: AtomicUsize::new(0),
            queued: options.queued.max(1),
            questions: Semaphore::new(options.queued.clamp(1, Semaphore::MAX_PERMITS)),
            answer_timeout: options.answer_timeout(),
            disk_full: Arc::default(),
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
        for reader in &self.readers {
            reader.forget();
        }
    }

    /// A connection for one piece of work.
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        if self.pool.status().waiting > self.queued {
            return Err(Failure::Overloaded);
        }
        let object = self.pool.get().await?;
        Ok(Session {
            object: Some(object),
            answer_timeout: self.answer_timeout,
            in_doubt: true,
            disk_full: self.disk_full.clone(),
        })
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
        let reader = self.readers.get(place).ok_or(Failure::Stopped)?;
        match self.ask_reader(reader, sql, values).await {
            Err(failure) if failure.is_disconnection() => self.ask_reader(reader, sql, values).await,
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

/// Makes connections that belong to no pool.
struct Connector {
    config: tokio_postgres::Config,
    connect: Box<dyn Connect>,
    limit: Duration,
}

impl Connector {
    fn new(config: tokio_postgres::Config, options: &PostgresOptions) -> Result<Connector, Failure> {
        let connect: Box<dyn Connect> = match options.ssl_mode {
            SslMode::Disable => Box::new(ConfigConnectImpl { tls: NoTls }),
            SslMode::Prefer | SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                Box::new(ConfigConnectImpl { tls: tls::connector(options)? })
            }
        };
        // Every server gets its time, and the one that answers some more to let us in.
        let hosts = u32::try_from(options.hosts.len()).unwrap_or(u32::MAX);
        let limit = options.connect_timeout.saturating_mul(hosts).saturating_add(Duration::from_secs(1));
        Ok(Connector { config, connect, limit })
    }

    async fn connect(&self) -> Result<ClientWrapper, Failure> {
        let connected = tokio::time::timeout(self.limit, self.connect.connect(&self.config)).await;
        let (client, task) = connected.map_err(|_| Failure::NoAnswer)?.map_err(Failure::connecting)?;
        Ok(ClientWrapper::new(client, task))
    }
}

/// A connection for migrations, which may take their time.
pub(crate) async fn migrating(options: &PostgresOptions) -> Result<ClientWrapper, Failure> {
    Connector::new(options.migrating()?, options)?.connect().await
}
