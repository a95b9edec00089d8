//! Where payers' browsers are led, and where gateways report to.

use payment_domain::{GatewayName, Transaction, TxnId};
use url::form_urlencoded::byte_serialize;

/// Through whom payers' browsers are led to a gateway and back. A public URL is this service's address
/// for payers and gateways, with the context path and without a slash at its end:
/// `https://pay.example.org/pg-service`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirects {
    /// Through the application: the gateway sends the browser back to its callback URL.
    Application {
        /// `None` where neither payers nor gateways can reach this service.
        public_url: Option<String>,
    },
    /// Through this service: the gateway sends the browser back to it.
    Service {
        /// Where browsers and gateways reach it.
        public_url: String,
    },
}

impl Redirects {
    fn public_url(&self) -> Option<&str> {
        match self {
            Redirects::Application { public_url } => public_url.as_deref(),
            Redirects::Service { public_url } => Some(public_url),
        }
    }

    /// The URL to which a gateway sends the payer's browser back; `None` for a transaction without a
    /// callback URL, where it would be that.
    pub(crate) fn return_url(&self, txn: &Transaction) -> Option<String> {
        match self {
            Redirects::Application { .. } => txn.callback_url.clone(),
            Redirects::Service { public_url } => {
                let id = encoded(&txn.id);
                Some(format!("{public_url}/transaction/v1/_redirect?eg_pg_txnid={id}"))
            }
        }
    }

    /// The URL to which a gateway reports from server to server; `None` where it could not reach it.
    pub(crate) fn notify_url(&self, gateway: &GatewayName) -> Option<String> {
        let public_url = self.public_url()?;
        Some(format!("{public_url}/gateway/v1/{}/_callback", gateway.as_str().to_lowercase()))
    }

    /// The URL of the page that posts a form to the gateway; `None` where no browser could reach it.
    pub(crate) fn pay_page_url(&self, id: &TxnId, token: &str) -> Option<String> {
        let public_url = self.public_url()?;
        Some(format!("{public_url}/gateway/v1/_pay?eg_pg_txnid={}&token={token}", encoded(id)))
    }
}

fn encoded(id: &TxnId) -> String {
    byte_serialize(id.as_str().as_bytes()).collect()
}
