//! The database: PostgreSQL where an address is set, otherwise the embedded one.

use std::path::PathBuf;
use std::time::Duration;

use payment_settings::parser::{self, FLAG, PATH, Parser, SECRET, TEXT, count, millis, one_of};
use payment_settings::{Declared, Optional, Reader, Setting, digit, own, settings};
use payment_store_postgres::{PostgresOptions, PreparedStatements, SslMode, without_password};
use secrecy::SecretString;

settings! {
    pub(in crate::config) const DATABASE;
    URL: Optional<DatabaseUrl> = digit("spring.datasource.url", DATABASE_URL,
        "The address of a PostgreSQL database. Without it the embedded database in `data.dir` is used.")
        .also("database.url");
    USERNAME: Optional<String> = digit("spring.datasource.username", TEXT,
        "The user of the PostgreSQL database, where the address does not name one.")
        .also("database.username");
    PASSWORD: Optional<SecretString> = digit("spring.datasource.password", SECRET,
        "The password of that user.").also("database.password").secret();
    POOL_SIZE: Setting<usize> = own("database.pool-size", count(4, 1_000),
        "How many connections to PostgreSQL one replica uses for changes and searches; a few more answer \
         small questions. All replicas together must stay below the server's `max_connections`.")
        .also("spring.datasource.hikari.maximum-pool-size").or("12");
    PREPARED_STATEMENTS: Setting<PreparedStatements> = own("database.prepared-statements",
        one_of(&[("named", PreparedStatements::Named), ("none", PreparedStatements::None)]),
        "`named` prepares statements once for each connection. `none` keeps nothing in a session, for a \
         pooler that gives sessions to others after each database transaction; see \
         [PgBouncer](infrastructure.md#pgbouncer).").or("named");
    MIGRATE_AT_START: Setting<bool> = own("database.migrate-at-start", FLAG,
        "Whether the service brings the tables up to date when it starts. If not, `pg-service migrate` does, \
         and the start waits while a migration is pending.").or("true");
    WAIT_AT_START: Setting<Duration> = own("database.wait-at-start-ms", millis(0, 3_600_000),
        "How many milliseconds the service, and `pg-service migrate`, wait at their start for a database that is \
         unavailable, or that another has to migrate. Meanwhile liveness is up and readiness down; after that the process ends.").or("300000");
    CONNECT_TIMEOUT: Optional<Duration> = own("database.connect-timeout-ms", millis(100, 60_000),
        "How many milliseconds connecting to one server may take.")
        .or_worked_out("`connectTimeout` of the address, or 2000");
    STATEMENT_TIMEOUT: Optional<Duration> = own("database.statement-timeout-ms", millis(100, 600_000),
        "How many milliseconds one statement may take before it is given up, and how long work waits for \
         its turn. Migrations take the time they take.")
        .or_worked_out("`socketTimeout` of the address, or 4000");
    SSL_MODE: Optional<SslMode> = own("database.ssl-mode", one_of(MODES),
        "Whether the connection is encrypted, and how the server proves who it is.")
        .or_worked_out("`sslmode` of the address, or `prefer`");
    SSL_ROOT_CERT: Optional<PathBuf> = own("database.ssl-root-cert", PATH,
        "A file of certificates (PEM) that the server's must be signed by.")
        .or_worked_out("`sslrootcert` of the address, or the system's certificates");
    SSL_CERT: Optional<PathBuf> = own("database.ssl-cert", PATH,
        "A file with the certificate by which the service proves to the server who it is: PEM with its chain, or \
         DER. A renewed file is used by the next connection.")
        .or_worked_out("`sslcert` of the address");
    SSL_KEY: Optional<PathBuf> = own("database.ssl-key", PATH,
        "The file of that certificate's private key, not encrypted: PEM, or PKCS#8 DER as Java's driver needs it.")
        .or_worked_out("`sslkey` of the address");
}

const MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// A parsed address: its options, the parameters without effect here, and itself without its password.
#[derive(Clone)]
pub(in crate::config) struct DatabaseUrl {
    options: PostgresOptions,
    ignored: Vec<String>,
    shown: String,
}

const DATABASE_URL: Parser<DatabaseUrl> = parser::text(
    |text| {
        let read = PostgresOptions::from_jdbc_url(text, None, None);
        let (options, ignored) = read.map_err(|error| error.to_string())?;
        Ok(DatabaseUrl {
            options,
            ignored,
            shown: without_password(&text.replacen("jdbc:otel:", "jdbc:", 1)),
        })
    },
    "`jdbc:postgresql://HOST:PORT/DATABASE` or `postgres://HOST:PORT/DATABASE`",
)
.concealed_by(without_password);

/// Where payments are kept.
#[derive(Debug, Clone)]
pub enum Database {
    /// In the embedded database of the data folder.
    Embedded,
    Postgres {
        options: Box<PostgresOptions>,
        /// The address without its password, for logs and messages.
        shown_url: String,
        migrate_at_start: bool,
        /// How long a start waits while it is unavailable.
        wait_at_start: Duration,
    },
}

pub(in crate::config) fn database(reader: &mut Reader<'_>) -> Database {
    let Some(url) = reader.set(&URL) else {
        if !reader.is_set(&URL) {
            let others: Vec<&dyn Declared> =
                DATABASE.iter().copied().filter(|one| one.key != URL.key).collect();
            reader.idle(
                &others,
                "no address of a PostgreSQL database is set (spring.datasource.url), the embedded database is used",
            );
        }
        return Database::Embedded;
    };
    tell_what_has_no_effect(reader, &url.ignored);
    let mut options = url.options;
    options.pool_size = reader.get(&POOL_SIZE);
    options.prepared_statements = reader.get(&PREPARED_STATEMENTS);
    options.user = reader.set(&USERNAME).unwrap_or(options.user);
    options.password = reader.set(&PASSWORD).or(options.password);
    options.connect_timeout = reader.set(&CONNECT_TIMEOUT).unwrap_or(options.connect_timeout);
    options.statement_timeout = reader.set(&STATEMENT_TIMEOUT).unwrap_or(options.statement_timeout);
    options.ssl_mode = reader.set(&SSL_MODE).unwrap_or(options.ssl_mode);
    options.root_certificate = reader.set(&SSL_ROOT_CERT).or(options.root_certificate);
    options.client_certificate = reader.set(&SSL_CERT).or(options.client_certificate);
    options.client_key = reader.set(&SSL_KEY).or(options.client_key);
    client_certificate_is_whole(reader, &options);
    Database::Postgres {
        options: Box::new(options),
        shown_url: url.shown,
        migrate_at_start: reader.get(&MIGRATE_AT_START),
        wait_at_start: reader.get(&WAIT_AT_START),
    }
}

fn client_certificate_is_whole(reader: &mut Reader<'_>, options: &PostgresOptions) {
    let both = "name both files, `sslcert` and `sslkey` of the address or these settings, or neither";
    match (&options.client_certificate, &options.client_key) {
        (Some(_), None) => reader.problem(&SSL_KEY, "is not set, and the client certificate is", both),
        (None, Some(_)) => {
            reader.problem(&SSL_CERT, "is not set, and the key of a client certificate is", both)
        }
        (Some(_), Some(_)) if options.ssl_mode == SslMode::Disable => {
            reader.doubt(&SSL_MODE, "is `disable`: the client certificate has no effect");
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// Parameters that Java's driver or libpq knows and this service does not, such as a preference for replicas.
fn tell_what_has_no_effect(reader: &mut Reader<'_>, ignored: &[String]) {
    let names: Vec<String> = ignored.iter().map(|name| format!("`{name}`")).collect();
    let text = match names.as_slice() {
        [] => return,
        [one] => format!("the parameter {one} of the address has no effect"),
        several => format!("the parameters {} of the address have no effect", several.join(", ")),
    };
    reader.doubt(&URL, text);
}
