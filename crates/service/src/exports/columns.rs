//! The columns of each list: names as those of the API, and the values of a row.

use payment_domain::{MerchantCredential, Personal, Refund, Timestamp, mask_into};
use payment_store::{
    AttentionCase, PaymentLine, RunRecord, StoredAccount, StoredEntry, StoredEvent, TenantScope,
};
use serde_json::Value;

use super::source::Page;
use crate::advice::Advice;
use crate::audit::AuditEntryView;
use crate::view::{EventView, PersonalData, RunView};

/// A file with rows of values, each of which takes the next column.
pub(super) trait Table {
    fn text(&mut self, text: &str);
    fn number(&mut self, number: i64);
    /// A decimal number, or in rows of an earlier service any text.
    fn amount(&mut self, amount: &str);
    fn moment(&mut self, at: Option<Timestamp>);
    fn end_row(&mut self);
}

/// The rows in which personal data is shown.
pub(super) struct Shown {
    /// Those of these tenants and below.
    within: Vec<TenantScope>,
    masked: String,
}

impl Shown {
    /// `None` stars everything.
    pub(super) fn within(within: Option<Vec<TenantScope>>) -> Shown {
        Shown { within: within.unwrap_or_default(), masked: String::new() }
    }

    fn covers(&self, tenant: &str) -> bool {
        let is_within = |scope: &TenantScope| {
            tenant
                .strip_prefix(scope.root.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.within.iter().any(is_within)
    }

    fn write(&mut self, is_shown: bool, text: &str, table: &mut impl Table) {
        if is_shown {
            return table.text(text);
        }
        self.masked.clear();
        mask_into(text, &mut self.masked);
        table.text(&self.masked);
    }
}

pub(super) const PAYMENTS: &[&str] = &[
    "txnId",
    "tenantId",
    "txnStatus",
    "txnAmount",
    "currency",
    "createdTime",
    "lastModifiedTime",
    "module",
    "consumerCode",
    "billId",
    "gateway",
    "gatewayTxnId",
    "bankTransactionNo",
    "gatewayPaymentMode",
    "receipt",
    "payerName",
    "mobileNumber",
    "emailId",
];
pub(super) const REFUNDS: &[&str] = &[
    "refundId",
    "tenantId",
    "status",
    "refundAmount",
    "currency",
    "createdTime",
    "requestedBy",
    "decidedBy",
    "decidedTime",
    "reasonCode",
    "reason",
    "originalTxnId",
    "originalAmount",
    "gateway",
    "gatewayRefundId",
    "receiptStatus",
    "consumerCode",
];
pub(super) const CASES: &[&str] = &[
    "id",
    "kind",
    "raisedTime",
    "txnId",
    "owner",
    "recommendedAction",
    "resolvedTime",
    "resolvedBy",
    "resolution",
];
pub(super) const EVENTS: &[&str] =
    &["sequence", "storedTime", "kind", "txnId", "tenantId", "publishedTime", "deadTime", "deadReason"];
pub(super) const RUNS: &[&str] = &[
    "run",
    "job",
    "state",
    "reason",
    "scheduledTime",
    "startedTime",
    "endedTime",
    "node",
    "attempt",
    "missed",
    "examined",
    "changed",
    "stillPending",
    "failed",
];
pub(super) const ENTRIES: &[&str] = &[
    "number",
    "at",
    "actor",
    "role",
    "action",
    "objectKind",
    "objectId",
    "tenantId",
    "personal",
    "text",
    "hash",
];
pub(super) const ACCOUNTS: &[&str] =
    &["id", "tenantId", "businessService", "gateway", "label", "priority", "state", "credentials"];

pub(super) fn write_page(page: &Page, shown: &mut Shown, table: &mut impl Table) {
    match page {
        Page::Payments(lines) => lines.iter().for_each(|line| payment(&line, shown, table)),
        Page::Refunds(refunds) => refunds.iter().for_each(|row| refund(row, shown, table)),
        Page::Cases(cases) => cases.iter().for_each(|(row, advice)| case(row, advice, table)),
        Page::Events(events) => events.iter().for_each(|row| event(row, table)),
        Page::Runs(runs) => runs.iter().for_each(|row| run(row, table)),
        Page::Entries(entries) => entries.iter().for_each(|row| entry(row, table)),
        Page::Accounts(accounts) => accounts.iter().for_each(|row| account(row, table)),
    }
}

fn payment(line: &PaymentLine<'_>, shown: &mut Shown, table: &mut impl Table) {
    table.text(line.id);
    table.text(line.tenant_id);
    table.text(line.status);
    table.amount(line.amount);
    table.text(line.currency);
    table.moment(line.created_at);
    table.moment(line.modified_at);
    for text in [
        line.module,
        line.consumer_code,
        line.bill_id,
        line.gateway,
        line.gateway_txn_id,
        line.bank_txn_no,
        line.payment_mode,
        line.receipt,
    ] {
        table.text(text);
    }
    let is_shown = shown.covers(line.tenant_id);
    for personal in [line.payer_name, line.mobile_number, line.email_id] {
        shown.write(is_shown, personal, table);
    }
    table.end_row();
}

fn refund(row: &Refund, shown: &mut Shown, table: &mut impl Table) {
    let decision = row.decision.as_ref();
    table.text(row.id.as_str());
    table.text(row.tenant_id.as_str());
    table.text(row.status.as_str());
    table.amount(&row.amount.to_string());
    table.text(row.amount.currency().code());
    table.moment(Some(row.audit.created_at));
    table.text(&row.requested_by);
    table.text(decision.map_or("", |decision| decision.by.as_str()));
    table.moment(decision.map(|decision| decision.at));
    table.text(&row.reason_code);
    let is_shown = shown.covers(row.tenant_id.as_str());
    shown.write(is_shown, row.reason.as_ref().map_or("", Personal::expose), table);
    table.text(row.txn_id.as_str());
    table.amount(&row.capture.amount.to_string());
    table.text(row.gateway.as_str());
    table.text(row.gateway_details.refund_id.as_deref().unwrap_or_default());
    table.text(row.receipt.as_str());
    table.text(&row.consumer_code);
    table.end_row();
}

fn case(row: &AttentionCase, advice: &Advice, table: &mut impl Table) {
    let resolution = row.resolution.as_ref();
    table.number(row.id);
    table.text(row.case.kind.as_str());
    table.moment(Some(row.case.raised_at));
    table.text(row.case.txn_id.as_str());
    table.text(row.owner.as_ref().map_or("", |owner| owner.by.as_str()));
    table.text(&advice.action());
    table.moment(resolution.map(|resolution| resolution.at));
    table.text(resolution.map_or("", |resolution| resolution.by.as_str()));
    table.text(resolution.map_or("", |resolution| resolution.reason.as_str()));
    table.end_row();
}

fn event(row: &StoredEvent, table: &mut impl Table) {
    let view = EventView::listed(row);
    table.number(view.sequence);
    table.moment(Some(view.stored_time));
    table.text(view.kind);
    table.text(&view.txn_id);
    table.text(&view.tenant_id);
    table.moment(view.published_time);
    table.moment(view.dead_letter.as_ref().map(|letter| letter.time));
    table.text(view.dead_letter.as_ref().map_or("", |letter| letter.reason.as_str()));
    table.end_row();
}

fn run(row: &RunRecord, table: &mut impl Table) {
    let view = RunView::from(row.clone());
    table.number(view.run);
    table.text(&view.job);
    table.text(view.state.as_str());
    table.text(view.reason.as_deref().unwrap_or_default());
    table.moment(Some(view.scheduled_time));
    table.moment(Some(view.started_time));
    table.moment(view.ended_time);
    table.text(&view.node);
    for count in [view.attempt, view.missed, view.examined, view.changed, view.still_pending, view.failed] {
        table.number(count.into());
    }
    table.end_row();
}

/// Personal values starred: no role that reads the log has them shown.
fn entry(row: &StoredEntry, table: &mut impl Table) {
    let view = AuditEntryView::of(row.clone(), PersonalData::Masked);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    table.number(view.number);
    table.moment(view.entry["at"].as_i64().map(Timestamp::from_millis));
    for value in [
        &view.entry["actor"]["id"],
        &view.entry["actor"]["role"],
        &view.entry["action"],
        &view.entry["object"]["kind"],
        &view.entry["object"]["id"],
        &view.entry["tenant"],
    ] {
        table.text(&text(value));
    }
    table.text(&view.personal.to_string());
    table.text(&view.text);
    table.text(&view.hash);
    table.end_row();
}

fn account(row: &StoredAccount, table: &mut impl Table) {
    let account = &row.account;
    let credential =
        |credential: &MerchantCredential| format!("{} {}", credential.version, credential.state.as_str());
    let credentials: Vec<String> = row.credentials.iter().map(credential).collect();
    table.text(account.id.as_str());
    table.text(account.tenant_id.as_str());
    table.text(account.business_service.as_deref().unwrap_or_default());
    table.text(account.gateway.as_str());
    table.text(&account.label);
    table.number(account.priority.into());
    table.text(account.state.as_str());
    table.text(&credentials.join(", "));
    table.end_row();
}
