//! The endpoints of transactions.

pub(crate) mod create;
pub(crate) mod redirect;
pub(crate) mod search;
pub(crate) mod update;
