//! `events`: reads the outbox; publishes dead letters again.

use std::process::ExitCode;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::TxnId;
use payment_service::EventView;
use payment_store::{Store, StoreError, StoredEvent};
use serde_json::{Value, json};

use super::database::{self, moment};
use super::{by_hand, personal_data, small_runtime};
use crate::cli::{ReviveArgs, TailArgs};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service;
use crate::terminal::{Paint, Reader, escaped, json_text, say};

const BATCH: u32 = 500;
/// Poll interval for new events, which another process stores.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) fn tail(config: &Config, args: &TailArgs) -> Outcome<ExitCode> {
    let txn_id = args.txn.as_deref().map(database::transaction_id).transpose()?;
    let printer = Printer { args, zone: &config.embedded.time_zone, paint: Paint::detect() };
    small_runtime()?.block_on(async {
        let store = service::open_store(config).await?;
        printer.run(store.as_ref(), txn_id.as_ref()).await
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn revive(config: &Config, args: &ReviveArgs) -> Outcome<ExitCode> {
    let sequence = args.sequence;
    let revived = small_runtime()?.block_on(async {
        let actor = by_hand::actor(&by_hand::any_operator(None));
        let audit = service::open_audit(config).await?;
        audit.requeue(actor, sequence).await.map_err(|error| database::unreadable(&error))
    })?;
    if !revived {
        return Err(Failure::new(format!("event {sequence} is no dead letter"))
            .try_this("`pg-service events tail` shows which events are"));
    }
    say(&format!("Event {sequence} waits to be published again."))?;
    Ok(ExitCode::SUCCESS)
}

struct Printer<'a> {
    args: &'a TailArgs,
    zone: &'a TimeZone,
    paint: Paint,
}

impl Printer<'_> {
    async fn run(&self, store: &dyn Store, txn_id: Option<&TxnId>) -> Outcome {
        let mut after = self.args.after;
        loop {
            let events = read(store, txn_id, after).await.map_err(|error| database::unreadable(&error))?;
            for stored in &events {
                after = stored.sequence;
                if say(&self.line(stored)?)? == Reader::Gone {
                    return Ok(());
                }
            }
            match (events.is_empty(), self.args.follow) {
                (false, _) => {}
                (true, false) => return Ok(()),
                (true, true) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn line(&self, stored: &StoredEvent) -> Outcome<String> {
        let personal = personal_data(self.args.show_personal_data);
        let event = EventView::whole(stored, personal).map_err(|error| {
            Failure::new(format!("event {} cannot be read", stored.sequence)).because(&error)
        })?;
        if self.args.json {
            return Ok(json_text(&json!(event).to_string()).into_owned());
        }
        let at = self.paint.quiet(&moment(event.stored_time, self.zone));
        let summary = event.body.as_ref().map(summary).unwrap_or_default();
        let dead = event.dead_letter.map(|letter| format!("  dead letter: {}", escaped(&letter.reason)));
        Ok(format!(
            "{at}  #{}  {}  {}  {}{}",
            event.sequence,
            event.kind,
            escaped(&event.txn_id),
            escaped(&summary),
            self.paint.bad(&dead.unwrap_or_default())
        ))
    }
}

async fn read(store: &dyn Store, txn_id: Option<&TxnId>, after: i64) -> Result<Vec<StoredEvent>, StoreError> {
    match txn_id {
        Some(id) => {
            let mut events = store.events_of(id).await?;
            events.retain(|stored| stored.sequence > after);
            Ok(events)
        }
        None => store.events_after(after, BATCH).await,
    }
}

/// The event in a few words, without personal data.
fn summary(body: &Value) -> String {
    let txn = &body["Transaction"];
    let text = |name: &str| txn[name].as_str();
    match (text("txnStatus"), text("receipt")) {
        (Some(status), Some(receipt)) => format!("{status}, receipt {receipt}"),
        (Some(status), None) => status.to_owned(),
        (None, _) if !body["checkpoint"].is_null() => "a checkpoint of the audit log".to_owned(),
        (None, _) if body["TransactionDump"].is_null() => "a text message to the payer".to_owned(),
        (None, _) if body["TransactionDump"]["txnResponse"].is_null() => {
            "the request to the gateway".to_owned()
        }
        (None, _) => "the gateway's answer".to_owned(),
    }
}
