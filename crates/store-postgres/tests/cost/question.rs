//! A question to the store, and its making.

use std::pin::Pin;
use std::sync::Arc;

use payment_store_postgres::PostgresStore;

pub(crate) type Work = Pin<Box<dyn Future<Output = ()>>>;

pub(crate) struct Question {
    pub(crate) name: &'static str,
    /// Whether its statements are planned each time, whatever PostgreSQL decides.
    pub(crate) is_planned_each_time: bool,
    ask: Box<dyn Fn(Arc<PostgresStore>) -> Work>,
}

impl Question {
    pub(crate) fn new<F: Future<Output = ()> + 'static>(
        name: &'static str,
        is_planned_each_time: bool,
        ask: impl Fn(Arc<PostgresStore>) -> F + 'static,
    ) -> Question {
        Question { name, is_planned_each_time, ask: Box::new(move |store| Box::pin(ask(store))) }
    }

    /// One by a query, which is planned for its values each time.
    pub(crate) fn by<Q: Clone + 'static, F: Future<Output = ()> + 'static>(
        name: &'static str,
        query: Q,
        ask: impl Fn(Arc<PostgresStore>, Q) -> F + 'static,
    ) -> Question {
        Question::new(name, true, move |store| ask(store, query.clone()))
    }

    pub(crate) fn ask(&self, store: Arc<PostgresStore>) -> Work {
        (self.ask)(store)
    }
}

macro_rules! question {
    ($name:expr, |$store:ident| $body:expr) => {
        Question::new(
            $name,
            false,
            move |$store: std::sync::Arc<payment_store_postgres::PostgresStore>| async move {
                $body;
            },
        )
    };
}

/// One whose statements are planned each time.
macro_rules! planned {
    ($name:expr, |$store:ident| $body:expr) => {
        Question::new(
            $name,
            true,
            move |$store: std::sync::Arc<payment_store_postgres::PostgresStore>| async move {
                $body;
            },
        )
    };
}

pub(crate) use {planned, question};
