//! The URLs to which browsers return and gateways report.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use payment_domain::{GatewayName, Transaction, TxnId};
use url::form_urlencoded::byte_serialize;

/// The way of payers' browsers to a gateway and back. A public URL is this service's address for payers and
/// gateways, with the context path and without a slash at its end:
/// `https://pay.example.org/pg-service`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirects {
    /// Through the application: the gateway sends browsers to its callback URL.
    Application {
        /// `None` where neither payers nor gateways can reach this service.
        public_url: Option<String>,
    },
    /// Through this service: the gateway sends browsers to it.
    Service {
        public_url: String,
        /// Whether `redirectUrl` also names the payment page as UPYOG's web client expects it: that client
        /// follows `redirectUrl` for AXIS alone, and otherwise posts a form to the address in its parameter
        /// `txURL`, which it takes undecoded.
        upyog_form: bool,
    },
}

impl Redirects {
    fn public_url(&self) -> Option<&str> {
        match self {
            Redirects::Application { public_url } => public_url.as_deref(),
            Redirects::Service { public_url, .. } => Some(public_url),
        }
    }

    /// The URL to which a gateway sends the payer's browser; `None` where that is the callback URL and the
    /// transaction has none.
    pub(crate) fn return_url(&self, txn: &Transaction) -> Option<String> {
        match self {
            Redirects::Application { .. } => txn.callback_url.clone(),
            Redirects::Service { public_url, .. } => {
                let id = encoded(&txn.id);
                Some(format!("{public_url}/transaction/v1/_redirect?eg_pg_txnid={id}"))
            }
        }
    }

    /// The URL for server-to-server callbacks; `None` where gateways cannot reach this service.
    pub(crate) fn notify_url(&self, gateway: &GatewayName) -> Option<String> {
        let public_url = self.public_url()?;
        Some(format!("{public_url}/gateway/v1/{}/_callback", gateway.as_str().to_lowercase()))
    }

    /// The URL of the page that leads to the gateway; `None` where browsers cannot reach this service.
    pub(crate) fn pay_page_url(
        &self,
        gateway: &GatewayName,
        id: &TxnId,
        token: &PageToken,
    ) -> Option<String> {
        let public_url = self.public_url()?;
        let (id_parameter, secret) = (encoded(id), &token.secret);
        let mut url = format!("{public_url}/gateway/v1/_pay?eg_pg_txnid={id_parameter}&token={secret}");
        if self.posts_to_page(gateway) {
            // Last, because some clients read the parameters by their position.
            url += &format!("&txURL={public_url}/gateway/v1/_pay/{}", token.with_id(id));
        }
        Some(url)
    }

    /// Whether the web client posts to the payment page instead of following `redirectUrl`.
    pub(crate) fn posts_to_page(&self, gateway: &GatewayName) -> bool {
        match self {
            Redirects::Application { .. } => false,
            Redirects::Service { upyog_form, .. } => *upyog_form && gateway.as_str() != FOLLOWED,
        }
    }
}

/// The gateway whose `redirectUrl` UPYOG's web client follows.
const FOLLOWED: &str = "AXIS";

/// The secret of a payment page: 32 hexadecimal digits.
pub(crate) struct PageToken {
    secret: String,
}

impl PageToken {
    pub(crate) fn random() -> PageToken {
        PageToken { secret: uuid::Uuid::new_v4().simple().to_string() }
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The secret and the transaction as one segment of a path, without a character that a client would cut at.
    fn with_id(&self, id: &TxnId) -> String {
        format!("{}{}", self.secret, URL_SAFE_NO_PAD.encode(id.as_str()))
    }

    /// The transaction and the secret in such a segment.
    pub(crate) fn read(segment: &str) -> Option<(TxnId, &str)> {
        let (secret, id) = segment.split_at_checked(SECRET_DIGITS)?;
        let id = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        Some((TxnId::new(id).ok()?, secret))
    }
}

const SECRET_DIGITS: usize = 32;

fn encoded(id: &TxnId) -> String {
    byte_serialize(id.as_str().as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_page_token_is_read_as_it_was_written(id in "[^\\x00-\\x1f\\x7f-\\x9f]{1,128}") {
            let (id, token) = (TxnId::new(id).unwrap(), PageToken::random());
            let segment = token.with_id(&id);
            prop_assert!(!segment.contains(['?', '=', '&', '/', '#', '%']), "{}", segment);
            prop_assert_eq!(PageToken::read(&segment), Some((id, token.secret())));
        }

        #[test]
        fn no_text_is_a_panic(segment in any::<String>()) {
            let _ = PageToken::read(&segment);
        }
    }
}
