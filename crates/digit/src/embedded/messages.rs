//! The built-in texts of messages to payers, in English.

use async_trait::async_trait;
use payment_domain::{RequestInfo, TenantId};

use crate::{DigitError, Messages};

const TEXTS: [(&str, &str); 6] = [
    (
        "PG_NOTIFICATION_SUCCESS",
        "Your payment of Rs. {amount} for {consumerCode} was received. Transaction id: {txnId}.",
    ),
    (
        "PG_NOTIFICATION_FAILURE",
        "Your payment of Rs. {amount} for {consumerCode} did not go through: {Payment failure reason}. \
         Transaction id: {txnId}.",
    ),
    (
        "PG_NOTIFICATION_PENDING",
        "Your payment of Rs. {amount} for {consumerCode} is not confirmed yet; please do not pay again. \
         Transaction id: {txnId}.",
    ),
    (
        "PG_NOTIFICATION_REFUND_PENDING",
        "A refund of Rs. {amount} of your payment for {consumerCode} is under way; it is not in your account \
         yet. Refund id: {refundId}, transaction id: {txnId}.",
    ),
    (
        "PG_NOTIFICATION_REFUND_SUCCESS",
        "Rs. {amount} of your payment for {consumerCode} were given back; your bank may take some days to \
         show them. Refund id: {refundId}, transaction id: {txnId}.",
    ),
    (
        "PG_NOTIFICATION_REFUND_FAILURE",
        "The refund of Rs. {amount} of your payment for {consumerCode} did not go through; your money was not \
         given back. Please ask the office that you paid. Refund id: {refundId}, transaction id: {txnId}.",
    ),
];

/// The end of a failure's text, where there is a page on which the bill can be paid.
const PAY_AGAIN: &str = " You can pay again here: {payment link}";

/// English texts, for every tenant and requested language.
#[derive(Debug, Clone, Copy)]
pub struct DefaultMessages {
    /// Whether payers are shown where they can pay again.
    pub with_payment_link: bool,
}

#[async_trait]
impl Messages for DefaultMessages {
    async fn text(
        &self,
        _info: &RequestInfo,
        _tenant: &TenantId,
        _locale: &str,
        code: &str,
    ) -> Result<Option<String>, DigitError> {
        let text = TEXTS.iter().find(|(known, _)| *known == code).map(|(_, text)| (*text).to_owned());
        let is_failure = code == "PG_NOTIFICATION_FAILURE";
        Ok(text.map(|text| if is_failure && self.with_payment_link { text + PAY_AGAIN } else { text }))
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::StatusName;

    use super::*;

    #[tokio::test]
    async fn every_status_of_a_refund_has_a_text_that_names_it() {
        let tenant = TenantId::new("pb.amritsar").unwrap();
        for word in ["PENDING", "SUCCESS", "FAILURE"] {
            let texts = DefaultMessages { with_payment_link: true };
            let code = format!("PG_NOTIFICATION_REFUND_{word}");
            let text = texts.text(&RequestInfo::default(), &tenant, "en_IN", &code).await.unwrap().unwrap();
            for placeholder in ["{amount}", "{consumerCode}", "{refundId}", "{txnId}"] {
                assert!(text.contains(placeholder), "{code} lacks {placeholder}");
            }
        }
    }

    #[tokio::test]
    async fn every_status_has_a_text_that_names_the_payment() {
        let tenant = TenantId::new("pb.amritsar").unwrap();
        for status in [StatusName::Pending, StatusName::Success, StatusName::Failure] {
            let code = format!("PG_NOTIFICATION_{}", status.as_str());
            let text = DefaultMessages { with_payment_link: true }
                .text(&RequestInfo::default(), &tenant, "pa_IN", &code)
                .await
                .unwrap()
                .unwrap();
            for placeholder in ["{amount}", "{consumerCode}", "{txnId}"] {
                assert!(text.contains(placeholder), "{code} lacks {placeholder}");
            }
            let failed = status == StatusName::Failure;
            assert_eq!(text.contains("{Payment failure reason}"), failed);
            assert_eq!(text.contains("{payment link}"), failed);
        }
        let unlinked = DefaultMessages { with_payment_link: false };
        let failure =
            unlinked.text(&RequestInfo::default(), &tenant, "en_IN", "PG_NOTIFICATION_FAILURE").await;
        assert!(!failure.unwrap().unwrap().contains("here"), "a link that leads nowhere is not announced");
        let unknown = unlinked.text(&RequestInfo::default(), &tenant, "en_IN", "OTHER").await;
        assert_eq!(unknown.unwrap(), None);
    }
}
