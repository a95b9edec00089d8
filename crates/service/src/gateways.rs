//! The active gateways by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use payment_domain::{GatewayName, TxnId};
use payment_gateway::{Answer, Gateway};

/// The parameter in which we give our transaction id to applications and gateways.
pub(crate) const TRANSACTION_PARAMETER: &str = "eg_pg_txnid";

/// The gateways that are active, by name.
#[derive(Clone, Default)]
pub struct Gateways(BTreeMap<GatewayName, Arc<dyn Gateway>>);

impl Gateways {
    /// These gateways; of two of one name the later one counts.
    pub fn new(gateways: impl IntoIterator<Item = Arc<dyn Gateway>>) -> Gateways {
        Gateways(gateways.into_iter().map(|gateway| (gateway.name().clone(), gateway)).collect())
    }

    /// The active gateway of this name.
    pub fn get(&self, name: &GatewayName) -> Option<&Arc<dyn Gateway>> {
        self.0.get(name)
    }

    /// The names of all active gateways, in alphabetical order.
    pub fn names(&self) -> Vec<GatewayName> {
        self.0.keys().cloned().collect()
    }

    /// The transaction that an answer of an unnamed gateway names: in our own parameter first,
    /// then in that of each gateway.
    pub fn transaction_named_in(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(TRANSACTION_PARAMETER).or_else(|| {
            self.0.values().find_map(|gateway| answer.transaction_in(gateway.transaction_parameter()))
        })
    }
}
