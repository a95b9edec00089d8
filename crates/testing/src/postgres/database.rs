//! A private database for one test.

use std::thread;

use tokio_postgres::{Client, Error};
use url::Url;

use super::{connect, database_url};

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

/// An empty database with a random name, which nothing has after it is dropped.
///
/// Creating and dropping a database takes the server up to a second, emptying one a few milliseconds. So a
/// dropped database is only renamed, and emptied for the next test.
#[derive(Debug)]
pub struct FreshDatabase {
    server: String,
    name: String,
    url: String,
    /// Whether it is like every other.
    reusable: bool,
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
        let (client, database) = Self::named(server, true).await;
        if !database.is_reused(&client).await {
            database.create_as(&client, "").await;
        }
        database
    }

    /// An empty database on the shared server with these options of `CREATE DATABASE`.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set, or the server does not answer or refuses.
    pub async fn create_with(options: &str) -> Self {
        let (client, database) = Self::named(&database_url(), false).await;
        database.create_as(&client, options).await;
        database
    }

    /// A name, and a connection to the server.
    async fn named(server: &str, reusable: bool) -> (Client, Self) {
        let name = format!("test_{}", crate::random_word());
        let mut url =
            Url::parse(server).expect("DATABASE_URL is postgres://user:password@host:port/database");
        url.set_path(&name);
        let client = connect(server)
            .await
            .unwrap_or_else(|error| panic!("the database server does not answer: {error:?}"));
        (client, Self { server: server.to_owned(), name, url: url.into(), reusable })
    }

    async fn create_as(&self, client: &Client, options: &str) {
        client
            .batch_execute(&format!("CREATE DATABASE {} {options}", self.name))
            .await
            .unwrap_or_else(|error| panic!("no database can be created: {error:?}"));
    }

    /// Takes a database that no test uses, if there is one; the rename admits one taker.
    async fn is_reused(&self, client: &Client) -> bool {
        let free = "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY random()";
        let rows = client.query(free, &[&FREE]).await.unwrap_or_default();
        for row in rows {
            let rename = format!("ALTER DATABASE {} RENAME TO {}", row.get::<_, &str>(0), self.name);
            if client.batch_execute(&rename).await.is_err() {
                continue;
            }
            let emptied = match connect(&self.url).await {
                Ok(inside) => inside.batch_execute(EMPTY).await,
                Err(error) => Err(error),
            };
            if emptied.is_ok() {
                return true;
            }
            self.remove(client).await;
        }
        false
    }

    async fn remove(&self, client: &Client) {
        let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await;
    }

    /// Ends the connections to the database and gives it the name of one that is free.
    async fn release(&self, client: &Client) -> Result<(), Error> {
        let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
        client.query(others, &[&self.name]).await?;
        let rename = format!("ALTER DATABASE {} RENAME TO {FREE}{}", self.name, crate::random_word());
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
                    if let Ok(client) = connect(&self.server).await
                        && !(self.reusable && self.release(&client).await.is_ok())
                    {
                        self.remove(&client).await;
                    }
                });
                std::io::Result::Ok(())
            });
        });
    }
}
