//! Payments for tests, made from a few words. Every field of what these functions return may be
//! changed before it is stored.

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{
    Actor, Audit, AuditAction, AuditActor, AuditEntry, BillId, BillKey, BillPayment, Currency, Event,
    EventKind, GatewayDetails, GatewayName, HistoryEntry, Money, Payer, Personal, Principal, Role, Status,
    TenantId, Timestamp, Transaction, TxnId,
};
use serde_json::{Map, Value, json};

use crate::{
    BegunRun, Change, CheckNote, ClaimChange, Created, Dump, IdempotencyKey, IdempotencyRecord, Lease,
    NewReceiptTask, NewTransaction, NextCheck, Postponement, ReceiptTask, ReceiptTaskChange,
    ReceiptTaskClaim, ReceiptTaskKind, RunEnd, Store, Tally, TickAnswer, TickRequest, Tried,
};

/// The tenant of all samples that name no other.
pub const TENANT: &str = "pb.amritsar";

/// How long the samples lease something.
pub const MINUTE: Duration = Duration::from_secs(60);

/// So many milliseconds after the moment at which the samples begin.
pub fn at(offset_ms: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + offset_ms)
}

/// The id of this text.
pub fn txn_id(id: &str) -> TxnId {
    TxnId::new(id).unwrap()
}

/// The bill of this text, in [`TENANT`].
pub fn bill_key(bill: &str) -> BillKey {
    BillKey { tenant: TenantId::new(TENANT).unwrap(), bill: BillId::new(bill).unwrap() }
}

/// So many paise.
pub fn paise(minor: i64) -> Money {
    Money::from_minor(minor, Currency::INR).unwrap()
}

/// One hundred rupees towards a bill.
pub fn towards(bill: &str) -> BillPayment {
    BillPayment {
        tax_amount: Some(paise(10_000)),
        amount_paid: paise(10_000),
        bill_id: BillId::new(bill).unwrap(),
    }
}

/// A pending payment of one hundred rupees for each of these bills, at least one, created at
/// [`at`]`(0)`.
pub fn transaction(id: &str, bills: &[&str]) -> Transaction {
    let bills: Vec<BillPayment> = bills.iter().map(|bill| towards(bill)).collect();
    let tax_and_payments = serde_json::to_string(&bills).unwrap();
    Transaction {
        id: txn_id(id),
        tenant_id: TenantId::new(TENANT).unwrap(),
        amount: Money::sum(bills.iter().map(|bill| bill.amount_paid), Currency::INR).unwrap(),
        bill_id: bills[0].bill_id.clone(),
        module: Some("PT".to_owned()),
        consumer_code: "PT-1001".to_owned(),
        bills,
        product_info: "Property tax".to_owned(),
        gateway: GatewayName::new("SANDBOX"),
        callback_url: Some(format!("https://city.example/paid?eg_pg_txnid={id}")),
        redirect_url: Some(format!("https://gateway.example/pay/{id}")),
        payer: Payer {
            uuid: "payer-1".to_owned(),
            user_name: Personal::new("9876543210"),
            name: Personal::new("Asha Rani"),
            mobile_number: Personal::new("9876543210"),
            email_id: Some(Personal::new("asha@example.org")),
            tenant_id: "pb".to_owned(),
        },
        status: Status::Pending,
        status_message: "Transaction initiated".to_owned(),
        gateway_details: GatewayDetails::default(),
        audit: Audit {
            created_by: "creator-1".to_owned(),
            created_at: at(0),
            modified_by: None,
            modified_at: None,
        },
        additional_details: Map::from_iter([
            ("isWhatsapp".to_owned(), Value::Bool(false)),
            ("taxAndPayments".to_owned(), serde_json::from_str(&tax_and_payments).unwrap()),
        ]),
        version: 1,
        account: None,
        unknown: None,
    }
}

/// The payment of one bill with `minor` units of another currency.
pub fn in_currency(txn: Transaction, code: &str, minor: i64) -> Transaction {
    let amount = Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap();
    let paid = |bill| BillPayment { tax_amount: Some(amount), amount_paid: amount, ..bill };
    Transaction { amount, bills: txn.bills.into_iter().map(paid).collect(), ..txn }
}

/// The commit of a new payment: it, the first line of its history, the request to the gateway,
/// and the two events that tell of it.
pub fn new(txn: Transaction) -> NewTransaction {
    NewTransaction {
        redirect_form: None,
        history: HistoryEntry {
            txn_id: txn.id.clone(),
            at: txn.audit.created_at,
            actor: Actor::user(txn.audit.created_by.clone()),
            from: None,
            to: txn.status.name(),
            why: "created".to_owned(),
            evidence: Value::Null,
        },
        dump: Dump { request: txn.redirect_url.clone(), response: None },
        events: vec![event(&txn, EventKind::SaveTransaction), event(&txn, EventKind::SaveDump)],
        receipt_task: None,
        idempotency: None,
        txn,
    }
}

/// [`new`] of a payment of one bill.
pub fn new_transaction(id: &str, bill: &str) -> NewTransaction {
    new(transaction(id, &[bill]))
}

/// An event that tells of a payment at its version.
pub fn event(txn: &Transaction, kind: EventKind) -> Event {
    let body = json!({ "Transaction": { "txnId": txn.id, "version": txn.version } }).to_string();
    Event { kind, txn_id: txn.id.clone(), tenant_id: txn.tenant_id.clone(), body, trace: None }
}

/// A change of a stored payment that touches nothing but its version, its last change (one second
/// later) and the gateway's message. With its line in the history and an event.
pub fn change(stored: &Transaction) -> Change {
    let mut txn = stored.clone();
    txn.version += 1;
    txn.audit.modified_by = Some("gateway".to_owned());
    txn.audit.modified_at = Some(at(1_000 * i64::from(stored.version)));
    txn.gateway_details.status_message = Some(format!("message {}", txn.version));
    let mut change = Change {
        redirect_form: None,
        history: HistoryEntry {
            txn_id: txn.id.clone(),
            at: at(1_000 * i64::from(stored.version)),
            actor: Actor::gateway(txn.gateway.as_str()),
            from: Some(stored.status.name()),
            to: txn.status.name(),
            why: format!("change to version {}", txn.version),
            evidence: json!({ "version": txn.version }),
        },
        dump: None,
        events: Vec::new(),
        claims: ClaimChange::Keep,
        receipt_task: ReceiptTaskChange::None,
        attention: None,
        forget_key: None,
        fence: None,
        txn,
    };
    change.events = vec![event(&change.txn, EventKind::UpdateTransaction)];
    change
}

/// The change by which a payment succeeds; its receipt is due at once, and leased for a minute
/// under the token `first`.
pub fn success(stored: &Transaction) -> Change {
    let mut change = change(stored);
    change.txn.status = Status::Success { receipt: None };
    change.txn.status_message = "Transaction successful".to_owned();
    change.history.to = change.txn.status.name();
    change.dump = Some(Dump { request: None, response: Some(json!({ "status": "paid" })) });
    change.receipt_task = ReceiptTaskChange::Created(new_task("first"));
    change
}

/// The change by which a payment fails; its bills are let go.
pub fn failure(stored: &Transaction) -> Change {
    let mut change = change(stored);
    change.txn.status = Status::Failure;
    change.txn.status_message = "Transaction failed at gateway".to_owned();
    change.history.to = change.txn.status.name();
    change.claims = ClaimChange::Release;
    change
}

/// The change that notes the receipt of a successful payment, under the lease of this token.
pub fn receipted(stored: &Transaction, lease_token: &str) -> Change {
    let mut change = change(stored);
    change.txn.status = Status::Success { receipt: Some(format!("RCPT/{}", stored.id)) };
    change.history.to = change.txn.status.name();
    change.receipt_task = ReceiptTaskChange::Completed { lease_token: lease_token.to_owned() };
    change
}

/// A task that arises, leased for a minute under this token.
pub fn new_task(token: &str) -> NewReceiptTask {
    NewReceiptTask { lease_token: token.to_owned(), lease: MINUTE }
}

/// That task as it is read when it has arisen at [`at`]`(at_ms)`.
pub fn task(id: &str, token: &str, at_ms: i64) -> ReceiptTask {
    ReceiptTask {
        txn_id: txn_id(id),
        due_at: at(at_ms),
        attempts: 0,
        lease: Some(lease(token, at_ms + 60_000)),
        last_error: None,
        unclear_at: None,
    }
}

/// A lease until [`at`]`(until_ms)`.
pub fn lease(token: &str, until_ms: i64) -> Lease {
    Lease { token: token.to_owned(), until: at(until_ms) }
}

/// A request for up to `limit` tasks, for a minute, by a worker that has seen no leases.
pub fn task_claim(token: &str, limit: u32) -> ReceiptTaskClaim {
    ReceiptTaskClaim {
        kind: ReceiptTaskKind::Issue,
        lease_token: token.to_owned(),
        lease: MINUTE,
        limit,
        abandoned: Vec::new(),
    }
}

/// A task given back, due again after so long.
pub fn postponement(id: &TxnId, token: &str, delay_ms: u64, reason: &str) -> Postponement {
    Postponement {
        kind: ReceiptTaskKind::Issue,
        txn_id: id.clone(),
        lease_token: token.to_owned(),
        delay: Duration::from_millis(delay_ms),
        reason: reason.to_owned(),
        tried: Tried::Failed,
    }
}

/// The record of a create of the payment `id` under a key.
pub fn idempotency(key: &str, id: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        key: IdempotencyKey { scope: format!("{TENANT}/creator-1"), key: key.to_owned() },
        digest: [7; 32],
        txn_id: txn_id(id),
        answer: None,
        created_at: at(0),
    }
}

/// The note of a check at [`at`]`(at_ms)` without an actor, with nothing for the history.
pub fn checked(id: &TxnId, at_ms: i64, next: NextCheck) -> CheckNote {
    CheckNote { txn_id: id.clone(), at: at(at_ms), next, history: None, events: Vec::new(), fence: None }
}

/// The request of `node-1` to carry out the tick of a job at [`at`]`(scheduled_ms)`, for one minute.
pub fn tick(job: &str, scheduled_ms: i64) -> TickRequest {
    TickRequest {
        job: job.to_owned(),
        scheduled_at: at(scheduled_ms),
        missed: 0,
        node: "node-1".to_owned(),
        lease: MINUTE,
        not_renewed: None,
        newest_known: None,
    }
}

/// Begins a run, which must be possible, and returns it.
pub async fn begun(store: &Arc<dyn Store>, request: TickRequest) -> BegunRun {
    let asked = format!("{request:?}");
    match store.begin_run(request).await.unwrap() {
        TickAnswer::Begun(run) => run,
        refused @ (TickAnswer::Busy { .. } | TickAnswer::Done | TickAnswer::Overtaken) => {
            panic!("{refused:?} to {asked}")
        }
    }
}

/// Ends a run at [`at`]`(at_ms)`, which must be at work.
pub async fn ended(store: &Arc<dyn Store>, run: &BegunRun, at_ms: i64, end: RunEnd) {
    assert!(store.end_run(&run.fence, at(at_ms), Tally::default(), end).await.unwrap(), "{run:?}");
}

/// Stores a new payment, which must succeed, and returns it.
pub async fn stored(store: &Arc<dyn Store>, new: NewTransaction) -> Transaction {
    let txn = new.txn.clone();
    assert_eq!(store.create(new).await.unwrap(), Created::Stored, "{}", txn.id);
    txn
}

/// Stores a change, which must succeed, and returns the payment after it.
pub async fn applied(store: &Arc<dyn Store>, change: Change) -> Transaction {
    let txn = change.txn.clone();
    assert_eq!(store.apply(change).await.unwrap(), crate::Applied::Stored, "{} v{}", txn.id, txn.version);
    txn
}

/// The entry of an operator who resolved a case of a tenant.
pub fn audit_entry(nth: i64, tenant: Option<&str>) -> AuditEntry {
    AuditEntry {
        at: at(nth),
        actor: AuditActor::Principal(Principal {
            uuid: format!("operator-{}", nth % 2),
            role: Role::Operator,
            tenant: TenantId::new("pb").unwrap(),
            address: None,
        }),
        action: AuditAction::CaseResolved,
        object_kind: "case",
        object_id: nth.to_string(),
        tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
        before: None,
        after: Some([9; 32]),
        reason: Some(Personal::new(format!("ਆਸ਼ਾ was paid back: {nth}\0"))),
        details: Map::from_iter([("text\0".to_owned(), Value::from("\0"))]),
    }
}

/// Records so many entries in the audit log, few at a time, so that no commit takes long.
pub async fn recorded(store: &dyn Store, count: i64) {
    let entries: Vec<AuditEntry> = (0..count).map(|nth| audit_entry(nth, None)).collect();
    for some in entries.chunks(1_000) {
        store.record(some.to_vec()).await.unwrap();
    }
}
