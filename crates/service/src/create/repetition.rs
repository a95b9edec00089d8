//! Answers to repeated requests: with the same idempotency key, or for the same payment.

use payment_domain::{Audit, Payer, Personal, Status, Transaction};
use payment_store::{IdempotencyKey, IdempotencyRecord, RequestDigest};

use super::request::CreateRequest;
use super::{CreateError, CreatedTransaction, Creation, answer_json, answered};
use crate::identity::Identity;
use crate::order_life::UNOPENED_LIFE;

impl Creation {
    /// Answers an equal request with the transaction of the earlier one, and keeps that under its own key.
    pub(super) async fn reuse(
        &self,
        txn: Transaction,
        request: &CreateRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<CreatedTransaction, CreateError> {
        metrics::counter!("transactions_reused_total", "gateway" => txn.gateway.to_string()).increment(1);
        let id = txn.id.clone();
        let answer = answer_json(&as_asked(txn, request), &request.amount)?;
        if let Some((key, idempotent)) = key.zip(request.idempotent.as_ref()) {
            let record = IdempotencyRecord {
                key: key.clone(),
                digest: idempotent.digest,
                txn_id: id.clone(),
                answer: Some(answer.clone()),
                created_at: self.ports.now(),
            };
            if let Some(first) = self.ports.store.remember_key(record).await? {
                return self.repeat(first, &idempotent.digest, &request.identity).await;
            }
        }
        Ok(CreatedTransaction { reused: true, ..answered(id, answer)? })
    }

    /// Answers a request with a known idempotency key as the first one was answered.
    pub(super) async fn repeat(
        &self,
        first: IdempotencyRecord,
        digest: &RequestDigest,
        identity: &Identity,
    ) -> Result<CreatedTransaction, CreateError> {
        if &first.digest != digest {
            return Err(CreateError::KeyReused);
        }
        if let Some(answer) = first.answer {
            return answered(first.txn_id, answer);
        }
        if self.ports.now().since(first.created_at) < UNOPENED_LIFE {
            return Err(CreateError::StillRunning);
        }
        // The process of the first request ended between its commit and its answer.
        let mut txn = self.stored(&first.txn_id).await?;
        if txn.status == Status::Pending && txn.redirect_url.is_none() {
            txn = self.reopen(txn, identity).await?;
        }
        let answer = answer_json(&txn, &txn.amount.to_string())?;
        self.ports.store.keep_answer(&first.key, &answer).await?;
        answered(first.txn_id, answer)
    }
}

/// A transaction as a repeated request is answered: with the payer and the details of this request, and
/// without the names of another creator.
fn as_asked(txn: Transaction, request: &CreateRequest) -> Transaction {
    let details = &request.payer;
    let caller = request.identity.info().user("uuid").unwrap_or_default().into_owned();
    let is_own = txn.audit.created_by == caller;
    let mut additional_details = request.additional_details.clone();
    if let Some(bills) = txn.additional_details.get("taxAndPayments") {
        additional_details.insert("taxAndPayments".to_owned(), bills.clone());
    }
    Transaction {
        payer: Payer {
            uuid: details.uuid.clone().unwrap_or_default(),
            user_name: details.user_name.clone().unwrap_or_else(|| Personal::new("")),
            name: details.name.clone(),
            mobile_number: details.mobile_number.clone(),
            email_id: details.email_id.clone(),
            tenant_id: details.tenant_id.as_str().to_owned(),
        },
        audit: Audit {
            created_by: if is_own { caller } else { String::new() },
            modified_by: txn.audit.modified_by.clone().filter(|_| is_own),
            ..txn.audit.clone()
        },
        additional_details,
        ..txn
    }
}
