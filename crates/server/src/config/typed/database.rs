//! Which database.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use payment_store_postgres::{PostgresOptions, PreparedStatements};
use secrecy::SecretString;

use crate::config::reader::Reader;
use crate::config::{database_url, table};

const URL: &str = "spring.datasource.url";

/// Where payments are kept.
#[derive(Debug, Clone)]
pub enum Database {
    /// In the embedded database of the data folder.
    Embedded,
    /// In PostgreSQL.
    Postgres(Postgres),
}

/// A PostgreSQL database. What is set beside the address counts more than what stands in it.
#[derive(Clone)]
pub struct Postgres {
    /// The address: `jdbc:postgresql:…`, `postgres://…` or `postgresql://…`. It may hold a password.
    pub url: SecretString,
    /// The address without the passwords it may hold, for logs and messages.
    pub shown_url: String,
    /// The user; `None` for the one in the address.
    pub username: Option<String>,
    /// The user's password; `None` for the one in the address.
    pub password: Option<SecretString>,
    /// The most connections.
    pub pool_size: usize,
    /// How statements are sent.
    pub prepared_statements: PreparedStatements,
    /// How long connecting to one server may take; `None` for what the address says.
    pub connect_timeout: Option<Duration>,
    /// How long a statement may take; `None` for what the address says.
    pub statement_timeout: Option<Duration>,
    /// How the connection is secured; `None` for what the address says.
    pub ssl_mode: Option<SslMode>,
    /// Certificates, PEM, of which one must have signed the server's; `None` for what the address
    /// says, or the system's.
    pub root_certificate: Option<PathBuf>,
}

/// How far a connection is secured, as PostgreSQL's own clients name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// Encrypted where the server can, whoever it is.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, with a certificate of the right signer.
    VerifyCa,
    /// Encrypted, with a certificate of the right signer for the right host.
    VerifyFull,
}

/// Without secrets.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("url", &self.shown_url)
            .field("username", &self.username)
            .field("pool_size", &self.pool_size)
            .field("prepared_statements", &self.prepared_statements)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("ssl_mode", &self.ssl_mode)
            .field("root_certificate", &self.root_certificate)
            .finish_non_exhaustive()
    }
}

pub(super) fn database(reader: &mut Reader<'_>) -> Database {
    let Some(url) = reader.set(URL) else {
        reader.idle(
            table::beside(URL, &[URL]),
            "no address of a PostgreSQL database is set (spring.datasource.url), the embedded database is used",
        );
        return Database::Embedded;
    };
    let url = database_url::plain(url);
    tell_what_the_address_says_in_vain(reader, &url);
    Database::Postgres(Postgres {
        shown_url: database_url::without_password(&url),
        url: SecretString::from(url),
        username: reader.set("spring.datasource.username").map(str::to_owned),
        password: reader.secret("spring.datasource.password"),
        pool_size: reader.small_number("database.pool-size"),
        prepared_statements: reader.read("database.prepared-statements", PreparedStatements::from_word),
        connect_timeout: reader.millis_if_set("database.connect-timeout-ms"),
        statement_timeout: reader.millis_if_set("database.statement-timeout-ms"),
        ssl_mode: reader.set("database.ssl-mode").and_then(ssl_mode),
        root_certificate: reader.set("database.ssl-root-cert").map(PathBuf::from),
    })
}

/// Parameters that Java's driver or libpq knows and this service does not: a client's certificate, a
/// preference for replicas. An address that cannot be read at all is told elsewhere.
fn tell_what_the_address_says_in_vain(reader: &mut Reader<'_>, url: &str) {
    let Ok((_, ignored)) = PostgresOptions::from_jdbc_url(url, None, None) else { return };
    let names: Vec<String> = ignored.iter().map(|name| format!("`{name}`")).collect();
    let text = match names.as_slice() {
        [] => return,
        [one] => format!("the parameter {one} of the address has no effect"),
        several => format!("the parameters {} of the address have no effect", several.join(", ")),
    };
    reader.doubt(URL, text);
}

fn ssl_mode(text: &str) -> Option<SslMode> {
    match text {
        "disable" => Some(SslMode::Disable),
        "prefer" => Some(SslMode::Prefer),
        "require" => Some(SslMode::Require),
        "verify-ca" => Some(SslMode::VerifyCa),
        "verify-full" => Some(SslMode::VerifyFull),
        _ => None,
    }
}
