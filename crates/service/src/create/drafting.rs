//! The new transaction, with the data of DIGIT's services.

use payment_digit::Payment;
use payment_domain::machine::message;
use payment_domain::{Audit, GatewayDetails, Status, Transaction};
use payment_gateway::Gateway;
use payment_store::StoreError;

use super::checking::Amounts;
use super::request::CreateRequest;
use super::{CreateError, Creation};
use crate::callback_url::with_transaction_id;

impl Creation {
    /// Asks the collection service whether the payment could be registered, then for an id and the payer.
    pub(super) async fn draft(
        &self,
        request: &CreateRequest,
        gateway: &dyn Gateway,
        amounts: Amounts,
    ) -> Result<Transaction, CreateError> {
        let ports = &self.ports;
        let now = ports.now();
        let payment = Payment {
            tenant_id: request.tenant_id.clone(),
            transaction_number: None,
            total: amounts.total,
            bills: amounts.bills.iter().map(|bill| (bill.bill_id.clone(), bill.amount_paid)).collect(),
            payer_name: request.payer.name.clone(),
            payer_mobile: request.payer.mobile_number.clone(),
            paid_at: now,
            additional_details: request.additional_details.clone(),
        };
        // Only a payment that can be registered gets an id and a payer.
        ports.collections.validate(request.identity.info(), &payment).await?;
        let (id, payer) = tokio::try_join!(
            ports.ids.next(request.identity.info(), &request.tenant_id),
            ports.payers.find_or_create(request.identity.info(), &request.payer),
        )?;
        let mut additional_details = request.additional_details.clone();
        let bills = serde_json::to_value(&amounts.bills).map_err(|error| StoreError::Failed(error.into()))?;
        additional_details.insert("taxAndPayments".to_owned(), bills);
        Ok(Transaction {
            callback_url: Some(with_transaction_id(request.callback_text(), id.as_str(), &[])),
            id,
            tenant_id: request.tenant_id.clone(),
            amount: amounts.total,
            bill_id: request.bill_id.clone(),
            module: request.module.clone(),
            consumer_code: request.consumer_code.clone(),
            bills: amounts.bills,
            product_info: request.product_info.clone(),
            gateway: gateway.profile().name.clone(),
            redirect_url: None,
            payer,
            status: Status::Pending,
            status_message: message::INITIATED.to_owned(),
            gateway_details: GatewayDetails::default(),
            audit: Audit {
                created_by: request.user_uuid(),
                created_at: now,
                modified_by: None,
                modified_at: None,
            },
            additional_details,
            version: 1,
            account: None,
            unknown: None,
        })
    }
}
