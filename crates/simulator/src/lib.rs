//! The outside world, for tests and demos: payment gateways that a person can click through and a
//! program can ask, with books of their own, and the services of DIGIT. Nothing here knows the service:
//! it is reached over HTTP only, as a real gateway is.

pub mod digit;
pub mod providers;
pub mod sandbox;
