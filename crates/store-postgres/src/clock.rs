//! The database's time: in statements, and carried on between two readings for everything else.

use std::sync::{Arc, Weak};
use std::time::Duration;

use payment_domain::{AnchoredClock, Clock, SystemClock, Timestamp};

use crate::connections::Connections;
use crate::failure::Failure;
use crate::rows;

const READING_INTERVAL: Duration = Duration::from_secs(5);

/// The present of a statement, in milliseconds since 1970: that of the database, unless this value names
/// another.
pub(crate) fn present(value: &str) -> String {
    format!("coalesce({value}::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)")
}

/// The present that statements are given, in milliseconds since 1970; `None` is the database's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(pub(crate) Option<i64>);

/// A length of time as statements add it, in milliseconds.
pub(crate) fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) enum StoreClock {
    Database(Arc<AnchoredClock>),
    /// For tests.
    Given(Arc<dyn Clock>),
}

impl StoreClock {
    /// The database's, read at once and at intervals, as long as the store exists.
    pub(crate) async fn of_database(db: &Arc<Connections>) -> Result<StoreClock, Failure> {
        let clock = Arc::new(AnchoredClock::new(read(db).await?, Arc::new(SystemClock)));
        tokio::spawn(keep_reading(Arc::downgrade(db), clock.clone()));
        Ok(StoreClock::Database(clock))
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match self {
            StoreClock::Database(clock) => clock.clone(),
            StoreClock::Given(clock) => clock.clone(),
        }
    }

    pub(crate) fn now(&self) -> Now {
        match self {
            StoreClock::Database(_) => Now(None),
            StoreClock::Given(clock) => Now(Some(clock.now().as_millis())),
        }
    }
}

async fn read(db: &Connections) -> Result<Timestamp, Failure> {
    let found = db.ask(&format!("SELECT {}", present("NULL")), &[]).await?;
    Ok(Timestamp::from_millis(rows::first(&found)?.ok_or(Failure::OutOfRange)?))
}

async fn keep_reading(db: Weak<Connections>, clock: Arc<AnchoredClock>) {
    loop {
        tokio::time::sleep(READING_INTERVAL).await;
        let Some(db) = db.upgrade() else { return };
        let asked = clock.stopwatch();
        match read(&db).await {
            Ok(shown) => clock.take_reading(shown, asked),
            Err(Failure::Stopped) => return,
            // The stopwatch goes on meanwhile.
            Err(failure) => tracing::debug!(%failure, "the database's clock cannot be read"),
        }
    }
}
