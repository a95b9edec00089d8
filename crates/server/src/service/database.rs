//! Which database payments are kept in, and how it is opened.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use payment_digit::embedded::Registers;
use payment_domain::Clock;
use payment_store::migration::{MigrationReport, MigrationState};
use payment_store::{Store, StoreError};
use payment_store_postgres::{MigrationPlan, PostgresOptions, PostgresStore};
use payment_store_sqlite::moving::{self, Mark, Stage};
use payment_store_sqlite::{Options, SqliteStore};

use super::data_folder::DataFolder;
use super::starting::waiting_for;
use crate::config::{Config, Database};
use crate::failure::{Failure, Outcome};

/// An open database, for payments and the embedded implementations of DIGIT's services.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    pub(super) registers: Arc<dyn Registers>,
    /// The one clock that payments go by.
    pub(super) clock: Arc<dyn Clock>,
}

impl Opened {
    fn of<S: Store + Registers + 'static>(store: S, clock: Arc<dyn Clock>) -> Opened {
        let store = Arc::new(store);
        Opened { registers: store.clone(), store, clock }
    }

    fn embedded(store: SqliteStore) -> Opened {
        let clock = store.clock();
        Opened::of(store, clock)
    }

    fn postgres(store: PostgresStore) -> Opened {
        let clock = store.clock();
        Opened::of(store, clock)
    }
}

/// Which migrations a database has.
#[derive(Debug, Clone)]
pub struct Migrations {
    /// The database, for people; without a password.
    pub database: String,
    /// Every migration of this program.
    pub states: Vec<MigrationState>,
}

/// The outcome of bringing a database up to date.
#[derive(Debug, Clone)]
pub struct Migrated {
    /// The database, for people; without a password.
    pub database: String,
    /// The migrations and adopted rows.
    pub report: MigrationReport,
}

/// Opens the database, makes it when it is an embedded one that is not there, and brings its
/// tables up to date, or with `database.migrate-at-start=false` leaves that to `pg-service migrate`.
///
/// # Errors
/// When it cannot be used, or has a pending migration that is not to be applied.
pub(super) async fn open(config: &Config) -> Outcome<Opened> {
    match &config.database {
        Database::Embedded => open_embedded(&DataFolder::prepare(&config.data_dir)?).map(Opened::embedded),
        Database::Postgres { migrate_at_start, options, shown_url, .. } => {
            report_payments_left_behind(&config.data_dir);
            match migrate_at_start {
                true => connect(options, shown_url).await.map(Opened::postgres),
                false => open_existing(config).await,
            }
        }
    }
}

/// Payments that are pending in an embedded database are settled by no service on another one.
fn report_payments_left_behind(data_folder: &Path) {
    let Ok(file) = DataFolder::existing_database(data_folder) else { return };
    let database = file.display();
    match moving::mark(&file) {
        Ok(Some(_)) => {}
        Ok(None) => tracing::warn!(
            %database,
            "the data folder holds an embedded database whose payments have not moved: `pg-service move`, \
             or remove it when nothing in it is pending"
        ),
        Err(error) => {
            tracing::warn!(%database, %error, "the embedded database in the data folder cannot be read")
        }
    }
}

/// Opens a database that a service uses; never makes or changes one.
///
/// # Errors
/// When there is none, or it is not up to date, or it cannot be used.
pub(super) async fn open_existing(config: &Config) -> Outcome<Opened> {
    let Migrations { database, states } = migrations(config).await?;
    if states.iter().any(|state| state.applied_at_ms.is_none()) {
        return Err(Failure::new(format!("the database {database} is not up to date"))
            .passing(true)
            .try_this("`pg-service migrate` brings it up to date, and so does starting the service with database.migrate-at-start=true"));
    }
    match &config.database {
        Database::Embedded => {
            let file = DataFolder::existing_database(&config.data_dir)?;
            refuse_moved(&file)?;
            let options = Options { readers: 1, ..Options::default() };
            let opened = if DataFolder::is_occupied(&config.data_dir) {
                SqliteStore::open_beside_a_service(&file, &options)
            } else {
                SqliteStore::open(&file, &options)
            };
            opened.map(Opened::embedded).map_err(|error| cannot_be_read(&database, &error))
        }
        Database::Postgres { options, shown_url, .. } => {
            connect(options, shown_url).await.map(Opened::postgres)
        }
    }
}

/// Which migrations the database has and which it lacks; changes nothing.
///
/// # Errors
/// When there is no database, or it cannot be read.
pub async fn migrations(config: &Config) -> Outcome<Migrations> {
    match &config.database {
        Database::Embedded => {
            let file = DataFolder::existing_database(&config.data_dir)?;
            let database = file.display().to_string();
            let found = SqliteStore::migrations(&file).map_err(|error| cannot_be_read(&database, &error))?;
            Ok(Migrations { states: found, database })
        }
        Database::Postgres { options, shown_url, .. } => {
            let database = shown_url.clone();
            let found = PostgresStore::migrations(options).await;
            let found = found.map_err(|error| cannot_be_read(&database, &error))?;
            Ok(Migrations { states: found, database })
        }
    }
}

/// The plan of [`migrate`], with the database for people; `None` for the embedded one, which no payments use
/// meanwhile.
///
/// # Errors
/// When the database cannot be read.
pub async fn migration_plan(config: &Config) -> Outcome<Option<(String, MigrationPlan)>> {
    match &config.database {
        Database::Embedded => Ok(None),
        Database::Postgres { options, shown_url, .. } => {
            let plan = PostgresStore::plan(options).await;
            Ok(Some((shown_url.clone(), plan.map_err(|error| cannot_be_read(shown_url, &error))?)))
        }
    }
}

/// Brings the database up to date, once it is available; `tell` is called now and then while it is not.
///
/// # Errors
/// When it cannot be used, or is unavailable for longer than the configuration allows.
pub async fn migrate(config: &Config, tell: impl Fn(&str, &Failure, Duration)) -> Outcome<Migrated> {
    waiting_for(config, || migrate_once(config), tell).await
}

async fn migrate_once(config: &Config) -> Outcome<Migrated> {
    match &config.database {
        Database::Embedded => {
            let folder = DataFolder::prepare(&config.data_dir)?;
            let report = open_embedded(&folder)?.migrated().clone();
            Ok(Migrated { database: folder.database().display().to_string(), report })
        }
        Database::Postgres { options, shown_url, .. } => {
            let report = connect(options, shown_url).await?.migrated().clone();
            let odd_rows = PostgresStore::odd_rows(options).await;
            let odd_rows = odd_rows.map_err(|error| cannot_be_read(shown_url, &error))?;
            let report = MigrationReport { odd_rows, ..report };
            Ok(Migrated { database: shown_url.clone(), report })
        }
    }
}

fn cannot_be_read(database: &str, error: &StoreError) -> Failure {
    Failure::new(format!("the database {database} cannot be read")).because(error).passing(is_passing(error))
}

fn is_passing(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_) => true,
        StoreError::Failed(_) => false,
    }
}

/// Refuses a database that was moved into another: payments are settled and paid back by one of them.
pub(super) fn refuse_moved(file: &Path) -> Outcome {
    if !file.exists() {
        return Ok(());
    }
    let shown = file.display().to_string();
    let found = moving::mark(file).map_err(|error| cannot_be_read(&shown, &error))?;
    let Some(Mark { stage, target, .. }) = found else { return Ok(()) };
    Err(match stage {
        Stage::Moved => Failure::new(format!("the payments of {shown} have moved to {target}")).try_this(
            "use the settings of that database (spring.datasource.url). `pg-service move --back` makes this one \
             usable again, as long as nothing has happened in the other",
        ),
        Stage::Moving => Failure::new(format!("the payments of {shown} are being moved to {target}")).try_this(
            "run `pg-service move --to-properties FILE` again, which continues, or with --back",
        ),
    })
}

fn open_embedded(folder: &DataFolder) -> Outcome<SqliteStore> {
    let database = folder.database();
    refuse_moved(&database)?;
    SqliteStore::open(&database, &Options::default()).map_err(|error| {
        Failure::new(format!("the database {} cannot be used", database.display())).because(&error).try_this(
            "see that the folder can be written and is not full, or name another one: --data-dir FOLDER",
        )
    })
}

async fn connect(options: &PostgresOptions, shown_url: &str) -> Outcome<PostgresStore> {
    PostgresStore::connect(options.clone()).await.map_err(|error| {
        let failure = Failure::new(format!("the database {shown_url} cannot be used")).because(&error);
        failure.passing(is_passing(&error)).try_this(
            "see that the server is up and lets this user make tables: spring.datasource.url, .username and .password",
        )
    })
}
