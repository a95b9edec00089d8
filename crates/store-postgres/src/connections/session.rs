//! A connection of the pool in the hands of one piece of work, and database transactions on it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object};
use tokio::sync::OwnedSemaphorePermit;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::statements::{Sendable, Values, unnamed};
use crate::crowding::Lately;
use crate::failure::Failure;
use crate::options::PreparedStatements;

const BEGIN: &str = "BEGIN";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
/// In a database transaction alone: a pooler may give the session to another client afterwards. Nothing is compiled:
/// that takes 40 to 500 ms, which no search saves, and PostgreSQL does it where a run of an index is long, however little
/// of it is read. Rows that are not in memory are asked for before they are needed; 0 says that the server's system
/// cannot do that.
const FOR_SEARCHES: &str = "
    SELECT set_config('jit', 'off', true),
        set_config('effective_io_concurrency', greatest(least(now * 32, 32), now)::text, true)
    FROM (SELECT current_setting('effective_io_concurrency')::int) AS setting (now)";

/// State shared by all connections: their use, and the findings of one of them.
pub(super) struct Terms {
    pub(super) answer_timeout: Duration,
    pub(super) prepared_statements: PreparedStatements,
    /// Whether the server had no room left at the last write that needs some.
    pub(super) disk_full: AtomicBool,
    /// That a pooler has lost a prepared statement.
    pub(super) sharing: Lately,
}

impl Terms {
    /// The answer to one exchange with the server; the server's state is noted.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let done = tokio::time::timeout(self.answer_timeout, work).await.unwrap_or(Err(Failure::NoAnswer));
        if done.as_ref().is_err_and(Failure::is_disk_full) {
            self.disk_full.store(true, Ordering::Relaxed);
        }
        if let Err(Failure::SharedSession) = &done {
            self.sharing.note();
        }
        done
    }

    /// The rows of one statement.
    pub(super) async fn rows(
        &self,
        client: &ClientWrapper,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        self.within(async {
            let statement = Sendable::new(client, self.prepared_statements, sql).await?;
            statement.rows(client, values).await
        })
        .await
    }
}

/// A connection of the pool. Unless it is given back it is closed.
pub(crate) struct Session {
    object: Option<Object>,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
    terms: Arc<Terms>,
    in_doubt: bool,
}

/// A statement with its parameters, to be sent with others.
pub(crate) struct Step<'a> {
    pub(super) sql: &'static str,
    pub(super) values: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(sql: &'static str, values: Vec<&'a (dyn ToSql + Sync)>) -> Step<'a> {
        Step { sql, values }
    }

    /// The beginning of a database transaction.
    pub(crate) fn begin() -> Step<'a> {
        Step::new(BEGIN, Vec::new())
    }

    /// Its end. When an earlier statement has failed nothing is committed, and the answer to that
    /// statement says why.
    pub(crate) fn commit() -> Step<'a> {
        Step::new(COMMIT, Vec::new())
    }
}

impl Session {
    pub(super) fn new(object: Object, permit: OwnedSemaphorePermit, terms: Arc<Terms>) -> Session {
        Session { object: Some(object), _permit: permit, terms, in_doubt: true }
    }

    fn client(&self) -> Result<&ClientWrapper, Failure> {
        self.object.as_deref().ok_or(Failure::Stopped)
    }

    /// The rows of one statement.
    pub(crate) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.terms.rows(self.client()?, sql, values).await
    }

    /// The rows of one statement that is planned for its parameters.
    pub(super) async fn planned_rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.terms.within(unnamed(self.client()?, sql, values)).await
    }

    /// The same of a search, in a database transaction of its own.
    pub(super) async fn searched_rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let client = self.client()?;
        let steps: [(&str, Values<'_>); 4] =
            [(BEGIN, &[]), (FOR_SEARCHES, &[]), (sql, values), (COMMIT, &[])];
        let sent = steps.iter().map(|(sql, values)| unnamed(client, sql, values));
        let answers = self.terms.within(in_order(sent)).await?;
        Ok(answers.into_iter().nth(2).unwrap_or_default())
    }

    /// Those of one that is planned so, with a limit of its own, for the parts of a long reading.
    pub(crate) async fn rows_within(
        &self,
        limit: Duration,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        let answer = tokio::time::timeout(limit, unnamed(self.client()?, sql, values)).await;
        answer.unwrap_or(Err(Failure::NoAnswer))
    }

    /// Sends all statements at once, and waits for the rows of each.
    pub(crate) async fn flight(&self, steps: &[Step<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        let client = self.client()?;
        self.terms
            .within(async {
                let mut statements = Vec::with_capacity(steps.len());
                for step in steps {
                    statements.push(Sendable::new(client, self.terms.prepared_statements, step.sql).await?);
                }
                let sent = steps.iter().zip(&statements);
                in_order(sent.map(|(step, statement)| statement.rows(client, &step.values))).await
            })
            .await
    }

    /// Ends a database transaction in which nothing was done, or nothing that is to stay.
    pub(crate) async fn roll_back(self) {
        if self.rows(ROLLBACK, &[]).await.is_ok() {
            self.give_back();
        }
    }

    /// Puts it back into the pool: nothing is under way on it.
    pub(crate) fn give_back(mut self) {
        self.in_doubt = false;
    }

    /// Puts it back, unless the answer puts it in doubt.
    pub(super) fn give_back_after<T>(self, answered: &Result<T, Failure>) {
        if !answered.as_ref().is_err_and(Failure::spoils_connection) {
            self.give_back();
        }
    }
}

/// Carries out all at the same time, and returns the result of each, or the first failure. A statement
/// is sent when it is polled for the first time: so they are sent in their order, and when one cannot
/// be, those behind it are not sent either.
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
    pub(super) async fn begin(session: Session) -> Result<Transaction, Failure> {
        session.rows(BEGIN, &[]).await?;
        Ok(Transaction { session })
    }

    /// The rows of one statement.
    pub(crate) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.session.rows(sql, values).await
    }

    /// The rows of one statement that is planned for its parameters.
    pub(crate) async fn planned(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.session.planned_rows(sql, values).await
    }

    /// Sets it up for statements that may be of long runs of indexes, as a search has it.
    pub(crate) async fn prepare_for_searches(&self) -> Result<(), Failure> {
        self.session.rows(FOR_SEARCHES, &[]).await.map(|_| ())
    }

    /// Makes it durable. When the connection breaks meanwhile it may have been or not.
    pub(crate) async fn commit(self) -> Result<(), Failure> {
        self.commit_after(Vec::new()).await
    }

    /// The same after further statements, which are sent along with it. When one of them fails nothing is committed.
    pub(crate) async fn commit_after(self, mut steps: Vec<Step<'_>>) -> Result<(), Failure> {
        steps.push(Step::commit());
        match self.session.flight(&steps).await {
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
