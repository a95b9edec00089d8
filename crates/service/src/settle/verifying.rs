//! Verification of an answer's signature.

use payment_domain::{Report, Transaction};
use payment_gateway::{Answer, Evidence, Gateway, GatewayError};
use url::Url;

use super::{SettleError, Settlement};
use crate::gateways::TRANSACTION_PARAMETER;

impl Settlement {
    /// The report that the gateway signed in an answer. It never makes a success; a payment that it
    /// reports does not fail without review.
    ///
    /// # Errors
    /// [`SettleError::BadSignature`] for a forged answer, [`SettleError::WrongTransaction`] for one that
    /// the gateway signed about another payment.
    pub(crate) async fn signed(
        &self,
        gateway: &dyn Gateway,
        txn: &Transaction,
        answer: &Answer,
    ) -> Result<Option<Report>, SettleError> {
        let mut verified = gateway.verify(txn, answer).await;
        if let Err(GatewayError::BadSignature | GatewayError::WrongTransaction) = verified
            && let Some(answer) = without_own_query(txn, answer)
        {
            verified = gateway.verify(txn, &answer).await;
        }
        let refused = match verified {
            Ok(Evidence::Unsigned) => return Ok(None),
            Ok(Evidence::Signed(report)) => return Ok(Some(report)),
            Err(GatewayError::BadSignature) => SettleError::BadSignature,
            Err(GatewayError::WrongTransaction) => SettleError::WrongTransaction,
            Err(
                error @ (GatewayError::NotSent(_)
                | GatewayError::LocalFault(_)
                | GatewayError::Unanswered(_)
                | GatewayError::Unreadable(_)
                | GatewayError::Refused { .. }
                | GatewayError::Unavailable { .. }),
            ) => {
                tracing::info!(txn_id = %txn.id, gateway = %txn.gateway, %error, "an answer could not be verified, the gateway is asked");
                return Ok(None);
            }
        };
        metrics::counter!("answers_refused_total", "gateway" => txn.gateway.to_string()).increment(1);
        tracing::warn!(txn_id = %txn.id, gateway = %txn.gateway, reason = %refused, "an answer was refused");
        Err(refused)
    }
}

/// The answer without the parameters of the application's callback URL, `None` when it has none of them: a
/// web client relays the whole query of its page, where a parameter of its own may bear a name of the
/// gateway's. The signature is checked on the rest.
fn without_own_query(txn: &Transaction, answer: &Answer) -> Option<Answer> {
    let url = Url::parse(txn.callback_url.as_deref()?).ok()?;
    let own = url
        .query_pairs()
        .filter(|(name, _)| name != TRANSACTION_PARAMETER)
        .map(|(name, value)| (name.into_owned(), value.into_owned()));
    let params = answer.params.without(own);
    (params != answer.params).then(|| Answer { params, ..answer.clone() })
}
