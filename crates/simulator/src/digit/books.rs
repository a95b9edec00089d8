//! The data of the pretend services, their faults, and the calls they received.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::Value;

use super::answer::{Answer, Asked};
use super::collections::Register;
use super::endpoint::Endpoint;
use super::fault::{Fault, Plan};
use super::masters::Masters;
use super::users::Users;

const MAX_CALLS: usize = 10_000;

/// A call as it arrived, with any outcome. It holds the content of real calls, tokens and names included: for
/// tests only.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedCall {
    pub endpoint: Endpoint,
    /// The parameters of the query and of the path.
    pub query: BTreeMap<String, String>,
    /// The headers that can be read, names in lower case.
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl ReceivedCall {
    /// The body as JSON; null when it is none.
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) register: Register,
    pub(crate) users: Users,
    pub(crate) masters: Masters,
    pub(crate) faults: BTreeMap<Endpoint, Plan>,
    calls: VecDeque<ReceivedCall>,
    counts: HashMap<Endpoint, u64>,
}

impl Books {
    /// Records a call, and returns its fault.
    pub(crate) fn arrived(&mut self, call: ReceivedCall) -> Option<Fault> {
        let endpoint = call.endpoint;
        *self.counts.entry(endpoint).or_default() += 1;
        if self.calls.len() == MAX_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
        let plan = self.faults.get_mut(&endpoint)?;
        let fault = plan.fault.clone();
        if let Some(times) = &mut plan.times {
            if *times == 0 {
                self.faults.remove(&endpoint);
                return None;
            }
            *times -= 1;
        }
        Some(fault)
    }

    /// The last calls, the oldest first.
    pub(crate) fn calls(&self, endpoint: Endpoint) -> Vec<ReceivedCall> {
        self.calls.iter().filter(|call| call.endpoint == endpoint).cloned().collect()
    }

    /// The number of times an endpoint was called in all.
    pub(crate) fn count(&self, endpoint: Endpoint) -> u64 {
        self.counts.get(&endpoint).copied().unwrap_or(0)
    }

    /// Does the work of an endpoint. `base` is our own address, `today` the date in numbers.
    pub(crate) fn work(&mut self, endpoint: Endpoint, asked: &Asked<'_>, base: &str, today: &str) -> Answer {
        match endpoint {
            Endpoint::Ids => self.masters.generate_ids(asked, today),
            Endpoint::ValidatePayment => self.register.validate(asked),
            Endpoint::CreatePayment => self.register.create(asked, &self.masters),
            Endpoint::CancelPayment => self.register.cancel(asked),
            Endpoint::SearchPayments => self.register.search(asked),
            Endpoint::SearchUsers => self.users.search(asked),
            Endpoint::CreateUser => self.users.create(asked),
            Endpoint::UserDetails => self.users.details(asked),
            Endpoint::LogIn => self.users.log_in_by_password(asked),
            Endpoint::BankAccounts => self.masters.bank_accounts(asked),
            Endpoint::Bills => self.masters.bills(asked),
            Endpoint::Messages => self.masters.messages(asked),
            Endpoint::Links => self.masters.shorten(asked, base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(endpoint: Endpoint) -> ReceivedCall {
        ReceivedCall { endpoint, query: BTreeMap::new(), headers: BTreeMap::new(), text: "{}".to_owned() }
    }

    #[test]
    fn a_fault_applies_to_the_requested_number_of_calls() {
        let mut books = Books::default();
        books.faults.insert(Endpoint::Ids, Plan { fault: Fault::Status500, times: Some(2) });
        let struck: Vec<bool> = (0..4).map(|_| books.arrived(call(Endpoint::Ids)).is_some()).collect();
        assert_eq!(struck, [true, true, false, false]);
        assert_eq!(books.arrived(call(Endpoint::Bills)), None);
        books.faults.insert(Endpoint::Ids, Plan { fault: Fault::Garbage, times: None });
        assert!((0..10).all(|_| books.arrived(call(Endpoint::Ids)) == Some(Fault::Garbage)));
    }

    #[test]
    fn calls_are_counted_and_the_last_ones_remembered() {
        let mut books = Books::default();
        for _ in 0..MAX_CALLS + 5 {
            books.arrived(call(Endpoint::Ids));
        }
        assert_eq!(books.count(Endpoint::Ids), MAX_CALLS as u64 + 5);
        assert_eq!(books.calls(Endpoint::Ids).len(), MAX_CALLS);
        assert!(books.calls(Endpoint::Bills).is_empty());
    }
}
