//! The sandbox's books: its own SQLite file, in which a decision is committed before it is reported.

mod refunds;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, named_params, params};

use crate::courier::Tried;
use crate::money::Currency;

use super::order::{CallbackProgress, Choice, Order, State, Terms};

pub(super) use refunds::Asked;

/// The version with `schema.sql`, and then with `refunds.sql`.
const WITHOUT_REFUNDS: i64 = 1;
const SCHEMA_VERSION: i64 = 2;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened, or is no database.
    #[error("the sandbox's database cannot be opened")]
    Database(#[from] rusqlite::Error),
    #[error("the sandbox's database cannot be created")]
    File(#[source] std::io::Error),
    /// The file was written by a later version.
    #[error("the sandbox's database is of version {0}, which is not known here")]
    Version(i64),
    /// The public URL is not an absolute http(s) URL.
    #[error("the sandbox's public URL {0:?} is not an absolute http(s) URL")]
    PublicUrl(String),
    /// The merchant's name or the secret is empty: signatures would prove nothing.
    #[error("the sandbox needs a merchant and a secret")]
    NoSecret,
    #[error("no random numbers to be had")]
    Random(#[source] getrandom::Error),
}

/// The reason the books could not be read or written. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    #[error("the sandbox's database failed")]
    Database(#[from] rusqlite::Error),
    /// The work was cut off by the end of the process.
    #[error("interrupted")]
    Interrupted,
}

/// Creates the file for its owner alone, unless it exists: it holds payers' purchases. SQLite gives the files
/// beside it the same permissions.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[derive(Debug)]
pub(super) enum Opened {
    /// It is in the books, now or since before.
    Order(Box<Order>),
    /// It is in the books with another amount or other addresses.
    OtherTerms,
    /// It is new, and its time is over already.
    TooLate,
}

#[derive(Debug)]
pub(super) struct DueCallback {
    pub(super) order: Order,
    pub(super) attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogLine {
    pub(super) at_ms: i64,
    /// The event, in a few words.
    pub(super) what: String,
}

/// One connection, used by one caller at a time, off the async threads.
#[derive(Clone)]
pub(super) struct Books {
    connection: Arc<Mutex<Connection>>,
}

impl Books {
    /// Opens the file, and creates or migrates its tables.
    pub(super) fn open(path: &Path) -> Result<Books, OpenError> {
        create_private(path).map_err(OpenError::File)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // The money is taken once the payer reads so: the decision must be on the disk by then.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -512)?;
        let txn = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match txn.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0 => {
                txn.execute_batch(include_str!("schema.sql"))?;
                let mut key = [0; 32];
                getrandom::fill(&mut key).map_err(OpenError::Random)?;
                txn.execute(
                    "INSERT INTO own_values (name, value) VALUES ('form-key', ?1)",
                    [key.as_slice()],
                )?;
                add_refunds(&txn)?;
            }
            WITHOUT_REFUNDS => add_refunds(&txn)?,
            SCHEMA_VERSION => {}
            other => return Err(OpenError::Version(other)),
        }
        txn.commit()?;
        Ok(Books { connection: Arc::new(Mutex::new(connection)) })
    }

    /// The key the sandbox signs its own forms with; it never leaves the books.
    pub(super) fn form_key(&self) -> Result<Vec<u8>, rusqlite::Error> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.query_row("SELECT value FROM own_values WHERE name = 'form-key'", [], |row| row.get(0))
    }

    /// Does one piece of work in one database transaction and commits it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, BooksError> {
        let connection = self.connection.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let txn = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&txn)?;
            txn.commit()?;
            Ok(result)
        });
        done.await.map_err(|_| BooksError::Interrupted)?
    }

    /// Takes up an order, unless it is there.
    pub(super) async fn open_order(&self, terms: Terms, now_ms: i64) -> Result<Opened, BooksError> {
        self.write(move |txn| {
            if let Some(order) = current(txn, &terms.order, now_ms)? {
                if order.terms.agree_with(&terms) {
                    return Ok(Opened::Order(Box::new(order)));
                }
                log(txn, order.sequence, now_ms, "A link with another amount or address was refused")?;
                return Ok(Opened::OtherTerms);
            }
            if now_ms > terms.expires_ms {
                return Ok(Opened::TooLate);
            }
            Ok(Opened::Order(Box::new(insert(txn, terms, now_ms, "The payer opened the page")?)))
        })
        .await
    }

    /// Closes an order unless it is paid, and returns its state then. An unopened one is recorded as
    /// closed: it has no way back, so that no link fits it.
    pub(super) async fn close(
        &self,
        order: &str,
        amount_paise: i64,
        currency: Currency,
        now_ms: i64,
    ) -> Result<Order, BooksError> {
        let terms = Terms {
            order: order.to_owned(),
            amount_paise,
            currency,
            description: String::new(),
            bill: String::new(),
            payee: String::new(),
            return_url: String::new(),
            notify_url: String::new(),
            expires_ms: now_ms,
        };
        self.write(move |txn| {
            let known = current(txn, &terms.order, now_ms)?;
            let mut order = match known {
                Some(order) => order,
                None => insert(txn, terms, now_ms, "The page has not been opened")?,
            };
            if let Some(line) = order.close(now_ms) {
                save(txn, &mut order, now_ms, line)?;
            }
            Ok(order)
        })
        .await
    }

    /// The current state of the order; `None` before it is opened.
    pub(super) async fn order(&self, order: &str, now_ms: i64) -> Result<Option<Order>, BooksError> {
        let order = order.to_owned();
        self.write(move |txn| current(txn, &order, now_ms)).await
    }

    /// Carries out the payer's choice if it is the first, and returns the order.
    pub(super) async fn choose(
        &self,
        order: &str,
        choice: Choice,
        now_ms: i64,
        late_after: Duration,
    ) -> Result<Option<Order>, BooksError> {
        let order = order.to_owned();
        self.write(move |txn| {
            let Some(mut order) = current(txn, &order, now_ms)? else { return Ok(None) };
            let line = order.choose(choice, now_ms, late_after);
            if let Some(line) = line {
                save(txn, &mut order, now_ms, line)?;
            }
            Ok(Some(order))
        })
        .await
    }

    /// Lets every late answer that is due come.
    pub(super) async fn let_late_answers_come(&self, now_ms: i64) -> Result<(), BooksError> {
        self.write(move |txn| {
            let due =
                orders(txn, "WHERE state = 'PENDING' AND due_ms <= ?1 ORDER BY due_ms LIMIT 100", now_ms)?;
            for mut order in due {
                if let Some(line) = order.advance(now_ms) {
                    save(txn, &mut order, now_ms, line)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Up to `limit` orders behind a place in the books, in order.
    pub(super) async fn orders_after(
        &self,
        sequence: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Order>, BooksError> {
        self.write(move |txn| {
            let rule = format!("WHERE sequence > ?1 ORDER BY sequence LIMIT {limit}");
            let mut page = orders(txn, &rule, sequence)?;
            for order in &mut page {
                if let Some(line) = order.advance(now_ms) {
                    save(txn, order, now_ms, line)?;
                }
            }
            Ok(page)
        })
        .await
    }

    /// The newest orders, newest first, as they were last written down.
    pub(super) async fn newest(&self, limit: u32) -> Result<Vec<Order>, BooksError> {
        self.write(move |txn| orders(txn, "ORDER BY sequence DESC LIMIT ?1", i64::from(limit))).await
    }

    /// The log of an order, the newest 50 lines, oldest first.
    pub(super) async fn log_of(&self, order_sequence: i64) -> Result<Vec<LogLine>, BooksError> {
        self.write(move |txn| {
            let mut lines = txn
                .prepare_cached(
                    "SELECT at_ms, what FROM log WHERE order_sequence = ?1 ORDER BY sequence DESC LIMIT 50",
                )?
                .query_map([order_sequence], |row| Ok(LogLine { at_ms: row.get(0)?, what: row.get(1)? }))?
                .collect::<Result<Vec<LogLine>, rusqlite::Error>>()?;
            lines.reverse();
            Ok(lines)
        })
        .await
    }

    /// Up to `limit` callbacks that are due, longest due first.
    pub(super) async fn due_callbacks(
        &self,
        now_ms: i64,
        limit: u32,
    ) -> Result<Vec<DueCallback>, BooksError> {
        self.write(move |txn| {
            let rule = format!("WHERE next_ms <= ?1 ORDER BY next_ms LIMIT {limit}");
            let due = orders(txn, &rule, now_ms)?;
            Ok(due
                .into_iter()
                .map(|order| DueCallback {
                    attempts: order.callback.as_ref().map_or(0, |callback| callback.attempts),
                    order,
                })
                .collect())
        })
        .await
    }

    pub(super) async fn callback_tried(
        &self,
        order_sequence: i64,
        now_ms: i64,
        tried: &Tried,
    ) -> Result<(), BooksError> {
        let Tried { delivered, result, next_ms } = tried.clone();
        self.write(move |txn| {
            txn.prepare_cached(
                "UPDATE callbacks SET attempts = attempts + 1, next_ms = ?2, last_result = ?3,
                                      delivered_ms = CASE WHEN ?4 THEN ?5 ELSE delivered_ms END
                 WHERE order_sequence = ?1",
            )?
            .execute(params![order_sequence, next_ms, result, delivered, now_ms])?;
            log(txn, order_sequence, now_ms, &format!("Callback: {result}"))
        })
        .await
    }

    /// When the next late answer or callback is due; `None` when nothing waits.
    pub(super) async fn next_due_ms(&self) -> Result<Option<i64>, BooksError> {
        self.write(|txn| {
            txn.query_row(
                "SELECT min(due) FROM (SELECT min(due_ms) AS due FROM orders WHERE state = 'PENDING'
                                       UNION ALL
                                       SELECT min(next_ms) FROM callbacks WHERE next_ms IS NOT NULL)",
                [],
                |row| row.get(0),
            )
        })
        .await
    }
}

fn add_refunds(txn: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    txn.execute_batch(include_str!("refunds.sql"))?;
    txn.pragma_update(None, "user_version", SCHEMA_VERSION)
}

fn insert(txn: &Transaction<'_>, terms: Terms, now_ms: i64, line: &str) -> Result<Order, rusqlite::Error> {
    txn.prepare_cached(
        "INSERT INTO orders (order_id, amount_paise, currency, description, bill, payee, return_url, notify_url,
                             expires_ms, opened_ms, state)
         VALUES (:order, :amount_paise, :currency, :description, :bill, :payee, :return_url, :notify_url,
                 :expires_ms, :opened_ms, 'CREATED')",
    )?
    .execute(named_params! {
        ":order": terms.order,
        ":amount_paise": terms.amount_paise,
        ":currency": terms.currency.code(),
        ":description": terms.description,
        ":bill": terms.bill,
        ":payee": terms.payee,
        ":return_url": terms.return_url,
        ":notify_url": terms.notify_url,
        ":expires_ms": terms.expires_ms,
        ":opened_ms": now_ms,
    })?;
    let sequence = txn.last_insert_rowid();
    log(txn, sequence, now_ms, line)?;
    Ok(Order {
        sequence,
        terms,
        opened_ms: now_ms,
        state: State::Created,
        choice: None,
        paid_paise: None,
        decided_ms: None,
        due_ms: None,
        callback: None,
    })
}

/// The order with everything that has become true by now, which is written down first.
fn current(txn: &Transaction<'_>, order: &str, now_ms: i64) -> Result<Option<Order>, rusqlite::Error> {
    let found = orders(txn, "WHERE order_id = ?1", order)?.pop();
    let Some(mut order) = found else { return Ok(None) };
    if let Some(line) = order.advance(now_ms) {
        save(txn, &mut order, now_ms, line)?;
    }
    Ok(Some(order))
}

/// Writes an order's new state down, with the callback it calls for.
fn save(txn: &Transaction<'_>, order: &mut Order, now_ms: i64, line: &str) -> Result<(), rusqlite::Error> {
    txn.prepare_cached(
        "UPDATE orders SET state = ?2, choice = ?3, paid_paise = ?4, decided_ms = ?5, due_ms = ?6 WHERE sequence = ?1",
    )?
    .execute(params![
        order.sequence,
        order.state.as_str(),
        order.choice.map(Choice::as_str),
        order.paid_paise,
        order.decided_ms,
        order.due_ms,
    ])?;
    if order.is_to_be_told() && !order.terms.notify_url.is_empty() {
        txn.prepare_cached("INSERT INTO callbacks (order_sequence, next_ms) VALUES (?1, ?2)")?
            .execute(params![order.sequence, now_ms])?;
        order.callback = Some(CallbackProgress { attempts: 0, delivered: false, last_result: None });
    }
    log(txn, order.sequence, now_ms, line)
}

fn log(txn: &Transaction<'_>, order_sequence: i64, now_ms: i64, what: &str) -> Result<(), rusqlite::Error> {
    txn.prepare_cached("INSERT INTO log (order_sequence, at_ms, what) VALUES (?1, ?2, ?3)")?
        .execute(params![order_sequence, now_ms, what])?;
    Ok(())
}

/// The orders that a rule with one parameter picks.
fn orders(
    txn: &Transaction<'_>,
    rule: &str,
    parameter: impl rusqlite::ToSql,
) -> Result<Vec<Order>, rusqlite::Error> {
    txn.prepare_cached(&format!(
        "SELECT sequence, order_id, amount_paise, currency, description, bill, payee, return_url, notify_url, expires_ms,
                opened_ms, state, choice, paid_paise, decided_ms, due_ms,
                attempts, delivered_ms IS NOT NULL AS delivered, last_result
         FROM orders LEFT JOIN callbacks ON order_sequence = sequence {rule}"
    ))?
    .query_map([parameter], order_of)?
    .collect()
}

fn order_of(row: &Row<'_>) -> Result<Order, rusqlite::Error> {
    let unknown = |column: usize, word: String| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("unknown word {word}").into())
    };
    let currency: String = row.get("currency")?;
    let state: String = row.get("state")?;
    let choice: Option<String> = row.get("choice")?;
    let attempts: Option<u32> = row.get("attempts")?;
    let callback = match attempts {
        Some(attempts) => Some(CallbackProgress {
            attempts,
            delivered: row.get("delivered")?,
            last_result: row.get("last_result")?,
        }),
        None => None,
    };
    Ok(Order {
        sequence: row.get("sequence")?,
        terms: Terms {
            order: row.get("order_id")?,
            amount_paise: row.get("amount_paise")?,
            currency: Currency::from_code(&currency).ok_or_else(|| unknown(3, currency))?,
            description: row.get("description")?,
            bill: row.get("bill")?,
            payee: row.get("payee")?,
            return_url: row.get("return_url")?,
            notify_url: row.get("notify_url")?,
            expires_ms: row.get("expires_ms")?,
        },
        opened_ms: row.get("opened_ms")?,
        state: State::from_word(&state).ok_or_else(|| unknown(11, state))?,
        choice: choice.map(|word| Choice::from_word(&word).ok_or_else(|| unknown(12, word))).transpose()?,
        paid_paise: row.get("paid_paise")?,
        decided_ms: row.get("decided_ms")?,
        due_ms: row.get("due_ms")?,
        callback,
    })
}
