//! Whether a database is one that payments can be kept in: found out at the start, and not by a payer.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::SimpleQueryMessage;

use crate::connections::Connector;
use crate::failure::Failure;

/// Refuses a database that cannot hold every text, and one without a place for our tables.
pub(crate) async fn check(client: &ClientWrapper) -> Result<(), Failure> {
    const SURROUNDINGS: &str = "
        SELECT current_database()::text, current_setting('server_encoding'), current_schema()::text,
            current_setting('search_path')";
    let found = client.query_one(SURROUNDINGS, &[]).await?;
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
pub(crate) async fn check_creating(client: &ClientWrapper) -> Result<(), Failure> {
    const CREATE: &str = "
        SELECT has_schema_privilege(current_schema(), 'CREATE'), current_schema()::text, current_user::text";
    let found = client.query_one(CREATE, &[]).await?;
    if found.try_get(0)? {
        return Ok(());
    }
    let (schema, user): (String, String) = (found.try_get(1)?, found.try_get(2)?);
    Err(Failure::Unsuitable(format!(
        "the user {user} may not make tables in the schema {schema}: GRANT CREATE ON SCHEMA {schema} TO {user}, \
         name another schema in the database URL (?currentSchema=…), or run `pg-service migrate` as a user who may"
    )))
}

/// Refuses a pooler that hands the session of one client to another after each transaction: two
/// connections that are open at once then meet in the same session, or one is moved when the other
/// begins a transaction.
pub(crate) async fn refuse_shared_sessions(
    client: &ClientWrapper,
    connector: &Connector,
) -> Result<(), Failure> {
    let own = session(client).await?;
    let other = match connector.connect().await {
        // A server that lets nobody else in is asked for no more.
        Err(failure) if failure.is_crowding() => return Ok(()),
        connected => connected?,
    };
    other.batch_execute("BEGIN").await?;
    let is_shared = session(&other).await? == own || session(client).await? != own;
    other.batch_execute("ROLLBACK").await?;
    if is_shared { Err(Failure::Unsuitable(Failure::SharedSession.to_string())) } else { Ok(()) }
}

/// The process that serves this connection now.
async fn session(client: &ClientWrapper) -> Result<String, Failure> {
    // Not prepared: that needs a session.
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    let row = answer.iter().find_map(|message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        row.get(0)
    });
    row.map(str::to_owned).ok_or(Failure::OutOfRange)
}
