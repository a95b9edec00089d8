//! The adapters to the payment gateways, each in a folder of its own.
//!
//! An adapter's folder reads `mod.rs` (the calls), `wire.rs` (their forms and JSON), `signature.rs`
//! (pure) and `config.rs` (the properties it is configured by). What they share stands beside the
//! folders: one HTTP call and its three ways to fail in [`client`], reading properties in
//! [`config`], and encodings, digests and evidence in the small modules next to them.
//!
//! Two conventions beside the trait's own: a call is built as a [`client::Call`], without a network,
//! so that its bytes can be tested; and an answer that refuses *our request* (a wrong key, a bad
//! signature of ours) is [`Unreadable`](payment_gateway::GatewayError::Unreadable) with a sentence
//! for the operator, because it says nothing about the payment.

pub mod axis;
pub mod config;
pub mod digest;
pub mod evidence;
pub mod form;
pub mod json;
pub mod pay_page;
pub mod paytm;
pub mod payu;
pub mod phonepe;
pub mod remote;
pub mod sandbox;
pub mod text;

pub use payment_http_client as client;

/// The callback parameters in which AXIS, PAYTM, PHONEPE and PAYU return our transaction id. DIGIT's web
/// client relays them to endpoints that name no gateway, also for one that is no longer configured.
pub const TRANSACTION_PARAMETERS: [&str; 4] =
    [axis::wire::REFERENCE, paytm::REFERENCE, phonepe::REFERENCE, payu::wire::REFERENCE];

#[cfg(test)]
mod testing;
