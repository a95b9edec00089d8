//! Requests: what may be given back, decided on the gateway's word and stored against what is left.

use payment_domain::{
    Actor, Audit, AuditAction, HistoryReason, InvalidAmount, Money, Principal, Refund, RefundCalls,
    RefundDetails, RefundId, RefundReceipt, RefundStatus, Transaction, Waiver,
};
use payment_store::{NewRefund, RefundDue, RefundRequested, StoreError};
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::Instrument;

use super::counting::count_request;
use super::record::{audit, by_principal, event, line};
use super::{CancelReceipt, NotPaid, NotSupported, RefundError, RefundRequest, Refunds, UPSTREAM};
use crate::identity::Identity;
use crate::payment_span::in_trace_of;
use crate::ports::finished;

/// Ids are random: a few that are taken already would be a broken generator.
const IDS: usize = 3;

impl Refunds {
    /// Requests a refund in the name of a maker. Runs to its end even if the caller hangs up; a repeated request
    /// with the same key is answered with the first.
    ///
    /// # Errors
    /// A [`RefundError`].
    pub async fn request(
        &self,
        request: RefundRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        let (refunds, by, identity) = (self.clone(), by.clone(), identity.clone());
        let work = self
            .ports
            .tasks
            .spawn(async move { refunds.store_request(&request, &by, &identity).await }.in_current_span());
        let refund = finished(work.await).ok_or(RefundError::Interrupted)??;
        if refund.status == RefundStatus::Approved {
            self.begin(&refund.id);
        }
        Ok(refund)
    }

    async fn store_request(
        &self,
        request: &RefundRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        if let Some((key, digest)) = &request.key
            && let Some((known, first)) = self.ports.store.refund_of_key(key).await?
        {
            return if first == *digest { Ok(known) } else { Err(RefundError::KeyReused) };
        }
        let payment = self.refundable(request, by).await?;
        let storing = self.store_draft(&payment, request, by, identity);
        in_trace_of(self.ports.store.as_ref(), &payment.id, "refund request", storing).await
    }

    async fn store_draft(
        &self,
        payment: &Transaction,
        request: &RefundRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        let mut draft = self.draft(payment, request, by).await?;
        let expected = request
            .amount_available
            .as_deref()
            .map(|text| money("amountAvailable", text, draft.capture.amount))
            .transpose()?;
        for _ in 0..IDS {
            let new = self.new_refund(draft.clone(), request, expected, by, identity)?;
            match self.ports.store.request_refund(new).await? {
                RefundRequested::Stored => {
                    count_request(&draft);
                    tracing::info!(refund_id = %draft.id, txn_id = %draft.txn_id, "refund requested");
                    return Ok(draft);
                }
                RefundRequested::IdTaken => draft.id = new_id()?,
                RefundRequested::KeyTaken { refund, digest } => {
                    let same = request.key.as_ref().is_some_and(|(_, asked)| *asked == digest);
                    return if same { Ok(*refund) } else { Err(RefundError::KeyReused) };
                }
                RefundRequested::Exceeds { available } if available.is_zero() => {
                    return Err(RefundError::AlreadyInitiated);
                }
                RefundRequested::Exceeds { available } => return Err(RefundError::Exceeds { available }),
                RefundRequested::AvailableDiffers { available } => {
                    return Err(RefundError::AvailableDiffers { available });
                }
                RefundRequested::NoPayment => return Err(RefundError::NoPayment),
            }
        }
        Err(StoreError::Failed("the ids of refunds are not random".into()).into())
    }

    fn new_refund(
        &self,
        refund: Refund,
        request: &RefundRequest,
        expected_available: Option<Money>,
        by: &Principal,
        identity: &Identity,
    ) -> Result<NewRefund, RefundError> {
        let (at, actor) = (refund.audit.created_at, Actor::user(by.uuid.clone()));
        let requested = Refund { status: RefundStatus::Requested, ..refund.clone() };
        let mut history =
            vec![line(&requested, None, at, &actor, HistoryReason::Requested.with([]), Value::Null)];
        let mut entries = vec![audit(
            AuditAction::RefundRequested,
            by_principal(by),
            None,
            &requested,
            at,
            request.reason.clone(),
        )?];
        if let Some(waiver) = refund.waiver {
            let why = HistoryReason::ApprovedWithoutChecker.with([waiver.as_str()]);
            history.push(line(&refund, Some(requested.status), at, &actor, why, Value::Null));
            let action = AuditAction::RefundApproved;
            entries.push(audit(action, by_principal(by), Some(&requested), &refund, at, None)?);
        }
        Ok(NewRefund {
            events: vec![event(&refund, identity)?],
            history,
            audit: entries,
            key: request.key.clone(),
            expected_available,
            due: match refund.status {
                RefundStatus::Approved => RefundDue::In(self.handover()),
                RefundStatus::Requested
                | RefundStatus::Sent
                | RefundStatus::Succeeded
                | RefundStatus::Failed
                | RefundStatus::Rejected
                | RefundStatus::Withdrawn
                | RefundStatus::Expired => RefundDue::In(self.settings().decided_within),
            },
            cancels_receipt: refund.status == RefundStatus::Approved && self.cancels_on_approval(&refund),
            refund,
        })
    }

    /// The payment that the maker may have refunded.
    async fn refundable(&self, request: &RefundRequest, by: &Principal) -> Result<Transaction, RefundError> {
        let reason_given = request.reason.as_ref().is_some_and(|reason| !reason.expose().trim().is_empty());
        if request.reason_code.trim().is_empty() || (!reason_given && request.reason_code != UPSTREAM) {
            return Err(RefundError::ReasonRequired);
        }
        let payment = self.ports.store.transaction(&request.txn_id).await?;
        let within = |payment: &Transaction| payment.tenant_id.is_within(by.tenant.as_str());
        payment.filter(within).ok_or(RefundError::NoPayment)
    }

    /// The refund that is asked for, if everything allows it.
    async fn draft(
        &self,
        payment: &Transaction,
        request: &RefundRequest,
        by: &Principal,
    ) -> Result<Refund, RefundError> {
        if let Some(reason) = payment.unknown_values() {
            return Err(RefundError::NotPaid(NotPaid::Adopted(reason)));
        }
        let settings = self.settings();
        let age = self.ports.now().since(payment.audit.created_at);
        if let Some(window) = settings.window.filter(|window| age > *window) {
            return Err(RefundError::WindowOver { days: window.as_secs() / 86_400 });
        }
        let unusable = |reason| RefundError::NotSupported(NotSupported::Unusable(reason));
        let gateway = self.ports.gateways.of(payment).await.map_err(unusable)?;
        let none = || RefundError::NotSupported(NotSupported::Gateway(payment.gateway.clone()));
        let refunding = gateway.refunding().ok_or_else(none)?;
        if payment.status.name() == payment_domain::StatusName::Pending {
            return Err(RefundError::NotPaid(NotPaid::Pending));
        }
        let case = self.case_of(payment, request.case).await?;
        let others = self.ports.store.refunds_of(&payment.id).await?;
        let capture = self.capture(payment, &gateway, case.as_ref(), &others).await?;
        let terms = refunding
            .terms(&Refunds::target(payment, &capture))
            .map_err(|no| RefundError::NotSupported(NotSupported::Payment(no)))?;
        let available = Refunds::available(&others, &capture);
        let amount = match request.amount.as_deref() {
            Some(text) => money("refundAmount", text, capture.amount)?,
            None => available,
        };
        let of_capture = || others.iter().filter(|other| other.capture.key() == capture.key());
        if available.is_zero() {
            let all_done = of_capture()
                .filter(|other| other.status.is_live())
                .all(|other| other.status == RefundStatus::Succeeded);
            return Err(if all_done { RefundError::AlreadyPaid } else { RefundError::AlreadyInitiated });
        }
        if amount.is_zero() {
            return Err(RefundError::InvalidAmount {
                member: "refundAmount",
                reason: InvalidAmount::NotDecimal,
            });
        }
        if amount.minor() > available.minor() {
            return Err(RefundError::Exceeds { available });
        }
        let refused = |reason| Err(RefundError::NotSupported(reason));
        if amount.minor() < terms.minimum.minor() {
            return refused(NotSupported::Minimum(terms.minimum));
        }
        if amount != capture.amount && !terms.partial {
            return refused(NotSupported::WholeOnly);
        }
        let earlier = of_capture().any(|other| other.status.is_live() || other.calls.number > 0);
        if earlier && !terms.several {
            return refused(NotSupported::Once);
        }
        if let Some(limit) = settings.limit(&payment.tenant_id)
            && (limit.currency() != amount.currency() || amount.minor() > limit.minor())
        {
            return refused(NotSupported::Limit(limit));
        }
        let waiver = if request.trusted {
            Some(Waiver::TrustedRole)
        } else {
            (settings.checkers(amount) == 0).then_some(Waiver::SmallAmount)
        };
        let now = self.ports.now();
        let receipt = match capture.is_second {
            true => RefundReceipt::None,
            false => self.receipt_of(payment, amount == capture.amount).await?,
        };
        Ok(Refund {
            id: new_id()?,
            txn_id: payment.id.clone(),
            tenant_id: payment.tenant_id.clone(),
            gateway: payment.gateway.clone(),
            service_code: payment.module.clone(),
            consumer_code: payment.consumer_code.clone(),
            receipt,
            capture,
            amount,
            status: if waiver.is_some() { RefundStatus::Approved } else { RefundStatus::Requested },
            reason_code: request.reason_code.clone(),
            reason: request.reason.clone(),
            case: case.map(|case| case.id),
            requested_by: by.uuid.clone(),
            approvals: Vec::new(),
            waiver,
            decision: None,
            calls: RefundCalls::default(),
            gateway_details: RefundDetails::default(),
            returned_at: None,
            additional_details: request.additional_details.clone(),
            audit: Audit {
                created_by: by.uuid.clone(),
                created_at: now,
                modified_by: None,
                modified_at: None,
            },
            version: 1,
        })
    }

    /// Whether the receipt is cancelled when this refund is approved.
    pub(super) fn cancels_on_approval(&self, refund: &Refund) -> bool {
        self.settings().cancel_receipt == CancelReceipt::OnApproval
            && refund.amount == refund.capture.amount
            && !refund.capture.is_second
            && refund.receipt == RefundReceipt::Kept
    }
}

/// A new id: 80 random bits, in the form that every provider takes.
fn new_id() -> Result<RefundId, RefundError> {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| StoreError::Failed(Box::new(error)))?;
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
    let text: String = "RF".chars().chain(random.iter().map(letter)).collect();
    RefundId::new(text).map_err(|error| StoreError::Failed(Box::new(error)).into())
}

/// An amount in the currency of another.
fn money(member: &'static str, json: &RawValue, like: Money) -> Result<Money, RefundError> {
    Money::from_json(json, like.currency()).map_err(|reason| RefundError::InvalidAmount { member, reason })
}
