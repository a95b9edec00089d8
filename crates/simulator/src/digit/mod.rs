//! A pretend DIGIT: egov-idgen, collection-services, egov-user, egf-master, billing-service,
//! egov-localization and egov-url-shortening on one address, with books in memory and faults on demand.
//!
//! It speaks as the real services do, down to their two forms of error bodies: payments are registered once a
//! bill and once a number, users once a login name, access tokens are known while their users are logged in,
//! texts exist for states and not for cities, a bill belongs to `PT` and a tenant has the bank account
//! `ACC-<tenant>` unless set otherwise. Data that the real services persist later are there for the next
//! search at once.

mod answer;
mod books;
mod collections;
mod endpoint;
mod fault;
mod masters;
mod serve;
mod users;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use books::Books;
use fault::Plan;

pub use books::ReceivedCall;
pub use collections::{PaidBill, PaymentStatus, RegisteredPayment};
pub use endpoint::Endpoint;
pub use fault::Fault;

struct State {
    url: String,
    books: Mutex<Books>,
}

impl State {
    /// The books. Never held across an `await`.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The date in Universal Time, in numbers: `2018_08_06`.
    fn today(&self) -> String {
        jiff::Timestamp::now().strftime("%Y_%m_%d").to_string()
    }
}

/// A pretend DIGIT that serves until it is dropped.
pub struct PretendDigit {
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl PretendDigit {
    /// Starts one on a free port of this machine, with empty books.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<PretendDigit> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State { url, books: Mutex::default() });
        let (stop, stopped) = oneshot::channel::<()>();
        let router = serve::router(state.clone());
        let serving = tokio::spawn(async move {
            // It ends on request, or when it is dropped.
            let told = async move {
                let _ = stopped.await;
            };
            axum::serve(listener, router).with_graceful_shutdown(told).await
        });
        Ok(PretendDigit { state, stop: Some(stop), serving })
    }

    /// Where it is: `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Ends once the calls under way have their answers; from then on no connection is accepted.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        let _ended = (&mut self.serving).await;
    }

    /// Every call of the endpoint goes wrong from now on.
    pub fn set_fault(&self, endpoint: Endpoint, fault: Fault) {
        self.state.books().faults.insert(endpoint, Plan { fault, times: None });
    }

    /// The next `times` calls of the endpoint go wrong.
    pub fn set_fault_for(&self, endpoint: Endpoint, fault: Fault, times: u32) {
        self.state.books().faults.insert(endpoint, Plan { fault, times: Some(times) });
    }

    pub fn clear_faults(&self) {
        self.state.books().faults.clear();
    }

    /// The last calls of an endpoint, the oldest first.
    pub fn calls(&self, endpoint: Endpoint) -> Vec<ReceivedCall> {
        self.state.books().calls(endpoint)
    }

    /// The number of times an endpoint was called in all.
    pub fn count(&self, endpoint: Endpoint) -> u64 {
        self.state.books().count(endpoint)
    }

    /// All registered payments, in the order of their registration.
    pub fn payments(&self) -> Vec<RegisteredPayment> {
        self.state.books().register.payments().to_vec()
    }

    pub fn payment(&self, transaction_number: &str) -> Option<RegisteredPayment> {
        self.state.books().register.payment(transaction_number).cloned()
    }

    /// Sets the status of a registered payment, as if at the counter.
    pub fn set_payment_status(&self, transaction_number: &str, status: PaymentStatus) {
        self.state.books().register.set_status(transaction_number, status);
    }

    pub fn pay_elsewhere(&self, tenant_id: &str, bill_id: &str) {
        self.state.books().register.pay_elsewhere(tenant_id, bill_id);
    }

    pub fn users(&self) -> Vec<Value> {
        self.state.books().users.all().to_vec()
    }

    /// A user is there, with the fields of egov-user's record.
    pub fn enter_user(&self, user: Value) {
        self.state.books().users.enter(user);
    }

    /// An employee is there who logs in with a password.
    pub fn enter_employee(&self, password: &str, user: Value) {
        self.state.books().users.enter_employee(password.to_owned(), user);
    }

    /// A user logs in and is given this access token.
    pub fn log_in(&self, token: &str, user: Value) {
        self.state.books().users.log_in(token.to_owned(), user);
    }

    /// The access token becomes unknown: it has expired, or its user has logged out.
    pub fn log_out(&self, token: &str) {
        self.state.books().users.log_out(token);
    }

    pub fn set_bank_accounts(&self, tenant_id: &str, numbers: &[&str]) {
        let numbers = numbers.iter().map(|number| (*number).to_owned()).collect();
        self.state.books().masters.set_bank_accounts(tenant_id, numbers);
    }

    /// The service a bill belongs to; `None` for an unknown bill.
    pub fn set_bill_service(&self, bill_id: &str, service: Option<&str>) {
        self.state.books().masters.set_bill_service(bill_id, service.map(str::to_owned));
    }

    /// The consumer code of a bill, which is otherwise the bill's id.
    pub fn set_consumer(&self, bill_id: &str, consumer_code: &str) {
        self.state.books().masters.set_consumer(bill_id, consumer_code);
    }

    /// A text of a state in a language.
    pub fn set_message(&self, state: &str, locale: &str, code: &str, message: &str) {
        self.state.books().masters.set_message(state, locale, code, message);
    }

    /// The long links that were shortened, in order.
    pub fn links(&self) -> Vec<String> {
        self.state.books().masters.links().to_vec()
    }
}

impl std::fmt::Debug for PretendDigit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PretendDigit").field("url", &self.state.url).finish_non_exhaustive()
    }
}
