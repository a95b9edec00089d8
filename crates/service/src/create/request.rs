//! A request to create a transaction.

use payment_digit::PayerDetails;
use payment_domain::{BillId, Currency, GatewayName, TenantId};
use payment_store::RequestDigest;
use serde_json::{Map, Value};
use url::Url;

use crate::identity::Identity;
use crate::subject::Subject;

/// A request to create a transaction, well-formed but not yet checked.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// The caller. Its claims become the creator of the transaction, and decide nothing.
    pub identity: Identity,
    pub tenant_id: TenantId,
    /// The amount as the client wrote it.
    pub amount: String,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The bill named first.
    pub bill_id: BillId,
    pub module: Option<String>,
    /// The service whose merchant account is paid into.
    pub service: Option<String>,
    pub consumer_code: String,
    /// The bills, at least one.
    pub bills: Vec<BillRequest>,
    pub product_info: String,
    pub gateway: GatewayName,
    /// The payer's way back to the application: an absolute http(s) URL.
    pub callback_url: Url,
    /// `callback_url` as the client wrote it.
    pub callback_text: String,
    pub payer: PayerDetails,
    /// Kept and returned as they are.
    pub additional_details: Map<String, Value>,
    /// `None` without an `Idempotency-Key`.
    pub idempotent: Option<IdempotentRequest>,
    /// Receives the id once the transaction is stored.
    pub subject: Subject,
}

/// One bill of a request, amounts as the client wrote them.
#[derive(Debug, Clone)]
pub struct BillRequest {
    pub tax_amount: Option<String>,
    pub amount_paid: String,
    pub bill_id: BillId,
}

#[derive(Debug, Clone)]
pub struct IdempotentRequest {
    pub key: String,
    /// SHA-256 over the body without `RequestInfo`.
    pub digest: RequestDigest,
}

impl CreateRequest {
    /// The client's own text of the callback URL, unless it is no valid header value.
    pub(super) fn callback_text(&self) -> &str {
        let is_plain = self.callback_text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_plain { &self.callback_text } else { self.callback_url.as_str() }
    }

    /// The uuid that the caller gives itself; empty without one.
    pub(super) fn user_uuid(&self) -> String {
        self.identity.info().user("uuid").unwrap_or_default().into_owned()
    }
}
