//! Shared by the tests of this crate.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use payment_store::{Store, StoreError};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_testing::postgres::{FreshDatabase, PostgresServer, connect};
use tokio_postgres::Client;

pub(crate) mod earlier;

/// A database of one test.
pub(crate) struct Database(FreshDatabase);

impl Database {
    pub(crate) async fn create() -> Database {
        Database(FreshDatabase::create().await)
    }

    /// One on a server of its own.
    pub(crate) async fn create_on(server: &PostgresServer) -> Database {
        Database(FreshDatabase::create_on(&server.url()).await)
    }

    /// One with these options of `CREATE DATABASE`.
    pub(crate) async fn create_with(options: &str) -> Database {
        Database(FreshDatabase::create_with(options).await)
    }

    /// One that does not sort texts by their bytes, like most that were not made for us.
    pub(crate) async fn create_sorted_by_language() -> Database {
        Database::create_with(
            "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
        )
        .await
    }

    pub(crate) fn url(&self) -> &str {
        self.0.url()
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        options(self.0.url())
    }

    /// A store on it, as one of several replicas.
    pub(crate) async fn open(&self) -> PostgresStore {
        PostgresStore::connect(self.options()).await.unwrap()
    }

    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.open().await)
    }

    /// A connection to data that the store does not show.
    pub(crate) async fn client(&self) -> Client {
        connect(self.0.url()).await.unwrap()
    }
}

/// As in a service: failures are reported promptly.
pub(crate) fn prompt_options(url: &str) -> PostgresOptions {
    let (options, ignored) = PostgresOptions::from_jdbc_url(url, None, None).unwrap();
    assert!(ignored.is_empty(), "{ignored:?}");
    options
}

/// With timeouts for a machine that builds and tests at once.
pub(crate) fn options(url: &str) -> PostgresOptions {
    PostgresOptions {
        connect_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(40),
        ..prompt_options(url)
    }
}

/// The one number a question yields.
pub(crate) async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The reason a database is refused finally.
pub(crate) async fn refusal(options: PostgresOptions) -> String {
    let refused = PostgresStore::connect(options).await.err().unwrap();
    assert!(matches!(refused, StoreError::Failed(_)), "that passes: {refused:?}");
    match refused {
        StoreError::Failed(reason) | StoreError::Unavailable(reason) => reason.to_string(),
    }
}
