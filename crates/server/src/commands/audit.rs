//! `audit`: the audit log, read, verified, exported and signed.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use jiff::tz::TimeZone;
use payment_domain::{AuditActor, TenantId, Timestamp};
use payment_service::PersonalData;
use payment_service::audit::{
    AuditEntryView, AuditTrail, CheckpointError, Checkpointed, KnownCheckpoints, PublicKey, RedactError,
    SignedCheckpoint, VerifyError, verify_export,
};
use payment_store::{AuditQuery, TenantScope};
use serde_json::Value;

mod verdict;

use super::database::{second, unreadable};
use super::table::{Column, Table, plain};
use super::{by_hand, personal_data, small_runtime};
use crate::cli::{
    AuditCheckpointArgs, AuditExportArgs, AuditListArgs, AuditRedactArgs, AuditShowArgs, AuditVerifyArgs,
};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service;
use crate::terminal::{Paint, say, say_json};

fn with_audit<T>(config: &Config, work: impl AsyncFnOnce(AuditTrail) -> Outcome<T>) -> Outcome<T> {
    small_runtime()?.block_on(async { work(service::open_audit(config).await?).await })
}

/// The account of this machine that runs the command.
fn actor(by: Option<&str>) -> Outcome<AuditActor> {
    let user = by_hand::operator(by).ok_or_else(|| {
        Failure::new("the audit log records the person who acts, and none is named").try_this("set USER")
    })?;
    Ok(by_hand::actor(&user))
}

pub(super) fn list(config: &Config, args: &AuditListArgs) -> Outcome<ExitCode> {
    let tenant = args.tenant.as_deref().map(TenantId::new).transpose();
    let tenant = tenant.map_err(|error| Failure::new("that is no tenant").because(&error))?;
    let query = AuditQuery {
        after: args.after,
        action: args.action,
        object_kind: args.object_kind.clone(),
        object_id: args.object_id.clone(),
        actor: args.actor.clone(),
        within: tenant.map(|tenant| TenantScope { root: tenant.to_string() }),
        limit: args.limit,
        ..AuditQuery::default()
    };
    let entries =
        with_audit(config, async |audit| audit.list(&query).await.map_err(|error| unreadable(&error)))?;
    let is_full = u32::try_from(entries.len()) == Ok(args.limit);
    let views: Vec<AuditEntryView> =
        entries.into_iter().map(|entry| AuditEntryView::of(entry, PersonalData::Masked)).collect();
    if args.json {
        say_json(&views)?;
    } else if views.is_empty() {
        say("There is no such entry.")?;
    } else {
        let paint = Paint::detect();
        let mut out = table(&views, &config.embedded.time_zone).render(paint);
        if is_full {
            out.push_str(&format!("\n{}", paint.quiet("There may be more: --after NUMBER shows them.")));
        }
        say(&out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(views: &[AuditEntryView], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::Number("entry"),
        Column::Text("time"),
        Column::Text("actor"),
        Column::Text("action"),
        Column::Text("object"),
        Column::Text("tenant"),
        Column::Text("reason"),
    ]);
    for view in views {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (entry, personal) = (&view.entry, &view.personal);
        let name = text(&personal["name"]);
        let actor = [text(&entry["actor"]["id"]), name].join(" ");
        let at = Timestamp::from_millis(entry["at"].as_i64().unwrap_or_default());
        table.row([
            plain(view.number),
            plain(second(at, zone)),
            plain(actor.trim()),
            plain(text(&entry["action"])),
            plain(format!("{} {}", text(&entry["object"]["kind"]), text(&entry["object"]["id"])).trim()),
            plain(text(&entry["tenant"])),
            plain(text(&personal["reason"])),
        ]);
    }
    table
}

pub(super) fn show(config: &Config, args: &AuditShowArgs) -> Outcome<ExitCode> {
    let by = args.show_personal_data.then(|| actor(None)).transpose()?;
    let found = with_audit(config, async |audit| {
        let found = audit.show(args.number, AuditQuery::default()).await;
        let Some(entry) = found.map_err(|error| unreadable(&error))? else { return Ok(None) };
        if let Some(by) = by {
            let entries = std::slice::from_ref(&entry);
            audit.reveal(by, entries, None).await.map_err(|error| unreadable(&error))?;
        }
        Ok(Some(entry))
    })?;
    let entry = found.ok_or_else(|| Failure::new(format!("the audit log has no entry {}", args.number)))?;
    say_json(&AuditEntryView::of(entry, personal_data(args.show_personal_data)))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn verify(config: impl FnOnce() -> Outcome<Config>, args: &AuditVerifyArgs) -> Outcome<ExitCode> {
    let key = args.public_key.as_deref().map(public_key).transpose()?;
    let from_file = match (&args.checkpoints, &key) {
        (Some(path), Some(key)) => {
            let known = KnownCheckpoints::of_file(BufReader::new(open(path)?), key);
            Some(known.map_err(|error| cannot_read(path).because(&error))?)
        }
        (None, _) | (_, None) => None,
    };
    let verification = match &args.export {
        Some(path) => {
            let export = BufReader::new(open(path)?);
            verify_export(export, from_file.unwrap_or_default())
                .map_err(|error| cannot_read(path).because(&error))?
        }
        None => with_audit(&config()?, async |audit| {
            let known = match from_file {
                Some(known) => known,
                None => audit.own_checkpoints(key.as_ref()).await.map_err(|error| unreadable(&error))?,
            };
            audit.verify(known).await.map_err(|error| match error {
                VerifyError::Store(error) => unreadable(&error),
                VerifyError::Export(error) => Failure::new("the log cannot be read").because(&error),
            })
        })?,
    };
    if args.json {
        say_json(&verification)?;
    } else {
        say(&verdict::text(&verification, args.checkpoints.is_some(), Paint::detect()))?;
    }
    Ok(if verification.broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn public_key(path: &Path) -> Outcome<PublicKey> {
    let pem = std::fs::read_to_string(path).map_err(|error| cannot_read(path).because(&error))?;
    PublicKey::from_pem(&pem).map_err(|error| Failure::new(format!("{} {error}", path.display())))
}

fn open(path: &Path) -> Outcome<File> {
    File::open(path).map_err(|error| cannot_read(path).because(&error))
}

fn cannot_read(path: &Path) -> Failure {
    Failure::new(format!("{} cannot be read", path.display()))
}

pub(super) fn export(config: &Config, args: &AuditExportArgs) -> Outcome<ExitCode> {
    let by = actor(None)?;
    let cannot_write = |error: std::io::Error| Failure::new("the export cannot be written").because(&error);
    let out: Box<dyn Write> = match &args.output {
        Some(path) => {
            Box::new(OpenOptions::new().write(true).create_new(true).open(path).map_err(cannot_write)?)
        }
        None => Box::new(std::io::stdout()),
    };
    let mut out = BufWriter::new(out);
    let rows = with_audit(config, async |audit| {
        let mut exporting = audit.export(by).await.map_err(|error| unreadable(&error))?;
        while let Some(lines) = exporting.next().await.map_err(|error| unreadable(&error))? {
            out.write_all(lines.as_bytes()).map_err(cannot_write)?;
        }
        out.flush().map_err(cannot_write)?;
        Ok(exporting.rows())
    })?;
    if let Some(path) = &args.output {
        say(&format!("{rows} entries are in {}.", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn checkpoint(config: &Config, args: &AuditCheckpointArgs) -> Outcome<ExitCode> {
    let made = with_audit(config, async |audit| {
        audit.checkpoint().await.map_err(|error| match &error {
            CheckpointError::NoKey => Failure::new(error.to_string()).try_this("set audit.signing-key.file"),
            CheckpointError::Broken(_) => Failure::new(error.to_string())
                .try_this("`pg-service audit verify` says more; a broken log is not signed"),
            CheckpointError::File(..) => Failure::new(error.to_string()),
            CheckpointError::Store(error) => unreadable(error),
        })
    })?;
    let (signed, is_new) = match made {
        Checkpointed::New(signed) => (Some(signed), true),
        Checkpointed::Unchanged(signed) => (signed, false),
    };
    let Some(signed) = signed else {
        say("The audit log has no entries.")?;
        return Ok(ExitCode::SUCCESS);
    };
    if args.json {
        say(&signed.line())?;
    } else {
        say(&text(&signed, is_new, &config.embedded.time_zone))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(signed: &SignedCheckpoint, is_new: bool, zone: &TimeZone) -> String {
    let checkpoint = &signed.checkpoint;
    let said = if is_new { "Signed" } else { "Nothing was appended since the last checkpoint" };
    format!("{said}: {} entries, {}\n{}", checkpoint.size, second(checkpoint.at, zone), signed.line())
}

pub(super) fn redact(config: &Config, args: &AuditRedactArgs) -> Outcome<ExitCode> {
    let by = actor(args.by.as_deref())?;
    with_audit(config, async |audit| {
        audit.redact(by, args.number, &args.reason).await.map_err(|error| match error {
            RedactError::Store(error) => unreadable(&error),
            RedactError::NoReason | RedactError::Nothing => Failure::new(error.to_string()),
        })
    })?;
    say(&format!("The personal values of entry {} are removed; the log stays whole.", args.number))?;
    Ok(ExitCode::SUCCESS)
}
