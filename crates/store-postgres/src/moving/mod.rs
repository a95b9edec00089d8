//! Taking an embedded database in: all of it in one database transaction, which is committed only when every
//! row was read back and equals its original.
//!
//! A row of `eg_pg_move` says whose copy a database is and how far it has come. It is there before the original is
//! marked, so that an interrupted move is continued with this database and no other, and no service starts in an
//! unfinished one.

mod places;

use payment_domain::{AuditAction, AuditEntry};
use payment_store::StoreError;
use payment_store::moving::{
    AUDIT, AUDIT_HEAD, AUDIT_PERSONAL, Cell, CellRow, Digest, Kind, LastNumbers, TABLES, Table,
};
use tokio_postgres::Row;

use self::places::{Place, Values};
use crate::connections::Migrator;
use crate::failure::Failure;
use crate::parameters::ColumnLimits;
use crate::refunds::RefundColumns;
use crate::{PostgresOptions, audit, column_limits, migrations, surroundings};

const APPLICATION: &str = "pg-service move";
/// Rows that are read back at a time.
const PAGE: u32 = 2_000;

/// How far a database is the copy of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Copying,
    Moved,
    GivenBack,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Stage::Copying => "COPYING",
            Stage::Moved => "MOVED",
            Stage::GivenBack => "GIVEN_BACK",
        }
    }

    fn from_word(word: &str) -> Option<Stage> {
        [Stage::Copying, Stage::Moved, Stage::GivenBack].into_iter().find(|stage| stage.word() == word)
    }
}

/// The state of a database, for one that is to be moved into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetState {
    /// Nothing was ever stored in it.
    Empty,
    /// A move from the database in question has begun, and nothing is stored.
    Begun,
    /// The database in question was moved into it.
    Complete,
    /// It was, and then the original was gone back to.
    GivenBack,
    /// It belongs to another, or is in use: the tables that hold rows.
    Foreign(Vec<&'static str>),
}

/// Refuses to serve payments from a copy that is unfinished, or was given back.
pub(crate) async fn refuse_unfinished(migrator: &Migrator) -> Result<(), Failure> {
    match stage(migrator).await? {
        None | Some((_, Stage::Moved)) => Ok(()),
        Some((_, Stage::Copying)) => Err(Failure::Unsuitable(
            "payments are being moved into this database: run `pg-service move` again until it is complete, or \
             `pg-service move --back`"
                .to_owned(),
        )),
        Some((_, Stage::GivenBack)) => Err(Failure::Unsuitable(
            "the payments of this database were given back to the embedded database they came from: use that, or \
             move it into another, empty database"
                .to_owned(),
        )),
    }
}

async fn stage(migrator: &Migrator) -> Result<Option<(String, Stage)>, Failure> {
    let found = migrator.row("SELECT to_regclass('eg_pg_move') IS NOT NULL", &[]).await?;
    if !found.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let found = migrator.rows("SELECT source_id, stage FROM eg_pg_move", &[]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let unreadable =
        || Failure::Unreadable { table: "eg_pg_move", row: "the one row".to_owned(), column: "stage" };
    Ok(Some((row.try_get(0)?, Stage::from_word(row.try_get(1)?).ok_or_else(unreadable)?)))
}

/// A database into which another is moved, by one connection.
pub struct Target {
    migrator: Migrator,
    limits: ColumnLimits,
    tenant: &'static str,
    service_name: String,
}

impl Target {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`](crate::PostgresStore::connect).
    pub async fn connect(options: &PostgresOptions) -> Result<Target, StoreError> {
        let own = PostgresOptions { application_name: APPLICATION.to_owned(), ..options.clone() };
        let migrator = Migrator::connect(&own).await?;
        surroundings::check(&migrator).await?;
        migrations::migrate(&migrator).await?;
        let limits = column_limits(&migrator).await?;
        let tenant = RefundColumns::detect(&migrator).await?.tenant();
        Ok(Target { migrator, limits, tenant, service_name: options.application_name.clone() })
    }

    /// The moment of the server's clock, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server does not answer.
    pub async fn now_ms(&self) -> Result<i64, StoreError> {
        const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        Ok(number(&self.migrator, NOW).await?)
    }

    /// The connections of services to this database.
    ///
    /// # Errors
    /// As [`Target::now_ms`].
    pub async fn connected_services(&self) -> Result<i64, StoreError> {
        const CONNECTED: &str = "
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()";
        let counted = self.migrator.row(CONNECTED, &[&self.service_name]).await?;
        Ok(counted.try_get(0).map_err(Failure::from)?)
    }

    /// The state of this database for one of this identity.
    ///
    /// # Errors
    /// As [`Target::now_ms`].
    pub async fn state(&self, source_id: &str) -> Result<TargetState, StoreError> {
        Ok(self.judge(source_id).await?)
    }

    async fn judge(&self, source_id: &str) -> Result<TargetState, Failure> {
        let stage = stage(&self.migrator).await?;
        let is_same = stage.as_ref().is_none_or(|(id, _)| id == source_id);
        match stage {
            Some((_, Stage::Moved)) if is_same => return Ok(TargetState::Complete),
            Some((_, Stage::GivenBack)) if is_same => return Ok(TargetState::GivenBack),
            Some((_, Stage::Copying | Stage::Moved | Stage::GivenBack)) | None => {}
        }
        let mut filled = Vec::new();
        for table in TABLES {
            if self.is_filled(table).await? {
                filled.push(places::table_name(table));
            }
        }
        Ok(match stage {
            Some(_) if is_same && filled.is_empty() => TargetState::Begun,
            None if filled.is_empty() => TargetState::Empty,
            Some(_) | None => TargetState::Foreign(filled),
        })
    }

    async fn is_filled(&self, table: &Table) -> Result<bool, Failure> {
        let name = places::table_name(table);
        let sql = match name {
            AUDIT_HEAD => "SELECT last_number > 0 FROM eg_pg_audit_head".to_owned(),
            "eg_pg_history_seal" => {
                "SELECT sealed_through > 0 OR NOT earlier_is_done FROM eg_pg_history_seal".to_owned()
            }
            "eg_pg_merchant_account_revision" => {
                "SELECT revision > 0 FROM eg_pg_merchant_account_revision".to_owned()
            }
            other => format!("SELECT EXISTS (SELECT FROM {other})"),
        };
        Ok(self.migrator.row(&sql, &[]).await?.try_get(0)?)
    }

    /// Notes that the database of this identity is to be moved here.
    ///
    /// # Errors
    /// As [`Target::now_ms`].
    pub async fn reserve(&self, source_id: &str) -> Result<(), StoreError> {
        let reserve = async || -> Result<(), Failure> {
            migrations::begin(&self.migrator).await?;
            self.migrator
                .batch(
                    "CREATE TABLE IF NOT EXISTS eg_pg_move (
                         only_row  integer PRIMARY KEY CHECK (only_row = 1),
                         source_id text   NOT NULL,
                         stage     text   NOT NULL CHECK (stage IN ('COPYING', 'MOVED', 'GIVEN_BACK')),
                         at_time   bigint NOT NULL
                     );
                     GRANT SELECT ON eg_pg_move TO PUBLIC",
                )
                .await?;
            self.migrator
                .rows(
                    "INSERT INTO eg_pg_move (only_row, source_id, stage, at_time)
                     VALUES (1, $1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
                     ON CONFLICT (only_row) DO NOTHING",
                    &[&source_id, &Stage::Copying.word()],
                )
                .await?;
            self.migrator.commit().await
        };
        Ok(reserve().await?)
    }

    /// Commits that nothing is to be moved here any more; nothing was.
    ///
    /// # Errors
    /// As [`Target::now_ms`].
    pub async fn release(&self) -> Result<(), StoreError> {
        self.migrator.batch("DROP TABLE eg_pg_move").await?;
        Ok(self.migrator.commit().await?)
    }

    /// Begins the database transaction of all that follows, in which no other writes. No service of this version
    /// starts meanwhile, because each waits for its turn to migrate.
    ///
    /// # Errors
    /// As [`Target::now_ms`].
    pub async fn begin(&self) -> Result<(), StoreError> {
        let names: Vec<&str> = TABLES.iter().map(places::table_name).collect();
        migrations::begin(&self.migrator).await?;
        let lock = format!(
            "SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '20s'; LOCK TABLE eg_pg_move, eg_pg_jobs, {} IN EXCLUSIVE MODE",
            names.join(", ")
        );
        Ok(self.migrator.batch(&lock).await?)
    }

    /// Stores rows of a table; `digest` is that of the rows as they have to be read back.
    ///
    /// # Errors
    /// As [`Target::now_ms`]; [`StoreError::Failed`] when a row cannot be held.
    pub async fn put(&self, table: &Table, rows: &[CellRow], digest: &mut Digest) -> Result<(), StoreError> {
        Ok(self.write(table, rows, digest).await?)
    }

    async fn write(&self, table: &Table, rows: &[CellRow], digest: &mut Digest) -> Result<(), Failure> {
        let places = places::places(table, self.tenant);
        let mut written = Vec::with_capacity(rows.len());
        for row in rows {
            let canonical = places::canonical(table, row, &self.limits);
            digest.add(&canonical);
            written.push(places::written(table, &canonical, &self.limits)?);
        }
        let mut columns = Vec::with_capacity(places.len());
        for (at, Place { name, kind, .. }) in places.iter().enumerate() {
            let cells = written.iter().map(|row| row.get(at).unwrap_or(&Cell::Null));
            columns.push(Values::of(*kind, cells).ok_or_else(|| places::unreadable(table, name))?);
        }
        let values: Vec<_> = columns.iter().map(Values::sql).collect();
        self.migrator.rows(&write_sql(table, &places), &values).await?;
        Ok(())
    }

    /// Allows the one row of the end of the audit log to be overwritten, or forbids it again.
    ///
    /// # Errors
    /// As [`Target::now_ms`]; [`StoreError::Failed`] for a user who does not own the table.
    pub async fn open_audit_head(&self, is_open: bool) -> Result<(), StoreError> {
        let act = if is_open { "DISABLE" } else { "ENABLE" };
        Ok(self.migrator.batch(&format!("ALTER TABLE {AUDIT_HEAD} {act} TRIGGER USER")).await?)
    }

    /// Goes on with the numbers that the original has given, and with its jobs.
    ///
    /// # Errors
    /// As [`Target::now_ms`].
    pub async fn go_on_from(&self, last: LastNumbers) -> Result<(), StoreError> {
        let go_on = async || -> Result<(), Failure> {
            const JOBS: &str = "
                INSERT INTO eg_pg_jobs (job, current_run)
                SELECT job, max(run_id) FILTER (WHERE ended_at IS NULL) FROM eg_pg_job_runs GROUP BY job";
            self.migrator.batch(JOBS).await?;
            let serial = |table: &str, column: &str| format!("pg_get_serial_sequence('{table}', '{column}')");
            for (sequence, number) in [
                (serial("eg_pg_outbox", "sequence"), last.event),
                (serial("eg_pg_job_runs", "run_id"), last.run),
                (serial("eg_pg_attention", "case_id"), last.case),
                ("'eg_pg_history_positions'".to_owned(), last.position),
            ] {
                let set = format!("SELECT setval({sequence}, greatest($1, 1), $1 > 0)");
                self.migrator.rows(&set, &[&number]).await?;
            }
            Ok(())
        };
        Ok(go_on().await?)
    }

    /// The digest of the rows of a table, read back.
    ///
    /// # Errors
    /// As [`Target::now_ms`]; [`StoreError::Failed`] when a row cannot be read.
    pub async fn digest(&self, table: &Table) -> Result<Digest, StoreError> {
        Ok(self.read_back(table, "").await?)
    }

    /// Whether a table holds what was copied into it, and nothing else but the move's entry of the audit log.
    /// `last_entry` is the number of the last entry that was copied.
    ///
    /// # Errors
    /// As [`Target::digest`].
    pub async fn is_as_copied(
        &self,
        table: &Table,
        copied: &Digest,
        last_entry: i64,
    ) -> Result<bool, StoreError> {
        let of_copy = format!("WHERE entry_number <= {last_entry}");
        Ok(match table.name {
            AUDIT_HEAD => self.ends_with_the_move(last_entry).await?,
            AUDIT | AUDIT_PERSONAL => self.read_back(table, &of_copy).await? == *copied,
            _ => self.read_back(table, "").await? == *copied,
        })
    }

    /// Whether the audit log ends with the move's entry, or with the last copied one, as in the copies of a version
    /// that wrote none.
    async fn ends_with_the_move(&self, last_entry: i64) -> Result<bool, Failure> {
        const ENDS: &str = "
            SELECT last_number = $1 OR last_number = $1 + 1 AND EXISTS (
                SELECT FROM eg_pg_audit WHERE entry_number = last_number AND action = $2)
            FROM eg_pg_audit_head";
        let word = AuditAction::PaymentsMoved.as_str();
        Ok(self.migrator.row(ENDS, &[&last_entry, &word]).await?.try_get(0)?)
    }

    /// The digest that rows of the original have when they are read back.
    pub fn expected(&self, table: &Table, rows: &[CellRow], digest: &mut Digest) {
        rows.iter().for_each(|row| digest.add(&places::canonical(table, row, &self.limits)));
    }

    async fn read_back(&self, table: &Table, condition: &str) -> Result<Digest, Failure> {
        let places = places::places(table, self.tenant);
        let read: Vec<&str> = places.iter().filter_map(|place| place.read.as_deref()).collect();
        let name = places::table_name(table);
        self.migrator
            .batch(&format!(
                "DECLARE moved NO SCROLL CURSOR FOR SELECT {} FROM {name} {condition}",
                read.join(", ")
            ))
            .await?;
        let mut digest = Digest::default();
        loop {
            let page = self.migrator.rows(&format!("FETCH {PAGE} FROM moved"), &[]).await?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                digest.add(&places::read_back(table, cells(table, row)?));
            }
        }
        self.migrator.batch("CLOSE moved").await?;
        Ok(digest)
    }

    /// Commits all of it with the move's entry of the audit log: the payments are here.
    ///
    /// # Errors
    /// As [`Target::now_ms`]; it may be committed then.
    pub async fn complete(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let complete = async || -> Result<(), Failure> {
            audit::append(&self.migrator, std::slice::from_ref(entry)).await?;
            self.set_stage(Stage::Moved).await?;
            self.migrator.commit().await
        };
        Ok(complete().await?)
    }

    /// Commits that the original is used again: no program stores anything here from then on.
    ///
    /// # Errors
    /// As [`Target::complete`].
    pub async fn give_back(&self) -> Result<(), StoreError> {
        let give_back = async || -> Result<(), Failure> {
            self.set_stage(Stage::GivenBack).await?;
            self.migrator
                .batch(
                    "CREATE FUNCTION eg_pg_move_guard() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN
                         RAISE EXCEPTION 'the payments were given back to the embedded database'
                             USING ERRCODE = 'object_not_in_prerequisite_state';
                     END $$",
                )
                .await?;
            for table in TABLES {
                let name = places::table_name(table);
                self.migrator
                    .batch(&format!(
                        "CREATE TRIGGER eg_pg_move_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name}
                         FOR EACH STATEMENT EXECUTE FUNCTION eg_pg_move_guard()"
                    ))
                    .await?;
            }
            self.migrator.commit().await
        };
        Ok(give_back().await?)
    }

    async fn set_stage(&self, stage: Stage) -> Result<(), Failure> {
        const SET: &str = "
            UPDATE eg_pg_move SET stage = $1, at_time = (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        self.migrator.rows(SET, &[&stage.word()]).await?;
        Ok(())
    }
}

async fn number(migrator: &Migrator, sql: &str) -> Result<i64, Failure> {
    Ok(migrator.row(sql, &[]).await?.try_get(0)?)
}

fn write_sql(table: &Table, places: &[Place]) -> String {
    let name = places::table_name(table);
    let (mut names, mut values, mut arrays, mut elements) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, place) in (1..).zip(places) {
        names.push(place.name);
        values.push(place.write.replace("{}", &format!("u.c{at}")));
        arrays.push(format!("${at}::{}", places::array(place.kind)));
        elements.push(format!("c{at}"));
    }
    let from = format!("unnest({}) AS u ({})", arrays.join(", "), elements.join(", "));
    if table.has_one_row {
        let set: Vec<String> =
            names.iter().zip(&values).map(|(name, value)| format!("{name} = {value}")).collect();
        return format!("UPDATE {name} SET {} FROM {from}", set.join(", "));
    }
    format!(
        "INSERT INTO {name} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {from}",
        names.join(", "),
        values.join(", ")
    )
}

fn cells(table: &Table, row: &Row) -> Result<CellRow, Failure> {
    let mut cells = Vec::new();
    for (place, (_, kind)) in table.columns().enumerate() {
        cells.push(match kind {
            Kind::Text | Kind::Json => {
                row.try_get::<_, Option<String>>(place)?.map_or(Cell::Null, Cell::Text)
            }
            Kind::Integer | Kind::Flag => {
                row.try_get::<_, Option<i64>>(place)?.map_or(Cell::Null, Cell::Integer)
            }
            Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(place)?.map_or(Cell::Null, Cell::Bytes),
        });
    }
    Ok(cells)
}

#[cfg(test)]
mod tests;
