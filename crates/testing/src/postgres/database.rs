//! A private database for one test.

use std::thread;

use url::Url;

use super::{connect, database_url};

/// An empty database with a random name; deleted, with its connections, when dropped.
#[derive(Debug)]
pub struct FreshDatabase {
    server: String,
    name: String,
    url: String,
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
        let name = format!("test_{}", crate::random_word());
        let mut url =
            Url::parse(server).expect("DATABASE_URL is postgres://user:password@host:port/database");
        url.set_path(&name);
        let client = connect(server)
            .await
            .unwrap_or_else(|error| panic!("the database server does not answer: {error:?}"));
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap_or_else(|error| panic!("no database can be created: {error:?}"));
        Self { server: server.to_owned(), name, url: url.into() }
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
    /// Drops the database. No failure when its server is gone.
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // On a thread with a runtime of its own: the test's runtime cannot be waited for from within.
        let dropper = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if let Ok(client) = connect(&server).await {
                    let _ = client.batch_execute(&statement).await;
                }
            });
            std::io::Result::Ok(())
        });
        let _ = dropper.join();
    }
}
