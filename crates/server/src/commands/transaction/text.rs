//! A transaction on a page for people.

use std::fmt::Write;

use jiff::tz::TimeZone;
use payment_domain::{Personal, StatusName};
use serde_json::Value;

use super::{Whole, receipt_sentence};
use crate::commands::database::{amount, moment};
use crate::terminal::{Paint, escaped, json_text};

pub(super) fn render(whole: &Whole, personal: bool, zone: &TimeZone, paint: Paint) -> String {
    let page = Page { whole, personal, zone, paint };
    let mut out = String::new();
    page.summary(&mut out);
    page.timeline(&mut out);
    page.events(&mut out);
    page.receipt(&mut out);
    page.attention(&mut out);
    if !personal {
        let _ = write!(out, "\n{}", paint.quiet("Personal data is hidden; --show-personal-data shows it."));
    }
    out.truncate(out.trim_end().len());
    out
}

struct Page<'a> {
    whole: &'a Whole,
    personal: bool,
    zone: &'a TimeZone,
    paint: Paint,
}

impl Page<'_> {
    fn status(&self, status: StatusName) -> String {
        match status {
            StatusName::Pending => self.paint.waiting(status.as_str()),
            StatusName::Success => self.paint.good(status.as_str()),
            StatusName::Failure => self.paint.bad(status.as_str()),
        }
    }

    fn show(&self, text: &Personal) -> String {
        if self.personal { text.expose().to_owned() } else { text.masked() }
    }

    fn summary(&self, out: &mut String) {
        let txn = &self.whole.txn;
        let _ = writeln!(
            out,
            "{}  {}  {}\n",
            self.paint.title(&escaped(txn.id.as_str())),
            match txn.unknown.as_ref().and_then(|unknown| unknown.status.as_ref()) {
                Some(_) => self.paint.bad(&escaped(txn.status_text().unwrap_or("no status"))),
                None => self.status(txn.status.name()),
            },
            escaped(&txn.status_message)
        );
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(out, "  {name:10} {}", escaped(value));
            }
        };
        line("amount", &amount(txn));
        line("unknown", txn.unknown_values().as_deref().unwrap_or_default());
        for bill in &txn.bills {
            line("bill", &format!("{}  {}", bill.bill_id, bill.amount_paid));
        }
        line("tenant", txn.tenant_id.as_str());
        line("consumer", &txn.consumer_code);
        line("product", &txn.product_info);
        line("module", txn.module.as_deref().unwrap_or_default());
        let payer = &txn.payer;
        line(
            "payer",
            &format!("{}, {}, {}", self.show(&payer.name), self.show(&payer.mobile_number), payer.uuid),
        );
        let details = &txn.gateway_details;
        let said: Vec<&str> =
            [&details.txn_id, &details.payment_mode, &details.status_code, &details.status_message]
                .into_iter()
                .filter_map(|text| text.as_deref())
                .collect();
        line("gateway", &format!("{}  {}", txn.gateway, said.join(", ")));
        line("receipt", txn.receipt().unwrap_or_default());
        if txn.audit.created_at.as_millis() != 0 {
            let at = moment(txn.audit.created_at, self.zone);
            line("created", &format!("{at} by {}", txn.audit.created_by));
        }
        if let (Some(at), Some(by)) = (txn.audit.modified_at, &txn.audit.modified_by) {
            line("changed", &format!("{} by {by}, version {}", moment(at, self.zone), txn.version));
        }
    }

    fn timeline(&self, out: &mut String) {
        let _ = writeln!(out, "\n{}", self.paint.title("History"));
        for entry in &self.whole.history {
            let step = match entry.from {
                Some(from) if from != entry.to => {
                    format!("{} → {}", self.status(from), self.status(entry.to))
                }
                Some(_) | None => self.status(entry.to),
            };
            let who = format!("{} {}", entry.actor.kind.as_str(), escaped(&entry.actor.id));
            let at = self.paint.quiet(&moment(entry.at, self.zone));
            let _ = writeln!(out, "  {at}  {step}  {}  ({who})", escaped(&entry.why));
            self.evidence(out, &entry.evidence);
        }
    }

    fn events(&self, out: &mut String) {
        let _ = writeln!(out, "\n{}", self.paint.title("Events"));
        for stored in &self.whole.events {
            let published = match (stored.published_at, &stored.dead_letter) {
                (Some(at), _) => format!("published {}", moment(at, self.zone)),
                (None, Some(letter)) => self.paint.bad(&format!(
                    "dead letter {}: {}",
                    moment(letter.at, self.zone),
                    letter.reason
                )),
                (None, None) => "in the outbox".to_owned(),
            };
            let at = self.paint.quiet(&moment(stored.stored_at, self.zone));
            let _ =
                writeln!(out, "  {at}  #{}  {}  {published}", stored.sequence, stored.event.kind.as_str());
        }
    }

    fn receipt(&self, out: &mut String) {
        let _ = writeln!(out, "\n{}\n  {}", self.paint.title("Receipt"), receipt_sentence(self.whole));
        let Some(task) = &self.whole.task else { return };
        let _ =
            writeln!(out, "  due {}, tried {} times before", moment(task.due_at, self.zone), task.attempts);
        if let Some(lease) = &task.lease {
            let _ = writeln!(out, "  somebody is at it, until {}", moment(lease.until, self.zone));
        }
        if let Some(error) = &task.last_error {
            let _ = writeln!(out, "  the last try: {}", escaped(error));
        }
    }

    fn attention(&self, out: &mut String) {
        for stored in &self.whole.attention {
            let at = moment(stored.case.raised_at, self.zone);
            let (title, then) = match &stored.resolution {
                None => (
                    self.paint.bad("Waits for an operator"),
                    format!("`pg-service attention show {}` tells what to do", stored.id),
                ),
                Some(resolution) => (
                    self.paint.title("An operator has seen to it"),
                    format!(
                        "resolved {} by {}: {}",
                        moment(resolution.at, self.zone),
                        escaped(&resolution.by),
                        escaped(&resolution.reason)
                    ),
                ),
            };
            let kind = stored.case.kind.as_str();
            let _ =
                writeln!(out, "\n{title}\n  {}  case {}: {kind}\n  {then}", self.paint.quiet(&at), stored.id);
            self.evidence(out, &stored.case.evidence);
        }
    }

    fn evidence(&self, out: &mut String, evidence: &Value) {
        if self.personal && !evidence.is_null() {
            let _ = writeln!(out, "    {}", self.paint.quiet(&json_text(&evidence.to_string())));
        }
    }
}
