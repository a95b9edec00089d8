//! Paytm.
pub mod signature;
