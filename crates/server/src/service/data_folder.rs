//! The data folder: the embedded database, the sandbox's books, generated secrets. It belongs to
//! its owner alone, and to one running service at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::failure::{Failure, Outcome};

const DATABASE: &str = "payments.db";
const SANDBOX_BOOKS: &str = "sandbox.db";
const SANDBOX_SECRET: &str = "sandbox.secret";
const LOCK: &str = "service.lock";

/// How the names of the files go on that make up one database of SQLite.
const BESIDE_A_DATABASE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// A data folder that is there.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
}

/// The lock of the service that uses a data folder; the system releases it when the process ends, in any way.
#[derive(Debug)]
pub struct Occupied {
    _lock: File,
}

impl DataFolder {
    /// The folder, made for its owner alone when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(path: &Path) -> Outcome<DataFolder> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| {
            Failure::new(format!("the data folder {} cannot be made", path.display()))
                .because(&error)
                .try_this("name a folder that can be written: --data-dir FOLDER, or PG_SERVICE_DATA_DIR")
        })?;
        Ok(DataFolder { path: path.to_owned() })
    }

    /// The database in a folder that a service has used.
    ///
    /// # Errors
    /// When there is none.
    pub fn existing_database(path: &Path) -> Outcome<PathBuf> {
        let database = DataFolder { path: path.to_owned() }.database();
        if database.is_file() {
            return Ok(database);
        }
        Err(Failure::new(format!("there is no database in the data folder {}", path.display())).try_this(
            "start the service once, or name the folder it uses: --data-dir FOLDER, or PG_SERVICE_DATA_DIR",
        ))
    }

    /// The sandbox's books in a folder that a service has used, where there are some.
    pub fn existing_books(path: &Path) -> Option<PathBuf> {
        Some(DataFolder { path: path.to_owned() }.sandbox_books()).filter(|books| books.is_file())
    }

    /// Where the folder is, in full where that can be found out.
    pub fn shown(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    /// The embedded database.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// The books of the sandbox gateway.
    pub fn sandbox_books(&self) -> PathBuf {
        self.path.join(SANDBOX_BOOKS)
    }

    /// Takes the folder for this process.
    ///
    /// # Errors
    /// When another service uses it.
    pub fn occupy(&self) -> Outcome<Occupied> {
        let path = self.path.join(LOCK);
        let trouble = |error: &io::Error| {
            Failure::new(format!("the data folder {} cannot be used", self.path.display())).because(error)
        };
        let lock = private_file(&path, OpenOptions::new().write(true).create(true).truncate(false))
            .map_err(|error| trouble(&error))?;
        match lock.try_lock() {
            Ok(()) => {
                self.close_to_strangers();
                Ok(Occupied { _lock: lock })
            }
            Err(TryLockError::WouldBlock) => {
                Err(Failure::new(format!("another service uses the data folder {}", self.shown().display()))
                    .try_this("stop it, or give this one a folder of its own: --data-dir FOLDER"))
            }
            Err(TryLockError::Error(error)) => Err(trouble(&error)),
        }
    }

    /// Removes the permissions of all users of this machine from files of earlier versions. Those of a group
    /// are left: they may be intended, for a backup for example.
    #[cfg(unix)]
    fn close_to_strangers(&self) {
        use std::os::unix::fs::PermissionsExt;
        const STRANGERS: u32 = 0o007;
        let others = [SANDBOX_SECRET, LOCK].map(|file| self.path.join(file));
        for file in self.database_files().into_iter().chain(others) {
            let Ok(metadata) = fs::metadata(&file) else { continue };
            let mode = metadata.permissions().mode();
            if mode & STRANGERS == 0 {
                continue;
            }
            match fs::set_permissions(&file, fs::Permissions::from_mode(mode & !STRANGERS)) {
                Ok(()) => {
                    tracing::info!(file = %file.display(), "can no longer be read by every user of this machine")
                }
                Err(error) => {
                    tracing::warn!(file = %file.display(), %error, "can be read by every user of this machine: chmod o= it")
                }
            }
        }
    }

    #[cfg(not(unix))]
    fn close_to_strangers(&self) {}

    /// The files that databases are made of here, whether or not they are there.
    pub fn database_files(&self) -> Vec<PathBuf> {
        let files = |database| BESIDE_A_DATABASE.map(|ending| self.path.join(format!("{database}{ending}")));
        [DATABASE, SANDBOX_BOOKS].into_iter().flat_map(files).collect()
    }

    /// Whether a running service uses the folder.
    pub fn is_occupied(path: &Path) -> bool {
        let lock = File::open(path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The key of the built-in sandbox: made once, then always the same.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    pub fn sandbox_secret(&self) -> Outcome<SecretString> {
        let path = self.path.join(SANDBOX_SECRET);
        read_or_make_secret(&path).map_err(|error| {
            Failure::new(format!("the key in {} cannot be used", path.display())).because(&error)
        })
    }
}

fn read_or_make_secret(path: &Path) -> io::Result<SecretString> {
    const KEY_BYTES: usize = 32;
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= KEY_BYTES => return Ok(SecretString::from(text.trim())),
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is too short; delete the file, and a new one is made",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let key = hex::encode(key);
    // Whole or not at all: a half-written key would be taken for the key after a crash.
    let draft = path.with_extension("draft");
    let mut file = private_file(&draft, OpenOptions::new().write(true).create(true).truncate(true))?;
    file.write_all(key.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(SecretString::from(key))
}

/// Opens a file; one that is created can be read by its owner alone.
pub(crate) fn private_file(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_and_its_secrets_belong_to_their_owner_alone() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a/data");
        let folder = DataFolder::prepare(&path).unwrap();
        folder.sandbox_secret().unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join(SANDBOX_SECRET)), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_left_open_by_an_earlier_version_are_restricted() {
        use std::os::unix::fs::PermissionsExt;
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(outer.path()).unwrap();
        for (name, before) in [("sandbox.db", 0o644), ("payments.db-wal", 0o666), ("mine.txt", 0o644)] {
            let path = outer.path().join(name);
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
        }
        let _occupied = folder.occupy().unwrap();
        let modes = ["sandbox.db", "payments.db-wal", "mine.txt"].map(|name| mode(&outer.path().join(name)));
        assert_eq!(modes, [0o640, 0o660, 0o644]);
    }

    #[test]
    fn a_generated_secret_stays_the_same() {
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(outer.path()).unwrap();
        let first = folder.sandbox_secret().unwrap();
        assert_eq!(first.expose_secret().len(), 64);
        assert_eq!(folder.sandbox_secret().unwrap().expose_secret(), first.expose_secret());
        fs::write(outer.path().join(SANDBOX_SECRET), "short").unwrap();
        assert!(folder.sandbox_secret().unwrap_err().to_string().contains("too short"));
    }

    #[test]
    fn one_service_at_a_time_uses_a_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(outer.path()).unwrap();
        assert!(!DataFolder::is_occupied(outer.path()));
        let occupied = folder.occupy().unwrap();
        assert!(DataFolder::is_occupied(outer.path()));
        assert!(folder.occupy().unwrap_err().to_string().contains("another service"));
        drop(occupied);
        assert!(!DataFolder::is_occupied(outer.path()));
        folder.occupy().unwrap();
    }

    #[test]
    fn a_folder_without_a_database_is_reported() {
        let outer = tempfile::tempdir().unwrap();
        let failure = DataFolder::existing_database(outer.path()).unwrap_err().to_string();
        assert!(failure.contains("no database") && failure.contains("--data-dir"), "{failure}");
    }
}
