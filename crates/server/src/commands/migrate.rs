//! `migrate`: brings the database up to date, or says whether it is.

use std::process::ExitCode;
use std::time::Duration;

use payment_store::migration::MigrationState;
use payment_store_postgres::{MigrationPlan, PlannedIndex};

use super::{flyway, load_from, refused, small_runtime};
use crate::cli::{MigrateArgs, SettingArgs};
use crate::failure::{Failure, Outcome};
use crate::service::{self, Migrated, Migrations};
use crate::terminal::{Paint, complain, say};

pub(super) fn run(settings: &SettingArgs, args: &MigrateArgs) -> Outcome<ExitCode> {
    let paint = Paint::detect();
    let mut sources = settings.sources();
    if args.flyway {
        flyway::take(&mut sources.environment)?;
    }
    let config = load_from(&sources)?.into_config().map_err(|problems| refused(&problems))?;
    let runtime = small_runtime()?;
    if args.dry_run
        && let Some((database, plan)) = runtime.block_on(service::migration_plan(&config))?
    {
        return dry_run(&database, &plan, paint);
    }
    if args.check || args.dry_run {
        check(&runtime.block_on(service::migrations(&config))?, paint)
    } else {
        let waiting = |database: &str, failure: &Failure, _: Duration| {
            complain(&format!("{database} is unavailable, waiting for it: {}", failure.cause()));
        };
        migrate(&runtime.block_on(service::migrate(&config, waiting))?, paint)
    }
}

fn check(found: &Migrations, paint: Paint) -> Outcome<ExitCode> {
    let pending = found.states.iter().filter(|state| state.applied_at_ms.is_none()).count();
    let mut out = format!("{}\n", paint.title(&found.database));
    found.states.iter().for_each(|state| out.push_str(&line(paint, state, "applied")));
    if pending == 0 {
        out.push_str(&paint.good("The database is up to date."));
    } else {
        out.push_str(
            &paint.waiting(&format!("{pending} pending: `pg-service migrate` applies what is pending.")),
        );
    }
    say(&out)?;
    Ok(if pending == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn dry_run(database: &str, plan: &MigrationPlan, paint: Paint) -> Outcome<ExitCode> {
    let mut out = format!("{}\n", paint.title(database));
    for (version, name) in &plan.pending {
        out.push_str(&format!("  {version:04}  {name}  {}\n", paint.waiting("pending")));
    }
    if !plan.altered.is_empty() {
        out.push_str(&format!(
            "  altered, locked for less than a second: {}; each lock is waited for {} ms, and tried again after that\n",
            plan.altered.join(", "),
            plan.longest_wait.as_millis()
        ));
    }
    if let Some(oldest) = plan.oldest_holder {
        out.push_str(&paint.waiting(&format!(
            "  {} transactions of others hold these tables, the oldest for {}: the migration waits for their end\n",
            plan.holders,
            about(oldest)
        )));
    }
    for PlannedIndex { name, rows, time, .. } in &plan.indexes {
        out.push_str(&format!(
            "  index {name}, {rows} rows, built while payments go on: about {}\n",
            about(*time)
        ));
    }
    if plan.adopted_rows > 0 {
        out.push_str(&format!(
            "  {} transactions of an earlier service adopted, in batches while payments go on: about {}\n",
            plan.adopted_rows,
            about(plan.adoption)
        ));
    }
    let is_idle = plan.pending.is_empty() && plan.indexes.is_empty() && plan.adopted_rows == 0;
    out.push_str(&paint.good(&if is_idle {
        "Nothing to do: the database is up to date.".to_owned()
    } else {
        let megabytes = plan.bytes.div_ceil(1_000_000);
        format!("About {} and {megabytes} MB in all. Nothing was changed.", about(plan.time()))
    }));
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn about(time: Duration) -> String {
    match time.as_secs() {
        0 => "a second".to_owned(),
        seconds @ 1..120 => format!("{} s", seconds + 1),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

fn migrate(Migrated { database, report }: &Migrated, paint: Paint) -> Outcome<ExitCode> {
    let mut out = format!("{}\n", paint.title(database));
    report.present.iter().for_each(|state| out.push_str(&line(paint, state, "applied before")));
    report.applied.iter().for_each(|state| out.push_str(&line(paint, state, "applied now")));
    for version in &report.newer {
        out.push_str(&format!("  {version:04}  applied by a newer version of this program\n"));
    }
    if report.adopted_rows > 0 {
        out.push_str(&format!("  {} transactions of an earlier service adopted\n", report.adopted_rows));
    }
    let odd = &report.odd_rows;
    if odd.count > 0 {
        out.push_str(&paint.waiting(&format!(
            "  {} transactions of the earlier service hold what this service does not know; they are shown as they are:\n",
            odd.count
        )));
        for (id, oddity) in &odd.named {
            out.push_str(&format!("    {}  {oddity}\n", id.escape_debug()));
        }
        if odd.count > odd.named.len() as u64 {
            out.push_str("    …\n");
        }
    }
    out.push_str(&paint.good(match report.applied.len() {
        0 => "Nothing to do: the database is up to date.",
        _ => "The database is up to date.",
    }));
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn line(paint: Paint, state: &MigrationState, applied: &str) -> String {
    let standing = match state.applied_at_ms {
        Some(_) => paint.quiet(applied),
        None => paint.waiting("pending"),
    };
    format!("  {:04}  {}  {standing}\n", state.version, state.name)
}
