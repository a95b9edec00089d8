//! The collection service of a test, with faults.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use payment_digit::{
    Cancellation, Collections, DigitError, Payment, PaymentKey, Receipts, Registered, Standing,
};
use payment_domain::{Currency, RequestInfo, TenantId, TxnId};

const SERVICE: &str = "collection-services";

/// A fault of the collection service. A look-up fails only when it is unreachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every connection is refused.
    Unreachable,
    /// The call is lost on its way, and times out.
    Cut,
    /// The payment is registered, or its receipts are cancelled, and the answer is lost.
    AnswerLost,
    /// Refuses with this body.
    Refuses(&'static str),
    /// Answers without the required fields.
    Incomplete,
    /// Never answers.
    Hangs,
    /// Has a bug.
    Panics,
}

/// A register of payments behind a [`Fault`] that a test sets.
#[derive(Default)]
pub struct FakeCollections<R = MemoryRegister> {
    register: R,
    fault: Mutex<Option<Fault>>,
    rupees_only: AtomicBool,
    creates: AtomicU32,
    finds: AtomicU32,
    cancels: AtomicU32,
}

impl<R> FakeCollections<R> {
    /// In front of this register.
    pub fn new(register: R) -> FakeCollections<R> {
        FakeCollections {
            register,
            fault: Mutex::new(None),
            rupees_only: AtomicBool::new(false),
            creates: AtomicU32::new(0),
            finds: AtomicU32::new(0),
            cancels: AtomicU32::new(0),
        }
    }

    /// The fault of all later calls, or `None`.
    pub fn has(&self, fault: impl Into<Option<Fault>>) {
        *lock(&self.fault) = fault.into();
    }

    /// It registers payments in rupees only from now on, like DIGIT's.
    pub fn takes_rupees_only(&self) {
        self.rupees_only.store(true, Ordering::SeqCst);
    }

    /// The number of times a payment was to be registered.
    pub fn creates(&self) -> u32 {
        self.creates.load(Ordering::SeqCst)
    }

    /// The number of times a payment was looked up.
    pub fn finds(&self) -> u32 {
        self.finds.load(Ordering::SeqCst)
    }

    /// The number of times receipts were to be cancelled.
    pub fn cancels(&self) -> u32 {
        self.cancels.load(Ordering::SeqCst)
    }

    fn fault(&self) -> Option<Fault> {
        *lock(&self.fault)
    }

    async fn fails(&self) -> Result<(), DigitError> {
        match self.fault() {
            None | Some(Fault::AnswerLost) => Ok(()),
            Some(Fault::Unreachable) => Err(unreachable()),
            Some(Fault::Cut) => Err(unanswered()),
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

impl FakeCollections {
    /// Registers a payment past the service.
    pub fn has_registered(&self, id: &TxnId, receipt: &str) {
        lock(&self.register.0).insert(id.clone(), valid(vec![receipt.to_owned()]));
    }

    /// Cancels the receipts of a payment past the service.
    pub fn has_cancelled(&self, id: &TxnId) {
        let mut register = lock(&self.register.0);
        register.get_mut(id).expect("a registered payment").standing = Standing::Cancelled;
    }

    /// Whether the receipts of a payment are valid; `None` when it is not registered.
    pub fn standing(&self, id: &TxnId) -> Option<Standing> {
        lock(&self.register.0).get(id).map(|payment| payment.standing.clone())
    }

    pub fn registered(&self) -> usize {
        lock(&self.register.0).len()
    }
}

/// Receipts named after their transaction and bill, kept in memory.
#[derive(Default)]
pub struct MemoryRegister(Mutex<BTreeMap<TxnId, Registered>>);

fn valid(receipts: Vec<String>) -> Registered {
    Registered { receipts: Receipts(receipts), standing: Standing::Valid, key: PaymentKey::default() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unreachable() -> DigitError {
    DigitError::NotSent { service: SERVICE, source: "connection refused by 10.0.0.7".into() }
}

fn unanswered() -> DigitError {
    DigitError::Unanswered { service: SERVICE, source: "timed out".into() }
}

#[async_trait]
impl<R: Collections> Collections for FakeCollections<R> {
    fn takes(&self, currency: Currency) -> bool {
        (currency == Currency::INR || !self.rupees_only.load(Ordering::SeqCst))
            && self.register.takes(currency)
    }

    async fn validate(&self, info: &RequestInfo, payment: &Payment) -> Result<(), DigitError> {
        self.fails().await?;
        self.register.validate(info, payment).await
    }

    async fn create(&self, info: &RequestInfo, payment: &Payment) -> Result<Receipts, DigitError> {
        self.creates.fetch_add(1, Ordering::SeqCst);
        self.fails().await?;
        let receipts = self.register.create(info, payment).await?;
        if self.fault() == Some(Fault::AnswerLost) { Err(unanswered()) } else { Ok(receipts) }
    }

    async fn find(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        id: &TxnId,
    ) -> Result<Option<Registered>, DigitError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        if self.fault() == Some(Fault::Unreachable) {
            return Err(unreachable());
        }
        self.register.find(info, tenant, id).await
    }

    async fn is_latest(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        payment: &Registered,
    ) -> Result<bool, DigitError> {
        self.fails().await?;
        self.register.is_latest(info, tenant, payment).await
    }

    async fn cancel(&self, info: &RequestInfo, cancellation: &Cancellation<'_>) -> Result<(), DigitError> {
        self.cancels.fetch_add(1, Ordering::SeqCst);
        self.fails().await?;
        self.register.cancel(info, cancellation).await?;
        if self.fault() == Some(Fault::AnswerLost) { Err(unanswered()) } else { Ok(()) }
    }
}

#[async_trait]
impl Collections for MemoryRegister {
    fn takes(&self, _: Currency) -> bool {
        true
    }

    async fn validate(&self, _: &RequestInfo, _: &Payment) -> Result<(), DigitError> {
        Ok(())
    }

    async fn create(&self, _: &RequestInfo, payment: &Payment) -> Result<Receipts, DigitError> {
        let id = payment.transaction_number.clone().expect("a payment is registered under its transaction");
        let mut registered = lock(&self.0);
        if registered.contains_key(&id) {
            let body = r#"{"Errors":[{"code":"PAID"}]}"#.to_owned();
            return Err(DigitError::Refused { service: SERVICE, body });
        }
        let receipts: Vec<String> = payment.bills.iter().map(|(bill, _)| format!("R-{id}-{bill}")).collect();
        registered.insert(id, valid(receipts.clone()));
        Ok(Receipts(receipts))
    }

    async fn find(
        &self,
        _: &RequestInfo,
        _: &TenantId,
        id: &TxnId,
    ) -> Result<Option<Registered>, DigitError> {
        Ok(lock(&self.0).get(id).cloned())
    }

    async fn is_latest(&self, _: &RequestInfo, _: &TenantId, _: &Registered) -> Result<bool, DigitError> {
        Ok(true)
    }

    async fn cancel(&self, _: &RequestInfo, cancellation: &Cancellation<'_>) -> Result<(), DigitError> {
        let mut registered = lock(&self.0);
        let payment = registered.get_mut(cancellation.transaction_number).expect("a registered payment");
        if payment.standing != Standing::Valid {
            let body = r#"{"Errors":[{"code":"RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE"}]}"#.to_owned();
            return Err(DigitError::Refused { service: SERVICE, body });
        }
        payment.standing = Standing::Cancelled;
        Ok(())
    }
}
