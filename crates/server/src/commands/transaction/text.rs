//! The story of a transaction as text.

use std::fmt::Write;

use jiff::tz::TimeZone;
use payment_domain::{Status, StatusName};
use payment_service::{PersonalData, ReceiptTaskView, TransactionStory};
use serde_json::Value;

use crate::commands::database::{self, amount, gateway_words, moment, payer_words};
use crate::terminal::{Paint, escaped, json_text};

pub(super) fn render(
    story: &TransactionStory,
    personal: PersonalData,
    zone: &TimeZone,
    paint: Paint,
) -> String {
    let page = Page { story, personal, zone, paint };
    let mut out = String::new();
    page.summary(&mut out);
    page.timeline(&mut out);
    page.events(&mut out);
    page.receipt(&mut out);
    page.attention(&mut out);
    if personal == PersonalData::Masked {
        let _ = write!(out, "\n{}", paint.quiet(database::MASKED));
    }
    out.truncate(out.trim_end().len());
    out
}

struct Page<'a> {
    story: &'a TransactionStory,
    personal: PersonalData,
    zone: &'a TimeZone,
    paint: Paint,
}

impl Page<'_> {
    fn status(&self, status: &str) -> String {
        match StatusName::from_word(status) {
            Some(StatusName::Pending) => self.paint.waiting(status),
            Some(StatusName::Success) => self.paint.good(status),
            Some(StatusName::Failure) | None => self.paint.bad(&escaped(status)),
        }
    }

    fn summary(&self, out: &mut String) {
        let txn = &self.story.txn;
        let _ = writeln!(
            out,
            "{}  {}  {}\n",
            self.paint.title(&escaped(txn.id.as_str())),
            self.status(txn.status_text().unwrap_or("no status")),
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
            line("bill", &format!("{}  {}", bill.bill_id, bill.amount_paid.labelled()));
        }
        line("tenant", txn.tenant_id.as_str());
        line("consumer", &txn.consumer_code);
        line("product", &txn.product_info);
        line("module", txn.module.as_deref().unwrap_or_default());
        line("payer", &payer_words(txn, self.personal));
        line("gateway", &gateway_words(txn));
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
        for entry in &self.story.history {
            let step = match entry.from {
                Some(from) if from != entry.to => {
                    format!("{} → {}", self.status(from), self.status(entry.to))
                }
                Some(_) | None => self.status(entry.to),
            };
            let who = format!("{} {}", entry.by.kind, escaped(&entry.by.id));
            let at = self.paint.quiet(&moment(entry.time, self.zone));
            let _ = writeln!(out, "  {at}  {step}  {}  ({who})", escaped(&entry.why));
            self.evidence(out, &entry.evidence);
        }
    }

    fn events(&self, out: &mut String) {
        let _ = writeln!(out, "\n{}", self.paint.title("Events"));
        for event in &self.story.events {
            let published = match (event.published_time, &event.dead_letter) {
                (Some(at), _) => format!("published {}", moment(at, self.zone)),
                (None, Some(letter)) => self.paint.bad(&format!(
                    "dead letter {}: {}",
                    moment(letter.time, self.zone),
                    escaped(&letter.reason)
                )),
                (None, None) => "in the outbox".to_owned(),
            };
            let at = self.paint.quiet(&moment(event.stored_time, self.zone));
            let _ = writeln!(out, "  {at}  #{}  {}  {published}", event.sequence, event.kind);
        }
    }

    fn receipt(&self, out: &mut String) {
        let _ = writeln!(out, "\n{}\n  {}", self.paint.title("Receipt"), receipt_sentence(self.story));
        if let Some(task) = &self.story.receipt_task {
            self.task(out, task);
        }
        let Some(cancellation) = &self.story.receipt_cancellation else { return };
        let refund = escaped(&cancellation.refund_id);
        let _ = match cancellation.outcome {
            None => writeln!(out, "  to be cancelled for refund {refund}"),
            Some("CANCELLED") => writeln!(out, "  cancelled for refund {refund}"),
            Some("NO_RECEIPT") => writeln!(out, "  there was none to be cancelled for refund {refund}"),
            Some(_) => writeln!(out, "  kept: refund {refund} gave nothing back"),
        };
        if cancellation.outcome.is_none() {
            self.task(out, &cancellation.task);
        }
    }

    fn task(&self, out: &mut String, task: &ReceiptTaskView) {
        let due = moment(task.due_time, self.zone);
        let _ = writeln!(out, "  due {due}, tried {} times before", task.attempts);
        if let Some(until) = task.lease_time {
            let _ = writeln!(out, "  leased to a worker until {}", moment(until, self.zone));
        }
        if let Some(error) = &task.last_error {
            let _ = writeln!(out, "  the last try: {}", escaped(error));
        }
    }

    fn attention(&self, out: &mut String) {
        for case in &self.story.attention {
            let at = self.paint.quiet(&moment(case.raised_time, self.zone));
            let (title, then) = match &case.resolution {
                None => (
                    self.paint.bad("Waits for an operator"),
                    format!("`pg-service attention show {}` tells what to do", case.id),
                ),
                Some(resolution) => (
                    self.paint.title("An operator has seen to it"),
                    format!(
                        "resolved {} by {}: {}",
                        moment(resolution.time, self.zone),
                        escaped(&resolution.by),
                        escaped(&resolution.reason)
                    ),
                ),
            };
            let _ = writeln!(out, "\n{title}\n  {at}  case {}: {}\n  {then}", case.id, case.kind);
            self.evidence(out, &case.evidence);
        }
    }

    fn evidence(&self, out: &mut String, evidence: &Value) {
        if self.personal == PersonalData::Shown && !evidence.is_null() {
            let _ = writeln!(out, "    {}", self.paint.quiet(&json_text(&evidence.to_string())));
        }
    }
}

fn receipt_sentence(story: &TransactionStory) -> &'static str {
    match (&story.txn.status, &story.receipt_task) {
        (Status::Success { receipt: Some(_) }, _) => "issued",
        (Status::Success { receipt: None }, Some(task)) if task.lease_time.is_some() => "being issued now",
        (Status::Success { receipt: None }, Some(_)) => "due",
        (Status::Success { receipt: None }, None) if story.receipt_cancellation.is_some() => {
            "none, the payment is given back"
        }
        (Status::Success { receipt: None }, None) => "missing, and no task issues it",
        (Status::Pending | Status::Failure, _) => "none, nothing was paid",
    }
}
