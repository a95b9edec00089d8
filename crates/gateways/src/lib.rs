//! The adapters to the payment gateways, each in a folder of its own.
//!
//! An adapter's folder reads `mod.rs` (the calls), `wire.rs` (their forms and JSON), `signature.rs`
//! (pure) and `account.rs` (its settings and the account they describe). Beside the folders: one HTTP call
//! and its three ways to fail in [`client`], [`account`], and encodings, digests and evidence in small modules.
//!
//! Two conventions beside the trait's own: a call is built as a [`client::Call`], without a network,
//! so that its bytes can be tested; and an answer that refuses *our request* (a wrong key, a bad
//! signature of ours) is [`Unreadable`](payment_gateway::GatewayError::Unreadable) with a sentence
//! for the operator, because it says nothing about the payment.

pub mod account;
pub mod axis;
pub mod ccavenue;
pub mod currencies;
pub mod digest;
pub mod evidence;
pub mod form;
pub mod hyperswitch;
pub mod json;
pub mod pay_page;
pub mod paytm;
pub mod payu;
pub mod phonepe;
pub mod razorpay;
pub mod refund;
pub mod remote;
pub mod sandbox;
pub mod stored;
pub mod stripe;
pub mod text;
mod unknown_order;

pub use account::{Account, Adapter, Merchant};
pub use payment_http_client as client;
pub use stored::AccountsOf;

/// Every gateway with an adapter of its own, in alphabetical order: a new one is a folder, its module above and
/// its entry here.
pub const ADAPTERS: &[&Adapter] = &[
    &axis::ADAPTER,
    &ccavenue::ADAPTER,
    &hyperswitch::ADAPTER,
    &paytm::ADAPTER,
    &payu::ADAPTER,
    &phonepe::ADAPTER,
    &razorpay::ADAPTER,
    &stripe::ADAPTER,
];

#[cfg(test)]
mod testing;
