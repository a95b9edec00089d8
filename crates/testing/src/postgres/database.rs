//! A private database for one test.

use std::thread;

use tokio_postgres::{Client, Error};
use url::Url;

use super::{connect, database_url, tables};

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

/// A database with a random name, which nothing has after it is dropped: an empty one, or one with tables.
///
/// Creating and dropping a database takes the server up to a second, making tables as long, deleting rows a few
/// milliseconds. So a dropped database is only renamed, and emptied for the next test, or gets back the rows that it
/// began with.
#[derive(Debug)]
pub struct FreshDatabase {
    server: String,
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
        Self::create_on(&database_url()).await
    }

    /// An empty database on the server of this URL.
    ///
    /// # Panics
    /// When the server does not answer or refuses.
    pub async fn create_on(server: &str) -> Self {
        let (client, database) = Self::named(server, Some(FREE.to_owned())).await;
        if !database.is_reused(&client, EMPTY).await {
            database.create_as(&client, "").await;
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
        let (client, database) = Self::named(&database_url(), kind).await;
        if !database.is_reused(&client, tables::RESTORE).await {
            database.create_as(&client, "").await;
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
        let (client, database) = Self::named(&database_url(), None).await;
        database.create_as(&client, options).await;
        database
    }

    /// A name, and a connection to the server.
    async fn named(server: &str, kind: Option<String>) -> (Client, Self) {
        let name = format!("test_{}", crate::random_word());
        let mut url =
            Url::parse(server).expect("DATABASE_URL is postgres://user:password@host:port/database");
        url.set_path(&name);
        let client = connect(server)
            .await
            .unwrap_or_else(|error| panic!("the database server does not answer: {error:?}"));
        (client, Self { server: server.to_owned(), name, url: url.into(), kind })
    }

    async fn create_as(&self, client: &Client, options: &str) {
        client
            .batch_execute(&format!("CREATE DATABASE {} {options}", self.name))
            .await
            .unwrap_or_else(|error| panic!("no database can be created: {error:?}"));
    }

    /// Takes a database of its kind that no test uses, if there is one, and restores its first state; the
    /// rename admits one taker.
    async fn is_reused(&self, client: &Client, make_anew: &str) -> bool {
        let free = "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY random()";
        let rows = client.query(free, &[&self.kind]).await.unwrap_or_default();
        for row in rows {
            let rename = format!("ALTER DATABASE {} RENAME TO {}", row.get::<_, &str>(0), self.name);
            if client.batch_execute(&rename).await.is_err() {
                continue;
            }
            let made = match connect(&self.url).await {
                Ok(inside) => inside.batch_execute(make_anew).await,
                Err(error) => Err(error),
            };
            if made.is_ok() {
                return true;
            }
            self.remove(client).await;
        }
        false
    }

    async fn remove(&self, client: &Client) {
        let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await;
    }

    /// Ends the connections to the database and gives it the name of one of its kind that is free.
    async fn release(&self, client: &Client, kind: &str) -> Result<(), Error> {
        let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
        client.query(others, &[&self.name]).await?;
        let rename = format!("ALTER DATABASE {} RENAME TO {kind}{}", self.name, crate::random_word());
        client.batch_execute(&rename).await
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
        // On a thread with a runtime of its own: the test's runtime cannot be waited for from within.
        thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    if let Ok(client) = connect(&self.server).await {
                        let released = match &self.kind {
                            Some(kind) => self.release(&client, kind).await.is_ok(),
                            None => false,
                        };
                        if !released {
                            self.remove(&client).await;
                        }
                    }
                });
                std::io::Result::Ok(())
            });
        });
    }
}
