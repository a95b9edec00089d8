//! The recommended action for a review case, computed when the case is shown.
//!
//! The evidence of a case is a snapshot of the moment it was raised. The recommendation must not be: where
//! another payment of the same bill has succeeded meanwhile, registering this one as well would pay the bill
//! twice.

mod steps;

use futures_util::{StreamExt, TryStreamExt, stream};
use payment_domain::{AttentionKind, BillId, BillKey, StatusName, Transaction, TxnId};
use payment_store::{AttentionCase, Claim, PageRequest, SearchQuery, Store, StoreError};

pub use steps::AdviceStep;

use crate::refunds::captured_in;

/// Cases of a list that are looked into concurrently.
const AT_ONCE: usize = 8;
/// Other payments of a bill that are named, per status.
const NAMED: u32 = 5;

/// The recommended action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// In the order in which they are read.
    pub steps: Vec<AdviceStep>,
    /// The other payments of the same bills that have succeeded, may succeed, or hold a bill.
    pub other_payments: Vec<OtherPayment>,
}

impl Advice {
    fn of(steps: impl IntoIterator<Item = AdviceStep>) -> Advice {
        Advice { steps: steps.into_iter().collect(), other_payments: Vec::new() }
    }

    /// Sentences for an operator, in English.
    pub fn action(&self) -> String {
        self.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// Another payment of a bill that the transaction of a case pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherPayment {
    pub bill_id: BillId,
    pub txn_id: TxnId,
    pub status: StatusName,
}

pub(crate) async fn advise(
    store: &dyn Store,
    case: &AttentionCase,
    txn: &Transaction,
) -> Result<Advice, StoreError> {
    let proposal = proposal(store, case, txn).await?;
    if !depends_on_others(case) {
        return Ok(Advice::of([of_kind(case)].into_iter().chain(proposal)));
    }
    let claims = store.claims(&txn.bill_keys()).await?;
    let other_payments = other_payments(store, txn, &claims).await?;
    let mut steps = steps(case.case.kind, txn.status.name(), &other_payments);
    if txn.status.name() == StatusName::Failure {
        let bills = txn.bill_keys();
        let claim_of = |bill: &BillKey| claims.iter().find(|claim| claim.bill == *bill);
        let named = |wanted: &dyn Fn(Option<&Claim>) -> bool| {
            joined(bills.iter().filter(|bill| wanted(claim_of(bill))).map(|bill| bill.bill.as_str()))
        };
        let held = named(&|claim| claim.is_some_and(|claim| claim.txn_id == txn.id));
        if !held.is_empty() {
            steps.push(AdviceStep::BillsHeld { bills: held });
        }
        let free = named(&|claim| claim.is_none());
        if case.case.kind == AttentionKind::LateSuccess && !free.is_empty() {
            steps.push(AdviceStep::BillsFree { bills: free });
        }
    }
    steps.extend(proposal);
    Ok(Advice { steps, other_payments })
}

/// The other payments of the transaction's bills: those with a claim, and those that succeeded or may. In an
/// adopted database a bill may have several payments, one of which holds the claim.
async fn other_payments(
    store: &dyn Store,
    txn: &Transaction,
    claims: &[Claim],
) -> Result<Vec<OtherPayment>, StoreError> {
    let claimed = claims.iter().filter(|claim| claim.txn_id != txn.id);
    let mut others: Vec<OtherPayment> = claimed
        .map(|claim| OtherPayment {
            bill_id: claim.bill.bill.clone(),
            txn_id: claim.txn_id.clone(),
            status: claim.status,
        })
        .collect();
    for bill in txn.bill_keys() {
        for other in alive(store, &bill).await?.into_iter().filter(|other| other.id != txn.id) {
            let known = |seen: &OtherPayment| seen.txn_id == other.id && seen.bill_id == bill.bill;
            let status = other.status.name();
            match others.iter_mut().find(|seen| known(seen)) {
                // Read later: it may have been settled in between.
                Some(seen) => seen.status = status,
                None => others.push(OtherPayment { bill_id: bill.bill.clone(), txn_id: other.id, status }),
            }
        }
    }
    Ok(others)
}

/// The payments of a bill that have succeeded or may, [`NAMED`] of each. Few bills have more payments than that.
async fn alive(store: &dyn Store, bill: &BillKey) -> Result<Vec<Transaction>, StoreError> {
    let of = |status| SearchQuery {
        tenant_id: Some(bill.tenant.clone()),
        bill_id: Some(bill.bill.clone()),
        status,
        page: PageRequest { limit: NAMED, offset: 0 },
        ..SearchQuery::default()
    };
    let mut payments = store.search(&of(None)).await?;
    if payments.len() < usize::try_from(NAMED).unwrap_or(usize::MAX) {
        payments.retain(|txn| txn.status.name() != StatusName::Failure);
        // As they are named: those that have succeeded first.
        payments.sort_by_key(|txn| txn.status.name() != StatusName::Success);
        return Ok(payments);
    }
    let mut alive = store.search(&of(Some(StatusName::Success))).await?;
    alive.extend(store.search(&of(Some(StatusName::Pending))).await?);
    Ok(alive)
}

/// Cases whose transactions were not read.
pub(crate) fn unread(cases: Vec<AttentionCase>) -> Vec<(AttentionCase, Option<Transaction>)> {
    cases.into_iter().map(|case| (case, None)).collect()
}

/// Adds the recommended action to each case, which comes with its transaction where that was read. A case whose
/// payments cannot be read does not hide the others.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is unavailable.
pub async fn advise_all(
    store: &dyn Store,
    cases: Vec<(AttentionCase, Option<Transaction>)>,
) -> Result<Vec<(AttentionCase, Advice)>, StoreError> {
    stream::iter(cases)
        .map(|(case, txn)| async move {
            let advice = match advise_one(store, &case, txn).await {
                Err(StoreError::Failed(error)) => {
                    tracing::error!(txn_id = %case.case.txn_id, %error, "the payments of a case cannot be read");
                    Advice::of([AdviceStep::Unread, of_kind(&case)])
                }
                advice @ (Ok(_) | Err(StoreError::Unavailable(_))) => advice?,
            };
            Ok((case, advice))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn advise_one(
    store: &dyn Store,
    case: &AttentionCase,
    txn: Option<Transaction>,
) -> Result<Advice, StoreError> {
    if !depends_on_others(case) && !proposes_refund(case) {
        return Ok(Advice::of([of_kind(case)]));
    }
    let txn = match txn {
        Some(txn) => txn,
        None => transaction_of(store, case).await?,
    };
    advise(store, case, &txn).await
}

/// The transaction of a case; every case has one.
pub(crate) async fn transaction_of(
    store: &dyn Store,
    case: &AttentionCase,
) -> Result<Transaction, StoreError> {
    let missing = || StoreError::Failed(format!("transaction {} is missing", case.case.txn_id).into());
    store.transaction(&case.case.txn_id).await?.ok_or_else(missing)
}

/// Whether an open case says that money was taken which is to go back.
fn proposes_refund(case: &AttentionCase) -> bool {
    let proposes = matches!(
        case.case.kind,
        AttentionKind::LateSuccess
            | AttentionKind::PaidTwice
            | AttentionKind::SecondPayment
            | AttentionKind::AmountMismatch
    );
    proposes && case.resolution.is_none()
}

/// The refund that a case proposes, or the one that is under way for it.
async fn proposal(
    store: &dyn Store,
    case: &AttentionCase,
    txn: &Transaction,
) -> Result<Option<AdviceStep>, StoreError> {
    if !proposes_refund(case) {
        return Ok(None);
    }
    let refunds = store.refunds_of(&txn.id).await?;
    if let Some(refund) =
        refunds.iter().find(|refund| refund.case == Some(case.id) && refund.status.is_live())
    {
        return Ok(Some(AdviceStep::RefundUnderWay {
            refund: refund.id.clone(),
            amount: refund.amount,
            status: refund.status,
        }));
    }
    let taken = captured_in(&case.case.evidence).map(|capture| capture.amount);
    let amount = match case.case.kind {
        AttentionKind::LateSuccess | AttentionKind::PaidTwice => Some(taken.unwrap_or(txn.amount)),
        AttentionKind::SecondPayment
        | AttentionKind::AmountMismatch
        | AttentionKind::ReceiptRefused
        | AttentionKind::Refunded
        | AttentionKind::Contradiction
        | AttentionKind::PendingBeyondLife
        | AttentionKind::NotCaptured
        | AttentionKind::RefundUnclear
        | AttentionKind::ReceiptNeedsAdjustment
        | AttentionKind::RefundReturned => taken,
    };
    Ok(amount.map(|amount| AdviceStep::RefundProposed { amount, txn: txn.id.clone(), case: case.id }))
}

fn of_kind(case: &AttentionCase) -> AdviceStep {
    AdviceStep::OfKind(case.case.kind)
}

/// Whether the case is open, and its payment may have to be registered or refunded.
fn depends_on_others(case: &AttentionCase) -> bool {
    let may_be_registered = match case.case.kind {
        AttentionKind::LateSuccess
        | AttentionKind::PaidTwice
        | AttentionKind::AmountMismatch
        | AttentionKind::Contradiction => true,
        AttentionKind::ReceiptRefused
        | AttentionKind::Refunded
        | AttentionKind::SecondPayment
        | AttentionKind::PendingBeyondLife
        | AttentionKind::NotCaptured
        | AttentionKind::RefundUnclear
        | AttentionKind::ReceiptNeedsAdjustment
        | AttentionKind::RefundReturned => false,
    };
    may_be_registered && case.resolution.is_none()
}

fn steps(kind: AttentionKind, status: StatusName, others: &[OtherPayment]) -> Vec<AdviceStep> {
    let of = |status: StatusName| {
        let mut ids: Vec<&str> =
            others.iter().filter(|other| other.status == status).map(|other| other.txn_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        (!ids.is_empty()).then(|| joined(ids.into_iter()))
    };
    if status == StatusName::Success {
        return vec![AdviceStep::SucceededSince];
    }
    if let Some(paid) = of(StatusName::Success) {
        return vec![AdviceStep::PaidByAnother { paid, is_doubtful: kind == AttentionKind::Contradiction }];
    }
    let mut steps = vec![AdviceStep::OfKind(kind)];
    steps.extend(of(StatusName::Pending).map(|pending| AdviceStep::OtherPending { pending }));
    steps.extend(of(StatusName::Failure).map(|failed| AdviceStep::OtherFailed { failed }));
    steps
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
