//! The service on PostgreSQL, beside pgbench: as many connections, the same server, the same rows.
//!
//! pgbench runs the statements of an application without group commit: single-row statements with prepared
//! plans, one transaction per payment. It writes the same rows as the service, without the service's look-ups.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::Options;
use crate::database::Database;
use crate::fill::{self, Filling};
use crate::measure;
use crate::pgbench::{Extent, Pgbench, Script};
use crate::report::{Line, Report, progress};
use crate::requests::id_of;
use crate::rows::{self, Row, Statements, TABLES};
use crate::service::{self, Service};

/// Payments in the searched table.
const SOUGHT: u64 = 100_000;

/// The columns that are fixed when a payment is created, and those that only checks change.
const KEPT: [&str; 14] = [
    "txn_id",
    "tenant_id",
    "txn_amount",
    "currency",
    "bill_id",
    "bills",
    "module_id",
    "consumer_code",
    "user_uuid",
    "created_by",
    "created_time",
    "checks",
    "last_checked_at",
    "next_check_at",
];

/// Measures create, search by id and update.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let pgbench = Pgbench::find()?;
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    progress("PostgreSQL starts");
    let database = Database::start().await?;
    let service = Service::start(&database.launch(&binary, &folder.path().join("service"))).await?;

    progress("warm-up");
    let warm = measure::warm_up(&service, options, "warm").await?;
    let template = warm.first().map(|kept| id_of(kept)).context("nothing was created")?;

    database.settle().await?;
    let created = measure::creates(&service, options, "load").await?;
    database.settle().await?;
    let extent = Extent::Seconds(options.seconds);
    let script = create_script(&database, &template).await?;
    let raw_created = pgbench.run(&database, options, "create", &script, extent).await?;

    progress("payments to search among");
    let sought = Filling {
        template: template.clone(),
        prefix: "SOUGHT-",
        count: SOUGHT,
        is_history: false,
        is_varied: false,
    };
    fill::fill(&database, &sought).await?;
    database.tidy().await?;
    let searched = measure::searches(&service, options, sought_ids()).await?;
    let raw_searched = pgbench.run(&database, options, "search", &search_script(), extent).await?;

    let paid = Arc::new(measure::paid(&service, options, options.updates).await?);
    database.settle().await?;
    let settled = measure::updates(&service, options, &paid).await?;
    let repeated = measure::repeated_updates(&service, options, &paid).await?;
    let each = options.updates.div_ceil(options.connections).max(1);
    let open = Filling {
        template,
        prefix: "OPEN-",
        count: u64::try_from(each * options.connections)?,
        is_history: false,
        is_varied: false,
    };
    fill::fill(&database, &open).await?;
    database.settle().await?;
    let script = update_script(&database, paid.first().context("nothing was paid")?, each).await?;
    let raw_updated = pgbench.run(&database, options, "update", &script, Extent::Times(each)).await?;

    let memory = service.memory_kib()?;
    let settings = database.settings().await?;
    service.stop().await?;

    let name = "pgbench";
    Ok(Report {
        lines: vec![
            Line::of_rate("pgbench: create", raw_created),
            Line::of_rate("pgbench: select by id", raw_searched),
            Line::of_rate("pgbench: update", raw_updated),
            Line::of("create", &created).beside(raw_created, name, "≥ 1.0"),
            Line::of("search by id", &searched).beside(raw_searched, name, "≥ 0.6"),
            Line::of("update: ask, settle, receipt", &settled).beside(raw_updated, name, ""),
            Line::of("update of a settled one", &repeated),
        ],
        facts: vec![
            (
                "memory after the load (resident, own)",
                format!("{} MB, {} MB", memory.0 / 1024, memory.1 / 1024),
            ),
            ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
            ("PostgreSQL", settings),
        ],
    })
}

/// The ids to search for, in a scattered order.
fn sought_ids() -> Vec<String> {
    const STEP: u64 = 7_919; // a prime
    (0..SOUGHT).map(|place| format!("SOUGHT-{}", place * STEP % SOUGHT + 1)).collect()
}

/// The rows of one create, in one transaction.
async fn create_script(database: &Database, template: &str) -> Result<Script> {
    let own = [
        ("txn_id", "'PGBENCH-' || :client_id || '-' || :n"),
        ("bill_id", "'PGBENCH-B-' || :client_id || '-' || :n"),
        ("consumer_code", "'PT-' || :client_id || '-' || :n"),
    ];
    let mut statements = numbered();
    statements.line("BEGIN;");
    for table in TABLES {
        for row in rows::of(&database.client, table, template).await? {
            statements.insert(table.name, &row, &own);
        }
    }
    statements.line("END;");
    Ok(statements.finish())
}

/// One row by its key.
fn search_script() -> Script {
    let mut statements = Statements::default();
    statements.line(&format!("\\set n random(1, {SOUGHT})"));
    statements.line("SELECT * FROM eg_pg_transactions WHERE txn_id = 'SOUGHT-' || :n;");
    statements.finish()
}

/// The rows of one update, in two transactions: the gateway's report, and the receipt. Without the
/// embedded collection service's rows.
async fn update_script(database: &Database, template: &str, each: usize) -> Result<Script> {
    const ID: &str = "'OPEN-' || :order";
    let [_, transactions, _, history, dumps, outbox] = TABLES;
    let client = &database.client;
    let of = async |table| rows::of(client, table, template).await;
    let (payment, lines) = (one(of(transactions).await?, 0)?, of(history).await?);
    let (dump, events) = (one(of(dumps).await?, 0)?, of(outbox).await?);

    let mut statements = numbered();
    statements.line(&format!("\\set order :client_id * {each} + :n"));
    let id = [("txn_id", ID)];
    let lock = format!("SELECT * FROM eg_pg_transactions WHERE txn_id = {ID} FOR UPDATE;");

    statements.line("BEGIN;");
    statements.line(&lock);
    statements.update(transactions, &payment, &KEPT, &[("receipt", "NULL")], ID);
    statements.insert(history.name, &one(lines.clone(), 1)?, &id);
    statements.update(dumps, &dump, &["txn_id", "created_by", "created_time"], &[], ID);
    for place in [2, 3] {
        statements.insert(outbox.name, &one(events.clone(), place)?, &id);
    }
    statements.line(&format!(
        "INSERT INTO eg_pg_receipt_duties (txn_id, due_at, attempts, lease_token, lease_until)
         VALUES ({ID}, 0, 0, 'bench', 9999999999999);"
    ));
    statements.line("END;");

    statements.line("BEGIN;");
    statements.line(&lock);
    statements.line(&format!("SELECT lease_token FROM eg_pg_receipt_duties WHERE txn_id = {ID} FOR UPDATE;"));
    statements.update(transactions, &payment, &KEPT, &[("receipt", "'R-' || :order")], ID);
    statements.insert(history.name, &one(lines, 2)?, &id);
    statements.insert(outbox.name, &one(events, 4)?, &id);
    statements.line(&format!("DELETE FROM eg_pg_receipt_duties WHERE txn_id = {ID};"));
    statements.line("END;");
    Ok(statements.finish())
}

/// A script that counts its runs in `n`, from 1 for each client.
pub(crate) fn numbered() -> Statements {
    let mut statements = Statements::default();
    statements.define("n", "0");
    statements.line("\\set n :n + 1");
    statements
}

pub(crate) fn one(rows: Vec<Row>, place: usize) -> Result<Row> {
    rows.into_iter().nth(place).context("the service has written fewer rows than it should")
}
