//! A private database for one test.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Error};
use url::Url;

use super::{connect, database_url, tables};
use crate::runtime;

/// The name of a database while no test uses it begins so.
const FREE: &str = "test_free_";

/// Removes everything a test may have made in a database.
const EMPTY: &str = "DO $$ DECLARE place name; who name; BEGIN
    FOR place IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', place);
    END LOOP;
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
    EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
    FOR who IN SELECT rolname FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole
        JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
    LOOP
        EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', who, current_database());
    END LOOP;
END $$";

/// The connection to the shared server that makes and removes databases.
static SHARED_SERVER: OnceCell<Arc<Client>> = OnceCell::const_new();

/// A database with a random name, which nothing has after it is dropped: an empty one, or one with tables.
///
/// Creating and dropping a database takes the server up to a second, making tables as long, deleting rows a few
/// milliseconds. So a dropped database is only renamed, and emptied for the next test, or gets back the rows that it
/// began with.
#[derive(Debug)]
pub struct FreshDatabase {
    server: Arc<Client>,
    name: String,
    url: String,
    /// How the names of those begin that no test uses and that are like this one, where there are any.
    kind: Option<String>,
}

impl FreshDatabase {
    /// An empty database on the shared server.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set or the server does not answer.
    pub async fn create() -> Self {
        Self::empty(&database_url(), shared_server().await).await
    }

    /// An empty database on the server of this URL.
    ///
    /// # Panics
    /// When the server does not answer or refuses.
    pub async fn create_on(server: &str) -> Self {
        Self::empty(server, administer(server.to_owned()).await).await
    }

    async fn empty(url: &str, server: Arc<Client>) -> Self {
        let database = Self::named(url, server, Some(FREE.to_owned()));
        if !database.is_reused(EMPTY).await {
            database.create_as("").await;
        }
        database
    }

    /// A database on the shared server with the tables that `make` makes in the database of a URL, and its
    /// rows. `name` distinguishes them from other tables; it is of lower-case letters and digits.
    ///
    /// # Panics
    /// As [`Self::create`].
    pub async fn with_tables<F: Future<Output = ()>>(name: &str, make: impl FnOnce(String) -> F) -> Self {
        let kind = Some(format!("test_with_{name}_"));
        let database = Self::named(&database_url(), shared_server().await, kind);
        if !database.is_reused(tables::RESTORE).await {
            database.create_as("").await;
            make(database.url.clone()).await;
            let kept = match connect(&database.url).await {
                Ok(inside) => inside.batch_execute(tables::KEEP).await,
                Err(error) => Err(error),
            };
            kept.unwrap_or_else(|error| panic!("the rows of a database cannot be kept: {error:?}"));
        }
        database
    }

    /// An empty database on the shared server with these options of `CREATE DATABASE`.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set, or the server does not answer or refuses.
    pub async fn create_with(options: &str) -> Self {
        let database = Self::named(&database_url(), shared_server().await, None);
        database.create_as(options).await;
        database
    }

    fn named(url: &str, server: Arc<Client>, kind: Option<String>) -> Self {
        let name = format!("test_{}", crate::random_word());
        let mut url = Url::parse(url).expect("DATABASE_URL is postgres://user:password@host:port/database");
        url.set_path(&name);
        Self { server, name, url: url.into(), kind }
    }

    async fn create_as(&self, options: &str) {
        self.server
            .batch_execute(&format!("CREATE DATABASE {} {options}", self.name))
            .await
            .unwrap_or_else(|error| panic!("no database can be created: {error:?}"));
    }

    /// Takes a database of its kind that no test uses, if there is one, and restores its first state; the
    /// rename admits one taker.
    async fn is_reused(&self, make_anew: &str) -> bool {
        let free = "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY random()";
        let rows = self.server.query(free, &[&self.kind]).await.unwrap_or_default();
        for row in rows {
            let rename = format!("ALTER DATABASE {} RENAME TO {}", row.get::<_, &str>(0), self.name);
            if self.server.batch_execute(&rename).await.is_err() {
                continue;
            }
            let made = match connect(&self.url).await {
                Ok(inside) => inside.batch_execute(make_anew).await,
                Err(error) => Err(error),
            };
            if made.is_ok() {
                return true;
            }
            self.remove().await;
        }
        false
    }

    async fn remove(&self) {
        let _ =
            self.server.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await;
    }

    /// Ends the connections to the database and gives it the name of one of its kind that is free.
    async fn release(&self, kind: &str) -> Result<(), Error> {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        // The server's own wait for their end takes a tenth of a second at least.
        for _ in 0..1000 {
            if self.server.query(others, &[&self.name]).await?.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let rename = format!("ALTER DATABASE {} RENAME TO {kind}{}", self.name, crate::random_word());
        self.server.batch_execute(&rename).await
    }

    /// The URL of the database, with the server's user and password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for FreshDatabase {
    /// No failure when its server is gone.
    fn drop(&mut self) {
        runtime::wait_for(async {
            let released = match &self.kind {
                Some(kind) => self.release(kind).await.is_ok(),
                None => false,
            };
            if !released {
                self.remove().await;
            }
        });
    }
}

async fn shared_server() -> Arc<Client> {
    SHARED_SERVER.get_or_init(|| administer(database_url())).await.clone()
}

/// A connection that outlives the runtime of a test.
async fn administer(url: String) -> Arc<Client> {
    let connected = runtime::spawn(async move { connect(&url).await }).await;
    let client = connected.expect("connecting does not panic");
    Arc::new(client.unwrap_or_else(|error| panic!("the database server does not answer: {error:?}")))
}
