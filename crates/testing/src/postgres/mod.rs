//! PostgreSQL: a fresh database on the shared server, or a private server.

mod database;
mod pooler;
mod server;
mod tables;

use tokio_postgres::{Client, NoTls};

pub use database::FreshDatabase;
pub use pooler::{PgBouncer, PoolMode};
pub use server::{PostgresServer, PostgresServerBuilder, Stop};

/// The URL of the shared server, for a user with the right to create databases: `DATABASE_URL`.
///
/// # Panics
/// When it is not set.
#[must_use]
pub fn database_url() -> String {
    crate::required("DATABASE_URL")
}

/// A connection without TLS, for direct access to the data.
///
/// # Errors
/// When the server refuses the connection.
pub async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends with the client, or with the server; the client reports the latter.
    tokio::spawn(connection);
    Ok(client)
}
