//! Parts of the outside world that a test can spoil.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payment_digit::embedded::{ReceiptRegister, Registers};
use payment_digit::{Collections, DigitError, Payment, Receipts};
use payment_domain::{Clock, GatewayName, Report, RequestInfo, TenantId, Transaction, TxnId};
use payment_gateway::{
    Answer, Availability, Closing, Evidence, FakeGateway, Gateway, GatewayError, Order, Profile, Redirect,
    StartMode,
};

/// What is wrong with the collection service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be reached.
    Away,
    /// It does not answer.
    Unanswered,
    /// It refuses with a body of its own.
    Refuses(&'static str),
    /// It answers without what must be in an answer.
    Incomplete,
    /// It takes for ever.
    Hangs,
    /// It has a bug.
    Panics,
}

/// The receipt register, which a test can spoil.
pub(crate) struct FaultyCollections {
    register: ReceiptRegister,
    fault: Mutex<Option<Fault>>,
}

impl FaultyCollections {
    pub(crate) fn new(registers: Arc<dyn Registers>, clock: Arc<dyn Clock>) -> FaultyCollections {
        FaultyCollections { register: ReceiptRegister::new(registers, clock), fault: Mutex::new(None) }
    }

    pub(crate) fn has(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    async fn fails(&self) -> Result<(), DigitError> {
        const SERVICE: &str = "collection-services";
        let fault = *self.fault.lock().unwrap();
        match fault {
            None => Ok(()),
            Some(Fault::Away) => {
                Err(DigitError::NotSent { service: SERVICE, source: "connection refused by 10.0.0.7".into() })
            }
            Some(Fault::Unanswered) => {
                Err(DigitError::Unanswered { service: SERVICE, source: "timed out".into() })
            }
            Some(Fault::Refuses(body)) => {
                Err(DigitError::Refused { service: SERVICE, body: body.to_owned() })
            }
            Some(Fault::Incomplete) => Err(DigitError::Incomplete {
                code: "PAYMENT_VALIDATION_FAILED",
                message: "Failed to validate payment".to_owned(),
            }),
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Panics) => panic!("a bug"),
        }
    }
}

#[async_trait]
impl Collections for FaultyCollections {
    async fn validate(&self, info: &RequestInfo, payment: &Payment) -> Result<(), DigitError> {
        self.fails().await?;
        self.register.validate(info, payment).await
    }

    async fn create(&self, info: &RequestInfo, payment: &Payment) -> Result<Receipts, DigitError> {
        self.fails().await?;
        self.register.create(info, payment).await
    }

    async fn find(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        transaction_number: &TxnId,
    ) -> Result<Option<Receipts>, DigitError> {
        self.fails().await?;
        self.register.find(info, tenant, transaction_number).await
    }
}

/// The gateway `FORM`: the same as another one, but that wants a form posted to it.
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

    fn availability(&self) -> Availability {
        self.inner.availability()
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.inner.closing()
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
