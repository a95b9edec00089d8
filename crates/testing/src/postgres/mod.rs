//! PostgreSQL: a fresh database on the shared server, or a server of one's own.

mod database;
mod pooler;
mod server;

use tokio_postgres::{Client, NoTls};

pub use database::FreshDatabase;
pub use pooler::{PgBouncer, PoolMode};
pub use server::{PostgresServer, PostgresServerBuilder, Stop};

/// The URL of the shared server, as a user who may create databases: `DATABASE_URL`.
///
/// # Panics
/// When it is not set.
#[must_use]
pub fn database_url() -> String {
    crate::required("DATABASE_URL")
}

/// A connection without TLS, to look at or change what a test cannot reach otherwise.
///
/// # Errors
/// When the server does not take the connection.
pub async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client, or with the server; the client then says so.
    tokio::spawn(connection);
    Ok(client)
}
