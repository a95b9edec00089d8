//! The database: PostgreSQL where an address is set, otherwise the embedded one.

use crate::config::setting::{Kind, Setting};

pub(super) const DATABASE: &[Setting] = &[
    Setting::digit(
        "spring.datasource.url",
        Kind::DatabaseUrl,
        "The address of a PostgreSQL database. Without it the embedded database in `data.dir` is used.",
    )
    .also("database.url"),
    Setting::digit(
        "spring.datasource.username",
        Kind::Text,
        "The user of the PostgreSQL database, where the address does not name one.",
    )
    .also("database.username"),
    Setting::digit("spring.datasource.password", Kind::Text, "The password of that user.")
        .also("database.password")
        .secret(),
    Setting::own(
        "database.pool-size",
        Kind::Number { min: 4, max: 1_000 },
        "How many connections to PostgreSQL one replica uses for changes and searches; a few more answer small questions. All replicas together must stay below the server's `max_connections`.",
    )
    .also("spring.datasource.hikari.maximum-pool-size")
    .or("12"),
    Setting::own(
        "database.prepared-statements",
        Kind::Choice(&["named", "none"]),
        "`named` prepares statements once for each connection. `none` keeps nothing in a session, for a pooler that gives sessions to others after each database transaction; see [PgBouncer](deploying.md#pgbouncer).",
    )
    .or("named"),
    Setting::own(
        "database.connect-timeout-ms",
        Kind::Number { min: 100, max: 60_000 },
        "How many milliseconds connecting to one server may take.",
    )
    .or_worked_out("`connectTimeout` of the address, or 2000"),
    Setting::own(
        "database.statement-timeout-ms",
        Kind::Number { min: 100, max: 600_000 },
        "How many milliseconds one statement may take before it is given up, and how long work waits for its turn. Migrations take the time they take.",
    )
    .or_worked_out("`socketTimeout` of the address, or 4000"),
    Setting::own(
        "database.ssl-mode",
        Kind::Choice(&["disable", "prefer", "require", "verify-ca", "verify-full"]),
        "Whether the connection is encrypted, and how the server proves who it is.",
    )
    .or_worked_out("`sslmode` of the address, or `prefer`"),
    Setting::own(
        "database.ssl-root-cert",
        Kind::Path,
        "A file of certificates (PEM) that the server's must be signed by.",
    )
    .or_worked_out("`sslrootcert` of the address, or the system's certificates"),
];
