//! The checks of a request.

use payment_domain::{BillPayment, Currency, Money, Transaction};
use payment_gateway::{Availability, Gateway, GatewayError};

use super::holders::Bills;
use super::request::CreateRequest;
use super::{CreateError, Creation, Refusal};
use crate::accounts::Place;
use crate::gateways::Offered;

/// The outcome for a request without objections.
pub(super) enum Checked {
    /// A new transaction through this gateway.
    New(Offered, Amounts),
    /// The pending transaction of an earlier, equal request.
    Reused(Box<Transaction>),
}

/// The amounts of a request, parsed.
pub(super) struct Amounts {
    pub(super) total: Money,
    pub(super) bills: Vec<BillPayment>,
}

impl Creation {
    /// All objections to a request that the store and the settings know of, together.
    pub(super) async fn check(&self, request: &CreateRequest) -> Result<Checked, CreateError> {
        let mut refusals = Vec::new();
        let user = request.identity.info();
        if ["uuid", "name", "userName", "mobileNumber", "tenantId"]
            .iter()
            .any(|field| user.user(field).is_none())
        {
            refusals.push(Refusal {
                code: "INVALID_USER_DETAILS",
                message: "User UUID, Name, Username, Mobile Number and Tenant Id are mandatory".to_owned(),
            });
        }
        let offered = self.offered(request)?;
        let gateway = offered.as_ref().map(|offered| &offered.gateway);
        if gateway.is_none() {
            refusals.push(Refusal {
                code: "INVALID_PAYMENT_GATEWAY",
                message: "Invalid or inactive payment gateway provided".to_owned(),
            });
        }
        if !self.ports.settings.allowed_callback_hosts.allow(&request.tenant_id, &request.callback_url) {
            refusals.push(Refusal {
                code: "INVALID_CALLBACK_URL",
                message: "The host of callbackUrl is not allowed for this tenant".to_owned(),
            });
        }
        refusals.extend(self.refuse_currency(request, gateway.map(AsRef::as_ref)));
        let amounts = read_amounts(request);
        // Status requests are made only for a request without another objection.
        let acceptable = amounts.as_ref().ok().filter(|_| refusals.is_empty());
        match self.look_at_bills(request, acceptable).await? {
            Bills::Free => {}
            Bills::Reused(txn) => return Ok(Checked::Reused(txn)),
            Bills::Held(found) => refusals.extend(found),
        }
        let amounts = amounts.map_err(|found| refusals.extend(found));
        match (offered, amounts) {
            (Some(offered), Ok(amounts)) if refusals.is_empty() => {
                refuse_while_unavailable(offered.gateway.as_ref(), &amounts)?;
                Ok(Checked::New(offered, amounts))
            }
            _ => Err(CreateError::Refused(refusals)),
        }
    }
}

impl Creation {
    /// The gateway and the merchant account for a request, where the gateway is offered.
    ///
    /// # Errors
    /// When the account cannot be used: nothing is paid into another one.
    pub(super) fn offered(&self, request: &CreateRequest) -> Result<Option<Offered>, GatewayError> {
        let place = Place { tenant: &request.tenant_id, service: request.service.as_deref() };
        self.ports.gateways.for_new(&request.gateway, place).map_err(|why| {
            tracing::error!(gateway = %request.gateway, tenant = %request.tenant_id, why, "a payment was refused: its merchant account cannot be used");
            GatewayError::LocalFault(why.into())
        })
    }

    /// The reason the gateway or the collection service takes no payment in the currency of the request.
    fn refuse_currency(&self, request: &CreateRequest, gateway: Option<&dyn Gateway>) -> Option<Refusal> {
        let currency = request.currency;
        let message = match gateway.map(Gateway::profile) {
            Some(profile) if !profile.currencies.include(currency) => {
                format!("{} takes {}, not {}", profile.name, profile.currencies, currency.code())
            }
            Some(_) | None if !self.ports.collections.takes(currency) => {
                format!("The collection service issues no receipts for payments in {}", currency.code())
            }
            Some(_) | None => return None,
        };
        Some(Refusal { code: Currency::NOT_SUPPORTED, message })
    }
}

/// No payer is sent to a gateway that is unavailable, and no DIGIT service is asked on its behalf.
fn refuse_while_unavailable(gateway: &dyn Gateway, amounts: &Amounts) -> Result<(), GatewayError> {
    match gateway.availability() {
        Availability::Unavailable { retry_after } if !amounts.total.is_zero() => {
            Err(GatewayError::Unavailable { retry_after })
        }
        Availability::Available | Availability::Unavailable { .. } => Ok(()),
    }
}

fn read_amounts(request: &CreateRequest) -> Result<Amounts, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut read = |field: &str, text: &str| {
        Money::parse(text, request.currency)
            .map_err(|error| {
                let refusal = Refusal { code: "INVALID_TXN_AMOUNT", message: format!("{field}: {error}") };
                refusals.push(refusal);
            })
            .ok()
    };
    let total = read("txnAmount", &request.amount);
    let mut bills = Vec::with_capacity(request.bills.len());
    for bill in &request.bills {
        let tax_amount = bill.tax_amount.as_deref().and_then(|text| read("taxAmount", text));
        if let Some(amount_paid) = read("amountPaid", &bill.amount_paid) {
            bills.push(BillPayment { tax_amount, amount_paid, bill_id: bill.bill_id.clone() });
        }
    }
    match total {
        Some(total) if refusals.is_empty() => {
            if Money::sum(bills.iter().map(|bill| bill.amount_paid), total.currency()) == Some(total) {
                return Ok(Amounts { total, bills });
            }
            Err(vec![Refusal {
                code: "TXN_CREATE_INVALID_TXN_AMT",
                message: "Transaction amount should be equal to sum of all  amountPaids in taxAndPayments"
                    .to_owned(),
            }])
        }
        Some(_) | None => Err(refusals),
    }
}
