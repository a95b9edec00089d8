//! Refunds under load, and their invariants at the end: every approved one exactly once in the provider's
//! books, and no other.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use payment_domain::{Refund, RefundReceipt, RefundStatus};
use payment_simulator::sandbox::{RefundEntry, RefundState};
use payment_store::{PageRequest, RefundQuery, Store};
use serde_json::{Value, json};

use super::random::Random;

/// Amounts, by whose last two digits the sandbox chooses a fate: done at once, answered late, done with the
/// answer lost, refused, returned.
const AMOUNTS: [&str; 6] = ["10.00", "3.50", "7.92", "5.93", "3.91", "2.94"];

/// The end of a refund as its client wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Approve,
    ApproveTwiceAtOnce,
    Reject,
    Withdraw,
    None,
}

impl Decision {
    pub(crate) fn any(random: &mut Random) -> Decision {
        match random.below(100) {
            0..60 => Decision::Approve,
            60..75 => Decision::ApproveTwiceAtOnce,
            75..82 => Decision::Reject,
            82..90 => Decision::Withdraw,
            _ => Decision::None,
        }
    }
}

fn info(uuid: &str, role: &str) -> Value {
    json!({ "userInfo": { "uuid": uuid, "userName": uuid, "name": "Load Test", "type": "EMPLOYEE",
        "mobileNumber": "9999900000", "tenantId": "pb",
        "roles": [{ "code": role, "name": role, "tenantId": "pb" }] } })
}

/// A request for a part of a payment, or for all that is left.
pub(crate) fn request(txn_id: &str, random: &mut Random) -> Value {
    let mut refund = json!({ "tenantId": "pb.amritsar", "originalTxnId": txn_id, "reasonCode": "DUPLICATE",
        "reason": "load test" });
    if random.percent(70) {
        let place = usize::try_from(random.below(AMOUNTS.len() as u64)).unwrap();
        refund["refundAmount"] = AMOUNTS[place].into();
    }
    json!({ "RequestInfo": info("maker-1", "PG_REFUND_MAKER"), "Refund": refund })
}

/// A decision of this person about a refund at its first version.
pub(crate) fn decision(refund_id: &str, uuid: &str, role: &str) -> Value {
    json!({ "RequestInfo": info(uuid, role),
        "Refund": { "refundId": refund_id, "version": 1, "comment": "load test" } })
}

/// Every stored refund.
pub(crate) async fn stored(store: &dyn Store) -> Vec<Refund> {
    const PAGE: u32 = 500;
    let mut all = Vec::new();
    loop {
        let offset = u32::try_from(all.len()).unwrap();
        let query = RefundQuery { page: PageRequest { limit: PAGE, offset }, ..RefundQuery::default() };
        let page = store.search_refunds(&query).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Waits until no approved refund is under way, nor the cancellation of a receipt.
pub(crate) async fn until_done(store: &dyn Store, patience: Duration) {
    let started = Instant::now();
    loop {
        let open: Vec<Refund> = stored(store)
            .await
            .into_iter()
            .filter(|refund| {
                matches!(refund.status, RefundStatus::Approved | RefundStatus::Sent)
                    || refund.receipt == RefundReceipt::ToCancel
            })
            .collect();
        if open.is_empty() {
            return;
        }
        assert!(started.elapsed() < patience, "refunds stay under way: {open:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Compares stored refunds with the provider's books; `approved` are refunds whose approval was answered.
/// Returns the faults, and the counts.
pub(crate) fn compare(stored: &[Refund], books: &[RefundEntry], approved: &[String]) -> (Vec<String>, usize) {
    let mut faults = Vec::new();
    let mut by_id: HashMap<&str, &RefundEntry> = HashMap::new();
    for entry in books {
        if by_id.insert(entry.refund.as_str(), entry).is_some() {
            faults.push(format!("{} stands twice in the books", entry.refund));
        }
    }
    let mut given: HashMap<&str, (i64, i64)> = HashMap::new();
    let mut succeeded = 0;
    for refund in stored {
        let entry = by_id.remove(refund.id.as_str());
        let state = entry.map(|entry| entry.state);
        let expected = match refund.status {
            RefundStatus::Succeeded => {
                succeeded += 1;
                let (sum, captured) = given.entry(refund.txn_id.as_str()).or_default();
                *sum += refund.amount.minor();
                *captured = refund.capture.amount.minor();
                matches!(state, Some(RefundState::Refunded | RefundState::Returned))
                    && entry.is_some_and(|entry| entry.amount_paise == refund.amount.minor())
            }
            // Returned before a status request: the money is still the merchant's.
            RefundStatus::Failed => {
                matches!(state, None | Some(RefundState::Refused | RefundState::Returned))
            }
            RefundStatus::Requested
            | RefundStatus::Rejected
            | RefundStatus::Withdrawn
            | RefundStatus::Expired => state.is_none(),
            RefundStatus::Approved | RefundStatus::Sent => false,
        };
        if !expected {
            faults.push(format!("refund {} is {:?}, and {state:?} in the books", refund.id, refund.status));
        }
        let checked = refund.approvals.iter().any(|given| given.by != refund.requested_by);
        if refund.calls.number > 0 && !checked {
            faults.push(format!("refund {} left without a second person", refund.id));
        }
    }
    faults.extend(by_id.keys().map(|id| format!("the books have refund {id}, which is not stored")));
    for (payment, (sum, captured)) in given {
        if sum > captured {
            faults.push(format!("{sum} of {captured} paise of {payment} were given back"));
        }
    }
    for id in approved {
        let done = |refund: &&Refund| {
            refund.id.as_str() == id
                && matches!(refund.status, RefundStatus::Succeeded | RefundStatus::Failed)
        };
        if !stored.iter().any(|refund| done(&refund)) {
            faults.push(format!("the approval of refund {id} was answered and lost"));
        }
    }
    (faults, succeeded)
}
