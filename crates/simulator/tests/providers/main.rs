//! The simulated providers, met from outside: over HTTP, as a merchant's server and a payer's browser
//! meet them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod axis;
mod ccavenue;
mod control;
mod faults;
mod fuzz;
mod hyperswitch;
mod merchants;
mod paytm;
mod payu;
mod phonepe_checkout;
mod phonepe_signed;
mod properties;
mod razorpay;
mod stripe;
mod vectors;
mod webhooks;
mod world;
