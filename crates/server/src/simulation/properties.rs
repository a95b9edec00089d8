//! The properties that point a service at the simulator, as a file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use payment_simulator::providers::Providers;
use url::Url;

use crate::config::is_loopback;
use crate::failure::{Failure, Outcome};
use crate::service::data_folder::private_file;

/// The first line of the file. Only a file that begins with it is written over.
const HEADER: &str = "# Gateways played by `pg-service simulate`: made-up accounts, no money moves.";

/// Settings of the accounts that the providers do not know, and those with a choice.
const BESIDE: &str = "\
# The bank account of every tenant, sent to AXIS with each order:
bank-account=000100200300
# The protocols these gateways speak beside their legacy ones:
#paytm.protocol=v3
#phonepe.protocol=v1
#phonepe.protocol=v2
";

/// The file: every property on a line of its own. `url` is where the service reaches the simulator.
pub(crate) fn text(providers: &Providers, url: &str) -> String {
    let mut out = format!("{HEADER}\n");
    for (name, value) in providers.properties(url) {
        let _ = writeln!(out, "{name}={}", escaped(&value));
    }
    if let Some(host) = host_to_allow(url) {
        let _ =
            writeln!(out, "# It is called over http, and is on another machine:\ngateways.http-hosts={host}");
    }
    out.push_str(BESIDE);
    out
}

/// The host that a service refuses to call as a gateway unless it is allowed.
fn host_to_allow(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let refused = url.scheme() == "http" && !is_loopback(&url);
    refused.then(|| url.host_str().map(str::to_owned)).flatten()
}

/// A value as a properties file has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\")
}

/// Writes the file. One that was not written by this command is left alone.
///
/// # Errors
/// When there is another file of that name, or none can be written.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    match fs::read_to_string(path) {
        Ok(found) if !found.starts_with(HEADER) => {
            return Err(Failure::new(format!(
                "{} is there already, and was not written by this command",
                path.display()
            ))
            .try_this("name another file"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(not_written(path, &error)),
    }
    private_file(path, File::options().write(true).create(true).truncate(true))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be written", path.display()))
        .because(error)
        .try_this("name a file in a folder that you can write to")
}

#[cfg(test)]
mod tests {
    use payment_simulator::providers::ProvidersSettings;

    use super::*;
    use crate::config::{self, Sources};

    #[test]
    fn the_service_takes_the_file_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("simulator.properties");
        let url = "http://127.0.0.1:9300";
        let providers = Providers::new(ProvidersSettings::new(url)).unwrap();
        write(&path, &text(&providers, url)).unwrap();
        write(&path, &text(&providers, url)).unwrap();
        let loaded = config::load(&Sources { properties_file: Some(path), ..Sources::default() });
        assert!(loaded.problems.is_empty() && loaded.notices.is_empty(), "{:?}", loaded.problems);
        let config = loaded.into_config().unwrap();
        assert_eq!(config.gateways.len(), 8);
        assert!(!config.sandbox.active);
    }

    #[test]
    fn a_simulator_on_another_machine_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("simulator.properties");
        for url in ["http://simulator.example:9300", "https://simulator.example"] {
            let providers = Providers::new(ProvidersSettings::new(url)).unwrap();
            write(&path, &text(&providers, url)).unwrap();
            let loaded = config::load(&Sources { properties_file: Some(path.clone()), ..Sources::default() });
            assert!(loaded.problems.is_empty() && loaded.notices.is_empty(), "{:?}", loaded.problems);
        }
    }

    #[test]
    fn a_foreign_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("application.properties");
        fs::write(&path, "server.port=1\n").unwrap();
        assert!(write(&path, "x").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "server.port=1\n");
        assert!(write(&folder.path().join("no/such/folder"), "x").is_err());
    }
}
