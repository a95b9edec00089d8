//! The configuration: read from every source, checked as a whole, and from then on trusted.
//!
//! Sources by precedence, the last counting most: the defaults, a TOML file, a Java properties file, the
//! environment, the command line. Every value has its origin; all problems are reported together.

mod merge;
mod parsers;
mod placeholders;
pub mod reference;
mod report;
mod sections;
mod sources;
mod suggest;
pub mod table;

use std::collections::BTreeSet;
use std::path::Path;

pub use payment_settings::{self as setting, Notice, NoticeKind, Origin, Problem};
use payment_settings::{Reader, Values};
use placeholders::Properties;

#[cfg(feature = "sandbox")]
pub(crate) use sections::gateway_hosts::is_loopback;
#[cfg(not(feature = "sandbox"))]
pub(crate) use sections::sandbox::{WITH_SANDBOX, WITHOUT_SANDBOX};
pub use sections::{
    AccountDefaults, Audit, Config, Configured, Console, Database, DigitServices, Embedded, IdentityProof,
    Jobs, Kafka, Listed, Log, LogFormat, Logins, Reachable, Redirect, Sandbox, Server, StoredAccounts,
    TraceExport, TraceProtocol, TraceSampler,
};
pub use sources::{Flag, Sources, environment};

/// The configuration as it was read, with all findings.
pub struct Loaded {
    /// Only to be used when there are no problems.
    config: Option<Config>,
    pub problems: Vec<Problem>,
    pub notices: Vec<Notice>,
    values: Values,
}

impl Loaded {
    /// The configuration, or all its problems.
    ///
    /// # Errors
    /// All problems, if there is any.
    pub fn into_config(self) -> Result<Config, Vec<Problem>> {
        self.config.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }

    /// The configuration, if it has no problem.
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref().filter(|_| self.problems.is_empty())
    }

    /// The effective settings as a table for people, secrets hidden.
    pub fn effective(&self) -> String {
        report::effective(&self.values, self.config.as_ref())
    }

    /// The places where settings below `prefix` are set, each once.
    pub fn places(&self, prefix: &str) -> Vec<String> {
        let place = |origin: &Origin| match origin {
            Origin::Default => "default".to_owned(),
            Origin::File { path, .. } | Origin::SecretFile { path, .. } => path.display().to_string(),
            Origin::Variable(_) => "environment".to_owned(),
            Origin::Flag(_) => "command line".to_owned(),
        };
        let places: BTreeSet<String> =
            self.values.below(prefix).map(|(_, value)| place(&value.origin)).collect();
        places.into_iter().collect()
    }

    /// Every gateway: the sandbox, those with an adapter, and the remote ones that anything is set of.
    pub fn gateways(&self) -> Vec<Listed> {
        sections::gateways::listed(&self.values)
    }
}

/// Reads all sources and checks their values.
pub fn load(sources: &Sources) -> Loaded {
    let read = sources.read();
    let properties = Properties::new(&sources.environment, &read);
    let merged = merge::merge(read, properties);
    let mut built = sections::build(&merged.values);
    let mut problems = merged.problems;
    // An invalid text was reported when it was read; its default is checked all the same.
    built.problems.retain(|problem| !problems.iter().any(|known| known.key == problem.key));
    problems.append(&mut built.problems);
    if let Some(config) = &mut built.config {
        config.audit.settings = report::digest(&merged.values);
    }
    let notices = [merged.notices, built.notices].concat();
    Loaded { config: built.config, problems, notices, values: merged.values }
}

/// The database that a Java properties file names, whatever else is set there or elsewhere. Placeholders are
/// resolved from the file and the environment.
///
/// # Errors
/// The problems of the file, or of its settings of the database.
pub fn database_of(file: &Path, environment: &[(String, String)]) -> Result<Database, Vec<Problem>> {
    let sources = Sources { properties_file: Some(file.to_owned()), ..Sources::default() };
    let read = sources.read();
    let properties = Properties::new(environment, &read);
    let merged = merge::merge(read, properties);
    let mut problems = merged.problems;
    problems.retain(|problem| {
        problem.key.is_empty()
            || sections::database::DATABASE.iter().any(|setting| setting.key == problem.key)
    });
    let mut reader = Reader::new(&merged.values);
    let database = sections::database::database(&mut reader);
    problems.extend(reader.problems);
    if problems.is_empty() { Ok(database) } else { Err(problems) }
}

#[cfg(test)]
mod tests;
