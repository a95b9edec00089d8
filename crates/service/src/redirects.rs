//! The URLs to which browsers return and gateways report.

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
    Service { public_url: String },
}

impl Redirects {
    fn public_url(&self) -> Option<&str> {
        match self {
            Redirects::Application { public_url } => public_url.as_deref(),
            Redirects::Service { public_url } => Some(public_url),
        }
    }

    /// The URL to which a gateway sends the payer's browser; `None` where that is the callback URL and the
    /// transaction has none.
    pub(crate) fn return_url(&self, txn: &Transaction) -> Option<String> {
        match self {
            Redirects::Application { .. } => txn.callback_url.clone(),
            Redirects::Service { public_url } => {
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

    /// The URL of the page that posts a form to the gateway; `None` where browsers cannot reach this service.
    pub(crate) fn pay_page_url(&self, id: &TxnId, token: &str) -> Option<String> {
        let public_url = self.public_url()?;
        Some(format!("{public_url}/gateway/v1/_pay?eg_pg_txnid={}&token={token}", encoded(id)))
    }
}

fn encoded(id: &TxnId) -> String {
    byte_serialize(id.as_str().as_bytes()).collect()
}
