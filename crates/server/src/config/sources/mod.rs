//! The sources of settings. Each yields [`Entry`]s; their meaning is decided later.

mod chart;
mod environment;
mod properties_file;
mod toml_file;
mod unknown;

use std::fmt;
use std::path::{Path, PathBuf};

use payment_settings::{Notice, Origin, Problem};
use secrecy::SecretString;

/// The file that is read when it lies in the working folder and none is named.
const FOUND_FILE: &str = "pg-service.toml";

/// The largest configuration file, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A name with its value, before it is known whether such a setting exists.
#[derive(Clone)]
pub(super) struct Entry {
    /// The name as it was given, e.g. `axis.merchant.id`.
    pub(super) name: String,
    /// The value. Whether it is a secret is not known yet, so it is treated as one.
    pub(super) value: SecretString,
    /// Where it was given.
    pub(super) origin: Origin,
}

/// Without the value.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The output of one source.
#[derive(Debug, Default)]
pub(super) struct SourceOutput {
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

impl SourceOutput {
    fn entry(&mut self, name: impl Into<String>, value: impl Into<String>, origin: Origin) {
        self.entries.push(Entry { name: name.into(), value: SecretString::from(value.into()), origin });
    }

    fn problem(&mut self, origin: Origin, wrong: impl Into<String>, fix: impl Into<String>) {
        self.problems.push(Problem {
            key: String::new(),
            origin: Some(origin),
            wrong: wrong.into(),
            fix: fix.into(),
        });
    }
}

/// All places in which settings are looked for. Has no `Debug`: the environment holds secrets.
#[derive(Clone, Default)]
pub struct Sources {
    /// The folder in which `pg-service.toml` is looked for when no file is named; `None` looks
    /// nowhere.
    pub folder: Option<PathBuf>,
    /// A TOML file that must be there.
    pub toml_file: Option<PathBuf>,
    /// A Java properties file that must be there.
    pub properties_file: Option<PathBuf>,
    /// The variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Settings of the command line: name, value, and the flag that set it.
    pub flags: Vec<Flag>,
}

/// One setting of the command line.
#[derive(Clone)]
pub struct Flag {
    /// The setting.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The flag, e.g. `--port`.
    pub flag: String,
}

/// The environment of this process. Names and values that are not UTF-8 are left out: no setting
/// is called by such a name, and no value can be such a text.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Sources {
    /// Reads all of them; those that count less come first.
    pub(super) fn read(&self) -> Vec<SourceOutput> {
        let toml = match (&self.toml_file, &self.folder) {
            (Some(path), _) => toml_file::read(path),
            (None, Some(folder)) => {
                let path = folder.join(FOUND_FILE);
                if path.exists() { toml_file::read(&path) } else { SourceOutput::default() }
            }
            (None, None) => SourceOutput::default(),
        };
        let properties = self.properties_file.as_deref().map(properties_file::read).unwrap_or_default();
        vec![toml, properties, environment::read(&self.environment), self.read_flags()]
    }

    fn read_flags(&self) -> SourceOutput {
        let mut flags = SourceOutput::default();
        for flag in &self.flags {
            flags.entry(&flag.name, &flag.value, Origin::Flag(flag.flag.clone()));
        }
        flags
    }
}

/// The bytes of a file of bounded size.
fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the file cannot be read: {error}"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(format!("the file is longer than {limit} bytes"));
    }
    Ok(bytes)
}

/// The secret in a file that holds nothing else; the line break at its end does not belong to it.
pub(super) fn read_secret_file(path: &Path) -> Result<SecretString, String> {
    const LARGEST_SECRET: u64 = 64 * 1024;
    let text = String::from_utf8(read_bounded(path, LARGEST_SECRET)?)
        .map_err(|_| "the file is not UTF-8 text".to_owned())?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err("the file is empty".to_owned());
    }
    Ok(SecretString::from(secret))
}
