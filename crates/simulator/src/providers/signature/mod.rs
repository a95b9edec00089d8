//! The providers' signatures, from both sides: the simulator checks requests with them and signs its answers,
//! and tests that play a merchant sign requests. Pure functions; any fault of a signature, from its length to
//! its letters, makes it invalid and nothing more.

pub mod axis;
pub mod ccavenue;
pub mod hyperswitch;
pub mod paytm;
pub mod payu;
pub mod phonepe;
pub mod razorpay;
pub mod stripe;

use subtle::ConstantTimeEq;

/// Whether a digest in hexadecimal, of any letter case, is this one. Takes the same time for any difference.
fn is_digest(expected: &[u8], given: &str) -> bool {
    !expected.is_empty() && hex::decode(given).is_ok_and(|given| bool::from(expected.ct_eq(&given)))
}
