//! The configuration: read from every source, checked as a whole, and from then on trusted.
//!
//! Sources, later ones counting more: the defaults in [`table`], a TOML file, a Java properties
//! file, the environment, the command line. Every value remembers where it came from; every
//! problem is reported, together with all others.

mod database_url;
pub(crate) mod gateway_hosts;
pub mod gateways;
mod kinds;
mod moments;
mod origin;
mod placeholders;
mod reader;
pub mod reference;
pub mod report;
pub mod setting;
mod sources;
mod suggest;
pub mod table;
mod typed;
mod values;

use placeholders::Properties;

pub use origin::{Notice, NoticeKind, Origin, Problem};
pub use sources::{Flag, Sources, environment};
pub use typed::{
    Caches, Collections, Config, Database, DigitServices, Embedded, Endpoint, IdGeneration, IdentityProof,
    Kafka, KafkaTopics, Keep, Localization, Log, LogFormat, Notifications, Payments, PerGateway, Postgres,
    Reachable, Reconciliation, Redirect, Sandbox, Scheduler, Server, SslMode, Users,
};
#[cfg(not(feature = "sandbox"))]
pub(crate) use typed::{WITH_SANDBOX, WITHOUT_SANDBOX};

/// What reading the configuration came to.
pub struct Loaded {
    /// The configuration; only to be used when there are no problems.
    config: Option<Config>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
    /// What is not wrong, but worth to know.
    pub notices: Vec<Notice>,
    values: values::Values,
}

impl Loaded {
    /// The configuration, or everything that is wrong with it.
    ///
    /// # Errors
    /// All problems, if there is any.
    pub fn into_config(self) -> Result<Config, Vec<Problem>> {
        self.config.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }

    /// The configuration, if nothing is wrong with it.
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref().filter(|_| self.problems.is_empty())
    }

    /// The effective settings as a table for people, secrets hidden.
    pub fn effective(&self) -> String {
        report::effective(&self.values, self.config.as_ref())
    }

    /// Where the settings that begin with `prefix` come from, each place once; empty when nobody
    /// set any.
    pub fn places(&self, prefix: &str) -> Vec<String> {
        gateways::places(&self.values, prefix)
    }

    /// The remote gateways that somebody set anything of, active or not: their names as applications
    /// write them, what their settings begin with, and where they are.
    pub fn remote_gateways(&self) -> Vec<gateways::RemoteGateway> {
        gateways::remote_gateways(&self.values)
    }

    /// Whether a gateway is offered, by what its settings begin with.
    pub fn offers(&self, prefix: &str) -> bool {
        gateways::is_offered(&reader::Reader::new(&self.values), prefix)
    }
}

/// Reads all sources and checks what they say.
pub fn load(sources: &Sources) -> Loaded {
    let read = sources.read();
    let properties = Properties::new(&sources.environment, &read);
    let merged = values::merge(read, properties);
    let mut built = typed::build(&merged.values);
    let mut problems = merged.problems;
    // What is wrong with a text was told when it was read; what it means is worked out all the same.
    built.problems.retain(|problem| !problems.iter().any(|known| known.key == problem.key));
    problems.append(&mut built.problems);
    let notices = [merged.notices, built.notices].concat();
    Loaded { config: built.config, problems, notices, values: merged.values }
}

#[cfg(test)]
mod tests;
