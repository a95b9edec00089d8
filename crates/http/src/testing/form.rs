//! A gateway whose payment page takes a form.

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{GatewayName, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, FakeGateway, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
    StartMode,
};

/// The gateway `FORM`: another gateway whose start is a form.
pub(crate) struct FormGateway {
    profile: Profile,
    inner: Arc<FakeGateway>,
}

impl FormGateway {
    pub(crate) fn new(inner: Arc<FakeGateway>) -> FormGateway {
        let profile = Profile {
            name: GatewayName::new("FORM"),
            transaction_parameter: "formOrder".into(),
            start_mode: StartMode::Offline,
            needs_form_page: true,
            ..inner.profile().clone()
        };
        FormGateway { profile, inner }
    }
}

#[async_trait]
impl Gateway for FormGateway {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.inner.closing()
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        self.inner.refunding()
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        let fields =
            [("submit", order.txn.id.as_str()), ("surl", order.return_url), ("name", r#"<Asha "R" & 'K'>"#)];
        Ok(Redirect::Form {
            action: "https://form.example/_payment?a=1&b=2".to_owned(),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        })
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(&self.profile.transaction_parameter)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        self.inner.verify(txn, answer).await
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        self.inner.status(txn).await
    }
}
