//! Backups of the embedded database and of the sandbox's books, and how they are put back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use payment_domain::Timestamp;
use payment_store::StoreError;
use payment_store_sqlite::SqliteStore;
use payment_store_sqlite::backup::{self, Copied};
use tempfile::NamedTempFile;

use super::data_folder::DataFolder;
use super::database;
use crate::config::{Config, Database};
use crate::failure::{Failure, Outcome};

/// How the name of a backup goes on in that of the sandbox's books beside it.
const OF_SANDBOX: &str = ".sandbox";

/// A backup that was made or put back.
#[derive(Debug)]
pub struct BackedUp {
    /// The payments.
    pub payments: Copied,
    /// When the newest of them was created or last changed; `None` when there is none.
    pub newest: Option<Timestamp>,
    /// The sandbox's books, if any: their file and its content.
    pub sandbox: Option<(PathBuf, Copied)>,
}

/// Copies the embedded database into `file`, and the sandbox's books, where there are some, into a file
/// beside it, while a service may be using both.
///
/// # Errors
/// When one of the files is there already, or a copy cannot be made or is not what it should be. No file is
/// left then.
pub fn back_up(config: &Config, file: &Path) -> Outcome<BackedUp> {
    must_be_embedded(config)?;
    let database = DataFolder::existing_database(&config.data_dir)?;
    let books = DataFolder::existing_books(&config.data_dir);
    let beside = books.is_some().then(|| sandbox_beside(file));
    for target in [Some(file), beside.as_deref()].into_iter().flatten() {
        must_be_free(target, "name a file that does not exist, or move this one")?;
    }
    // The payments first: later decisions of the sandbox are found by status requests.
    let payments = Draft::of(&database, file)?;
    let newest = backup::newest(payments.file.path()).map_err(|error| no_copy(&database, &error))?;
    let books = books.zip(beside).map(|(books, to)| Ok((Draft::of(&books, &to)?, to))).transpose()?;
    let sandbox = books.map(|(draft, to)| Ok((to.clone(), draft.keep(&to)?))).transpose()?;
    match payments.keep(file) {
        Ok(payments) => Ok(BackedUp { payments, newest, sandbox }),
        Err(failure) => {
            // Books alone are no backup.
            let left = sandbox.and_then(|(path, _)| fs::remove_file(&path).err().map(|error| (path, error)));
            Err(match left {
                Some((path, error)) => failure.try_this(format!("delete {}: {error}", path.display())),
                None => failure,
            })
        }
    }
}

/// Puts a backup into the data folder, which must have no database yet.
///
/// # Errors
/// When a service uses the folder, when there is a database already, or when the backup is none.
pub fn restore(config: &Config, file: &Path) -> Outcome<BackedUp> {
    must_be_embedded(config)?;
    must_be_payments(file)?;
    database::refuse_moved(file)?;
    let folder = DataFolder::prepare(&config.data_dir)?;
    let _occupied = folder.occupy()?;
    for there in folder.database_files() {
        must_be_free(
            &there,
            "move all files of payments.db and sandbox.db to another place first, or name an empty folder: --data-dir FOLDER",
        )?;
    }
    let payments = Draft::of(file, &folder.database())?;
    let newest = backup::newest(payments.file.path()).map_err(|error| no_copy(file, &error))?;
    backup::skip_numbers(payments.file.path()).map_err(|error| no_copy(file, &error))?;
    let books = sandbox_beside(file);
    let sandbox = if books.is_file() {
        let to = folder.sandbox_books();
        Some((to.clone(), Draft::of(&books, &to)?.keep(&to)?))
    } else {
        None
    };
    // Last, so that there is no database before all is there.
    Ok(BackedUp { payments: payments.keep(&folder.database())?, newest, sandbox })
}

fn must_be_embedded(config: &Config) -> Outcome {
    match &config.database {
        Database::Embedded => Ok(()),
        Database::Postgres { shown_url, .. } => {
            Err(Failure::new(format!("payments are kept in {shown_url}"))
                .try_this("back PostgreSQL up with its own tools, see docs/deploying.md"))
        }
    }
}

fn must_be_free(path: &Path, next: &str) -> Outcome {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(Failure::new(format!("{} is there already, and is not written over", path.display()))
            .try_this(next)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::new(format!("{} cannot be looked at", path.display())).because(&error)),
    }
}

fn must_be_payments(file: &Path) -> Outcome {
    let none = || Failure::new(format!("{} is no backup of this service", file.display()));
    let next = "name a file that `pg-service backup` has made";
    let found = SqliteStore::migrations(file).map_err(|error| none().because(&error).try_this(next))?;
    if found.iter().any(|state| state.applied_at_ms.is_some()) { Ok(()) } else { Err(none().try_this(next)) }
}

fn sandbox_beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(OF_SANDBOX);
    PathBuf::from(name)
}

fn no_copy(from: &Path, error: &StoreError) -> Failure {
    Failure::new(format!("{} cannot be copied", from.display()))
        .because(error)
        .try_this("see that the disk is not full, and that the file is a database and can be read")
}

/// A checked copy under a name of its own, removed unless it is kept.
struct Draft {
    file: NamedTempFile,
    copied: Copied,
}

impl Draft {
    /// A copy of a database, in the folder where it is to be.
    fn of(from: &Path, to: &Path) -> Outcome<Draft> {
        let file = NamedTempFile::with_prefix_in(".pg-service-", folder_of(to)).map_err(|error| {
            Failure::new(format!("no file can be made in {}", folder_of(to).display())).because(&error)
        })?;
        let copied = backup::copy(from, file.path()).map_err(|error| no_copy(from, &error))?;
        Ok(Draft { file, copied })
    }

    /// Gives it its final name, unless another file has taken it meanwhile.
    fn keep(self, name: &Path) -> Outcome<Copied> {
        let failed = |error: &std::io::Error| {
            Failure::new(format!("{} cannot be written", name.display())).because(error)
        };
        self.file.persist_noclobber(name).map_err(|error| failed(&error.error))?;
        File::open(folder_of(name)).and_then(|folder| folder.sync_all()).map_err(|error| failed(&error))?;
        Ok(self.copied)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
