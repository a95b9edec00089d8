//! The limits of the framework and the database, measured in the same run.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use tokio::net::TcpListener;

/// Serves a bare axum endpoint that reads a body of JSON and answers `answer`; returns its address.
pub(crate) async fn bare_endpoint(answer: String) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let router = axum::Router::new().route(
        "/bare",
        axum::routing::post(move |_: axum::Json<serde_json::Value>| {
            let answer = answer.clone();
            async move { ([("content-type", "application/json")], answer) }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// The tables a create writes, in an order that foreign keys allow.
const TABLES: [(&str, &str); 6] = [
    ("eg_pg_transactions", "txn_id"),
    ("eg_pg_transaction_bills", "txn_id"),
    ("eg_pg_bill_claims", "txn_id"),
    ("eg_pg_transaction_history", "txn_id"),
    ("eg_pg_transactions_dump", "txn_id"),
    ("eg_pg_outbox", "txn_id"),
];

struct Table {
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Inserts the rows of one create repeatedly, from one thread, `group` creates per commit, into an empty
/// database of the same schema; returns creates per second. The rows are those that the service wrote for
/// its first transaction, with another id and bill each time.
pub(crate) fn raw_sqlite(written: &Path, empty: &Path, group: usize, limit: Duration) -> Result<f64> {
    let source = Connection::open(written)?;
    let (txn_id, bill_id): (String, String) = source.query_row(
        "SELECT txn_id, bill_id FROM eg_pg_transactions ORDER BY created_time, txn_id LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let tables = TABLES
        .iter()
        .map(|(name, key)| read_rows(&source, name, key, &txn_id))
        .collect::<Result<Vec<Table>>>()?;
    let target = Connection::open(empty)?;
    target.pragma_update(None, "journal_mode", "WAL")?;
    target.pragma_update(None, "synchronous", "FULL")?;
    target.pragma_update(None, "foreign_keys", "ON")?;
    let mut inserts =
        tables.iter().map(|table| Ok(target.prepare(&table.insert)?)).collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let mut creates = 0usize;
    while started.elapsed() < limit {
        target.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..group {
            creates += 1;
            let (id, bill) = (format!("RAW_{creates}"), format!("RAW_BILL_{creates}"));
            for (table, insert) in tables.iter().zip(&mut inserts) {
                for row in &table.rows {
                    let own = row.iter().map(|value| match value {
                        Value::Text(text) => Value::Text(text.replace(&txn_id, &id).replace(&bill_id, &bill)),
                        Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => value.clone(),
                    });
                    insert.execute(params_from_iter(own))?;
                }
            }
        }
        target.execute_batch("COMMIT")?;
    }
    Ok(crate::report::ratio(creates as f64, started.elapsed().as_secs_f64()))
}

fn read_rows(source: &Connection, table: &str, key: &str, txn_id: &str) -> Result<Table> {
    let mut columns: Vec<String> = source
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    // Assigned by the database.
    columns.retain(|column| column != "sequence");
    let list = columns.join(", ");
    let mut query = source.prepare(&format!("SELECT {list} FROM {table} WHERE {key} = ?1"))?;
    let rows = query
        .query_map([txn_id], |row| (0..columns.len()).map(|at| row.get::<_, Value>(at)).collect())?
        .collect::<Result<Vec<Vec<Value>>, _>>()
        .with_context(|| format!("reading {table}"))?;
    anyhow::ensure!(!rows.is_empty(), "no row of {txn_id} in {table}");
    let marks = vec!["?"; columns.len()].join(", ");
    Ok(Table { insert: format!("INSERT INTO {table} ({list}) VALUES ({marks})"), rows })
}
