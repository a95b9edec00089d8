//! Looking into the database beside a running service, or without one.

use std::sync::Arc;

use jiff::tz::TimeZone;
use payment_domain::{Timestamp, TxnId};
use payment_store::StoreError;
use payment_store_sqlite::{Options, SqliteStore};

use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::data_folder::DataFolder;

/// Opens the database for looking things up; never makes or changes one.
pub(super) fn open(config: &Config) -> Outcome<Arc<SqliteStore>> {
    let database = DataFolder::existing_database(&config.data_dir)?;
    let cannot = |error: &StoreError| {
        Failure::new(format!("the database {} cannot be read", database.display())).because(error)
    };
    let states = SqliteStore::migrations(&database).map_err(|error| cannot(&error))?;
    if states.iter().any(|state| state.applied_at_ms.is_none()) {
        return Err(Failure::new(format!("the database {} is not up to date", database.display()))
            .try_this("`pg-service migrate` brings it up to date, and so does starting the service"));
    }
    let options = Options { readers: 1, ..Options::default() };
    SqliteStore::open(&database, &options).map(Arc::new).map_err(|error| cannot(&error))
}

/// The id of a transaction as it stands on the command line.
pub(super) fn transaction_id(text: &str) -> Outcome<TxnId> {
    TxnId::new(text)
        .map_err(|error| Failure::new(format!("`{text}` cannot be a transaction id")).because(&error))
}

/// What went wrong when something was looked up.
pub(super) fn unreadable(error: &StoreError) -> Failure {
    Failure::new("the database could not answer").because(error)
}

/// A moment for people, in the configured time zone.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        Err(_) => format!("{} ms", at.as_millis()),
    }
}

/// A moment for machines.
pub(super) fn instant(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.to_string(),
        Err(_) => at.as_millis().to_string(),
    }
}
