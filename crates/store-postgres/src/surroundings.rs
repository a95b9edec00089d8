//! Whether payments can be kept in a database, and reached through its pooler: decided at the start, and not
//! by a payer.

use deadpool_postgres::ClientWrapper;

use crate::connections::{Connector, Migrator, Sessions};
use crate::failure::Failure;
use crate::options::PostgresOptions;

/// Refuses a database that cannot hold every text, and one without a place for our tables.
pub(crate) async fn check(migrator: &Migrator) -> Result<(), Failure> {
    const SURROUNDINGS: &str = "
        SELECT current_database()::text, current_setting('server_encoding'), current_schema()::text,
            current_setting('search_path')";
    let found = migrator.row(SURROUNDINGS, &[]).await?;
    let (database, encoding): (String, String) = (found.try_get(0)?, found.try_get(1)?);
    if encoding != "UTF8" {
        return Err(Failure::Unsuitable(format!(
            "the database {database} is encoded in {encoding}, which cannot hold every name: make a new one \
             with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and move the data there with pg_dump \
             and pg_restore"
        )));
    }
    let (schema, path): (Option<String>, String) = (found.try_get(2)?, found.try_get(3)?);
    let is_the_servers = |schema: &String| schema.starts_with("pg_") || schema == "information_schema";
    match schema {
        Some(schema) if !is_the_servers(&schema) => Ok(()),
        Some(_) | None => Err(Failure::Unsuitable(format!(
            "the search path of this user ({path}) names no schema that tables can be made in: name one in \
             the database URL (?currentSchema=public), or with ALTER ROLE … SET search_path, and let the user \
             use it with GRANT USAGE, CREATE ON SCHEMA"
        ))),
    }
}

/// Refuses a schema in which this user cannot make the tables that are missing.
pub(crate) async fn check_creating(migrator: &Migrator) -> Result<(), Failure> {
    const CREATE: &str = "
        SELECT has_schema_privilege(current_schema(), 'CREATE'), current_schema()::text, current_user::text";
    let found = migrator.row(CREATE, &[]).await?;
    if found.try_get(0)? {
        return Ok(());
    }
    let (schema, user): (String, String) = (found.try_get(1)?, found.try_get(2)?);
    Err(Failure::Unsuitable(format!(
        "the user {user} may not make tables in the schema {schema}: GRANT CREATE ON SCHEMA {schema} TO {user}, \
         name another schema in the database URL (?currentSchema=…), or run `pg-service migrate` as a user who may"
    )))
}

/// Finds out whether a pooler gives a session to several clients in turn: two connections that are open at
/// once then meet in the same session, or one is moved when the other begins a database transaction. Refuses
/// one that does and loses prepared statements.
pub(crate) async fn probe(client: &ClientWrapper, connector: &Connector) -> Result<Sessions, Failure> {
    let own = session(client).await?;
    let other = match connector.open().await {
        // A server that accepts no second connection gets no further attempt.
        Err(failure) if failure.is_crowding() => return Ok(Sessions::Own),
        connected => connected?,
    };
    other.batch_execute("BEGIN").await?;
    let is_shared = session(&other).await? == own || session(client).await? != own;
    other.batch_execute("ROLLBACK").await?;
    if !is_shared {
        return Ok(Sessions::Own);
    }
    // Prepared in one database transaction, used in another, while a session in between is taken.
    let kept = async {
        let statement = client.prepare("SELECT pg_backend_pid()").await?;
        other.batch_execute("BEGIN").await?;
        let again = client.query_one(&statement, &[]).await;
        other.batch_execute("ROLLBACK").await?;
        again
    };
    let kept = tokio::time::timeout(connector.limit(), kept).await.map_err(|_| Failure::NoAnswer)?;
    match kept.map_err(Failure::from) {
        Err(Failure::SharedSession) => Err(Failure::Unsuitable(Failure::SharedSession.to_string())),
        kept => kept.map(|_| Sessions::Shared),
    }
}

/// The process that serves this connection now.
async fn session(client: &ClientWrapper) -> Result<i32, Failure> {
    let found = client.query_typed_one("SELECT pg_backend_pid()", &[]).await?;
    Ok(found.try_get(0)?)
}

/// Refuses shared sessions that lack the settings of our own ones.
pub(crate) async fn check_settings(migrator: &Migrator, options: &PostgresOptions) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for setting in options.settings()? {
        let found = migrator.row("SELECT current_setting($1)", &[&setting.name]).await?;
        if !setting.suits(found.try_get(0)?) {
            missing.push(setting.set());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let who = "SELECT format('ALTER ROLE %I IN DATABASE %I ', current_user, current_database())";
    let alter: String = migrator.row(who, &[]).await?.try_get(0)?;
    let statements: Vec<String> = missing.iter().map(|set| format!("{alter}{set}")).collect();
    Err(Failure::Unsuitable(format!(
        "sessions are shared (database.prepared-statements = none, or a pooler before the database), so that \
         the role must have what cannot be set in them: {} then let the pooler connect anew (RECONNECT in \
         PgBouncer's console)",
        statements.join(" ")
    )))
}
