//! The key of a payer: one record for a name and a mobile number in a state.

use std::hash::{Hash, Hasher};

use payment_domain::Personal;

use crate::PayerDetails;

/// Cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PayerKey {
    pub(crate) state: String,
    pub(crate) mobile: Personal,
    pub(crate) name: Personal,
}

impl PayerKey {
    pub(crate) fn of(details: &PayerDetails) -> PayerKey {
        PayerKey {
            state: details.tenant_id.state().to_owned(),
            mobile: details.mobile_number.clone(),
            name: details.name.clone(),
        }
    }
}

impl Hash for PayerKey {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.state, self.mobile.expose(), self.name.expose()).hash(hasher);
    }
}
