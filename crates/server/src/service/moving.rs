//! Moving the embedded database into PostgreSQL.
//!
//! Of the two databases at most one can be used at any moment: the other one is noted as its target, the embedded
//! one refuses every write, and only then rows are copied; what was copied becomes visible whole. To go back, the
//! copy is closed before the embedded database is opened.

use std::path::PathBuf;

use payment_domain::{AuditAction, AuditActor, AuditEntry, Clock, SystemClock, Timestamp};
use payment_service::audit::{act, digest};
use payment_store::StoreError;
use payment_store::migration::MigrationState;
use payment_store::moving::{AUDIT_HEAD, Digest, TABLES, Table};
use payment_store_postgres::moving::{Target, TargetState};
use payment_store_sqlite::SqliteStore;
use payment_store_sqlite::moving::{Mark, Source, Stage};
use serde_json::{Map, Value, json};

use super::data_folder::{DataFolder, Occupied};
use crate::config::{Config, Database};
use crate::failure::{Failure, Outcome};

/// The object of the entries in the audit log: the identity of the database, which its copy keeps.
const OBJECT: &str = "database";
/// Rows that are stored by one statement.
const PAGE: u32 = 500;
/// How far the clock of the new database may be behind the latest commit of the old one, in milliseconds.
const CLOCKS_DIFFER_MS: i64 = 60_000;

/// The progress of a move.
pub trait Progress {
    /// A table with so many rows is begun.
    fn table(&mut self, name: &str, rows: u64);
    /// So many more rows were stored.
    fn stored(&mut self, rows: usize);
    /// All rows are read back.
    fn verifying(&mut self);
}

/// A move that is complete.
#[derive(Debug)]
pub struct Moved {
    /// The new database, for people.
    pub target: String,
    /// The rows of each table; empty when the move was complete before.
    pub tables: Vec<(&'static str, Digest)>,
    /// The sandbox's books, which stay in the data folder.
    pub books: Option<PathBuf>,
}

/// Both databases.
struct Move {
    source: Source,
    target: Target,
    shown_target: String,
    /// No service uses the data folder meanwhile.
    _occupied: Occupied,
}

/// Moves the embedded database into the one of `to`, in the name of an actor. The copy's audit log says so.
///
/// # Errors
/// When one of them is in use or is not what it should be, or the copy cannot be made. It can be repeated then.
pub async fn move_to(
    config: &Config,
    to: &Database,
    actor: AuditActor,
    progress: &mut dyn Progress,
) -> Outcome<Moved> {
    let mut both = Move::open(config, to).await?;
    let books = DataFolder::existing_books(&config.data_dir);
    let id = both.source.database_id().to_owned();
    let state = both.state().await?;
    let mark = both.source.mark().map_err(|error| source_failed(&error))?;
    match (mark.map(|mark| mark.stage), state) {
        (None, TargetState::Empty) => {
            both.refuse_services().await?;
            both.target.reserve(&id).await.map_err(|error| both.target_failed(&error))?;
        }
        // Independent of the mark, the target is empty.
        (None | Some(Stage::Moving | Stage::Moved), TargetState::Begun) => both.refuse_services().await?,
        // The commit of the copy was the last thing that was done.
        (Some(Stage::Moving | Stage::Moved), TargetState::Complete) => {
            both.mark(Stage::Moved)?;
            return Ok(Moved { target: both.shown_target, tables: Vec::new(), books });
        }
        (None, TargetState::Complete) => {
            return Err(Failure::new(format!(
                "the payments of this database were moved to {} before, and this is an older copy of it",
                both.shown_target
            ))
            .try_this("use the settings of that database; this copy can only be looked at"));
        }
        (_, TargetState::GivenBack) => {
            return Err(Failure::new(format!(
                "{} was moved into before, and gone back from",
                both.shown_target
            ))
            .try_this("name an empty database: DROP DATABASE and CREATE DATABASE, or another one"));
        }
        (Some(Stage::Moved | Stage::Moving), TargetState::Empty) => {
            return Err(not_the_one(&both));
        }
        (_, TargetState::Foreign(tables)) => {
            let held = if tables.is_empty() { "a move from another".to_owned() } else { tables.join(", ") };
            return Err(Failure::new(format!("{} is not empty: it holds {held}", both.shown_target)).try_this(
                "name an empty database (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0); nothing was changed",
            ));
        }
    }
    both.mark(Stage::Moving)?;
    let tables = both.copy(actor, progress).await?;
    both.mark(Stage::Moved)?;
    Ok(Moved { target: both.shown_target, tables, books })
}

/// Goes back to the embedded database, as long as the copy is as it was made, in the name of an actor. Its audit log
/// says so.
///
/// # Errors
/// When anything has happened in the copy, or one of the databases cannot be used.
pub async fn move_back(config: &Config, to: &Database, actor: AuditActor) -> Outcome<String> {
    let mut both = Move::open(config, to).await?;
    if both.source.mark().map_err(|error| source_failed(&error))?.is_none() {
        return Err(not_moved(config));
    }
    both.refuse_services().await?;
    if both.state().await? != TargetState::GivenBack {
        both.close_copy().await?;
    }
    let entry = reversed(&both.source, actor, &both.shown_target, false);
    both.source.remove_mark(&[entry]).map_err(|error| source_failed(&error))?;
    Ok(both.shown_target)
}

/// Opens the embedded database again without checking the copy, which the actor declares lost. Its audit log says so.
///
/// # Errors
/// When the database cannot be used, or was not moved.
pub fn forget_target(config: &Config, actor: AuditActor) -> Outcome<String> {
    let (mut source, _occupied) = open_source(config)?;
    let mark = source.mark().map_err(|error| source_failed(&error))?.ok_or_else(|| not_moved(config))?;
    let entry = reversed(&source, actor, &mark.target, true);
    source.remove_mark(&[entry]).map_err(|error| source_failed(&error))?;
    Ok(mark.target)
}

/// The entry of a move: the rows of each table that has any, with their digests.
fn moved(
    source: &Source,
    actor: AuditActor,
    target: &str,
    tables: &[(&'static str, Digest)],
    at: Timestamp,
) -> AuditEntry {
    let tables: Map<String, Value> = tables
        .iter()
        .filter(|(_, digest)| digest.rows > 0)
        .map(|(name, digest)| ((*name).to_owned(), json!({ "rows": digest.rows, "digest": digest.hex() })))
        .collect();
    let tables = Value::Object(tables);
    let after = Some(digest(&tables));
    AuditEntry {
        after,
        details: details([("from", "embedded".into()), ("into", target.into()), ("tables", tables)]),
        ..act(at, actor, AuditAction::PaymentsMoved, OBJECT, source.database_id())
    }
}

/// The entry of a move that was gone back from.
fn reversed(source: &Source, actor: AuditActor, target: &str, declared_lost: bool) -> AuditEntry {
    AuditEntry {
        details: details([("from", target.into()), ("declaredLost", declared_lost.into())]),
        ..act(SystemClock.now(), actor, AuditAction::MoveReversed, OBJECT, source.database_id())
    }
}

fn details<const N: usize>(named: [(&str, Value); N]) -> Map<String, Value> {
    named.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

fn open_source(config: &Config) -> Outcome<(Source, Occupied)> {
    if let Database::Postgres { shown_url, .. } = &config.database {
        return Err(Failure::new(format!("the settings name {shown_url} and no embedded database"))
            .try_this("give the settings of the service as it was, without spring.datasource.url, and the new ones with --to-properties"));
    }
    let folder = DataFolder::prepare(&config.data_dir)?;
    let file = DataFolder::existing_database(&config.data_dir)?;
    let occupied = folder.occupy()?;
    let states = SqliteStore::migrations(&file).map_err(|error| source_failed(&error))?;
    if states.iter().any(|MigrationState { applied_at_ms, .. }| applied_at_ms.is_none()) {
        return Err(Failure::new(format!("the database {} is not up to date", file.display())).try_this(
            "back it up (`pg-service backup FILE`), and bring it up to date: `pg-service migrate`",
        ));
    }
    Ok((Source::open(&file).map_err(|error| source_failed(&error))?, occupied))
}

fn source_failed(error: &StoreError) -> Failure {
    Failure::new("the embedded database cannot be used").because(error)
}

fn not_moved(config: &Config) -> Failure {
    Failure::new(format!("the payments in the data folder {} have not moved", config.data_dir.display()))
}

fn not_the_one(both: &Move) -> Failure {
    let marked = both.source.mark().ok().flatten().map_or_else(String::new, |mark| mark.target);
    Failure::new(format!("{} does not hold this move, which was begun into {marked}", both.shown_target))
        .try_this("name that database, or, if it is lost and no payment was made in it, `move --back --target-lost`")
}

impl Move {
    async fn open(config: &Config, to: &Database) -> Outcome<Move> {
        let Database::Postgres { options, shown_url, .. } = to else {
            return Err(Failure::new("the file of --to-properties names no database")
                .try_this("set spring.datasource.url, .username and .password (or .password.file) there"));
        };
        let (source, occupied) = open_source(config)?;
        let target = Target::connect(options).await.map_err(|error| {
            Failure::new(format!("the database {shown_url} cannot be used")).because(&error).try_this(
                "see that the server is up and lets this user make tables: spring.datasource.url, .username and .password",
            )
        })?;
        Ok(Move { source, target, shown_target: shown_url.clone(), _occupied: occupied })
    }

    fn target_failed(&self, error: &StoreError) -> Failure {
        Failure::new(format!("{} cannot be moved into", self.shown_target))
            .because(error)
            .try_this("nothing is half done: run the same command again")
    }

    async fn state(&self) -> Outcome<TargetState> {
        self.target.state(self.source.database_id()).await.map_err(|error| self.target_failed(&error))
    }

    /// Sees to it that no program uses the copy any more. A move that was killed may be committed until then.
    async fn close_copy(&self) -> Outcome {
        let failed = |error: StoreError| self.target_failed(&error);
        if !matches!(self.state().await?, TargetState::Begun | TargetState::Complete) {
            return Err(not_the_one(self));
        }
        self.target.begin().await.map_err(failed)?;
        match self.state().await? {
            TargetState::Begun => self.target.release().await.map_err(failed),
            TargetState::Complete => {
                let changed = self.changed().await?;
                if changed.is_empty() {
                    return self.target.give_back().await.map_err(failed);
                }
                Err(Failure::new(format!(
                    "{} has been used since: {} differ",
                    self.shown_target,
                    changed.join(", ")
                ))
                .try_this("stay there: what was paid and paid back there is not in the embedded database"))
            }
            TargetState::Empty | TargetState::GivenBack | TargetState::Foreign(_) => Err(not_the_one(self)),
        }
    }

    async fn refuse_services(&self) -> Outcome {
        let services = self.target.connected_services().await.map_err(|error| self.target_failed(&error))?;
        if services > 0 {
            return Err(Failure::new(format!(
                "a service uses {}: it has {services} connections",
                self.shown_target
            ))
            .try_this("stop it; nothing was changed"));
        }
        let committed = self.source.latest_commit_ms().map_err(|error| source_failed(&error))?;
        let now = self.target.now_ms().await.map_err(|error| self.target_failed(&error))?;
        if now + CLOCKS_DIFFER_MS < committed {
            return Err(Failure::new(format!(
                "the clock of {} is {} s behind the last commit of the embedded database",
                self.shown_target,
                (committed - now) / 1000
            ))
            .try_this("set the clocks: leases and due moments go by the clock of the database"));
        }
        Ok(())
    }

    fn mark(&mut self, stage: Stage) -> Outcome {
        let mark = Mark { stage, target: self.shown_target.clone(), at_ms: SystemClock.now().as_millis() };
        self.source.set_mark(&mark).map_err(|error| source_failed(&error))
    }

    /// Copies and verifies all rows in one database transaction of the target.
    async fn copy(
        &self,
        actor: AuditActor,
        progress: &mut dyn Progress,
    ) -> Outcome<Vec<(&'static str, Digest)>> {
        let target = &self.target;
        let failed = |error: StoreError| self.target_failed(&error);
        target.begin().await.map_err(failed)?;
        match self.state().await? {
            TargetState::Begun => {}
            TargetState::Empty | TargetState::Complete | TargetState::GivenBack | TargetState::Foreign(_) => {
                return Err(Failure::new(format!("another program has used {} just now", self.shown_target))
                    .try_this("see to it that none does, and run the same command again"));
            }
        }
        let mut copied = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            let count = self.source.count(table).map_err(|error| source_failed(&error))?;
            progress.table(table.name, count);
            let digest = self.copy_table(table, progress).await?;
            if digest.rows != count {
                return Err(differs(table, &digest, count));
            }
            copied.push((table.name, digest));
        }
        let numbers = self.source.last_numbers().map_err(|error| source_failed(&error))?;
        target.go_on_from(numbers).await.map_err(failed)?;
        progress.verifying();
        for (table, (_, expected)) in TABLES.iter().zip(&copied) {
            let found = target.digest(table).await.map_err(failed)?;
            if found != *expected {
                return Err(differs(table, &found, expected.rows));
            }
        }
        let at = Timestamp::from_millis(target.now_ms().await.map_err(failed)?);
        let entry = moved(&self.source, actor, &self.shown_target, &copied, at);
        target.complete(&entry).await.map_err(failed)?;
        Ok(copied)
    }

    async fn copy_table(&self, table: &Table, progress: &mut dyn Progress) -> Outcome<Digest> {
        let target = &self.target;
        let mut digest = Digest::default();
        let mut last = None;
        let is_guarded = table.name == AUDIT_HEAD;
        if is_guarded {
            target.open_audit_head(true).await.map_err(|error| self.target_failed(&error))?;
        }
        loop {
            let mut rows =
                self.source.rows(table, last.as_ref(), PAGE).map_err(|error| source_failed(&error))?;
            if rows.is_empty() {
                break;
            }
            target.put(table, &rows, &mut digest).await.map_err(|error| {
                Failure::new(format!("rows of {} cannot be stored in {}", table.name, self.shown_target))
                    .because(&error)
                    .try_this("nothing is half done: run the same command again, or with --back")
            })?;
            progress.stored(rows.len());
            last = rows.pop();
        }
        if is_guarded {
            target.open_audit_head(false).await.map_err(|error| self.target_failed(&error))?;
        }
        Ok(digest)
    }

    /// The tables in which the copy differs from what was copied.
    async fn changed(&self) -> Outcome<Vec<&'static str>> {
        let last_entry = self.source.last_entry().map_err(|error| source_failed(&error))?;
        let mut changed = Vec::new();
        for table in TABLES {
            let mut expected = Digest::default();
            let mut last = None;
            loop {
                let mut rows =
                    self.source.rows(table, last.as_ref(), PAGE).map_err(|error| source_failed(&error))?;
                self.target.expected(table, &rows, &mut expected);
                match rows.pop() {
                    Some(row) => last = Some(row),
                    None => break,
                }
            }
            let is_same = self.target.is_as_copied(table, &expected, last_entry).await;
            if !is_same.map_err(|error| self.target_failed(&error))? {
                changed.push(table.name);
            }
        }
        Ok(changed)
    }
}

fn differs(table: &Table, found: &Digest, rows: u64) -> Failure {
    Failure::new(format!(
        "the copy of {} differs from the original: {} rows instead of {rows}, digest {found}",
        table.name, found.rows
    ))
    .try_this("nothing was moved: run the same command again, or with --back")
}
