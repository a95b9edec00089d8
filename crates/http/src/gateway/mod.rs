//! The endpoints of gateways.

pub(crate) mod callback;
pub(crate) mod pay;
pub(crate) mod search;
