//! A PostgreSQL database in which a service keeps its payments, looked at past the service.

use std::sync::Arc;

use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_testing::postgres::connect;

use super::books::{EMBEDDED_PAYMENTS, Register};

/// The database behind this URL, as the service sees it.
pub(crate) async fn open(url: &str) -> Arc<PostgresStore> {
    let (options, _) = PostgresOptions::from_jdbc_url(url, None, None).unwrap();
    Arc::new(PostgresStore::connect(options).await.unwrap())
}

/// The registrations of the embedded implementation of the collection service.
pub(crate) async fn register(url: &str) -> Register {
    let rows = connect(url).await.unwrap().query(EMBEDDED_PAYMENTS, &[]).await.unwrap();
    Register::from_rows(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))))
}

/// The number of rows a table has.
pub(crate) async fn count(url: &str, table: &str) -> usize {
    let sql = format!("SELECT count(*) FROM {table}");
    let rows: i64 = connect(url).await.unwrap().query_one(&sql, &[]).await.unwrap().get(0);
    usize::try_from(rows).unwrap()
}
