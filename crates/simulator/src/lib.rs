//! The outside world for tests and demos: payment gateways with pay pages, APIs and books of their own, and
//! the services of DIGIT. Nothing here knows the service: it is reached over HTTP only, as a real gateway is.

mod clock;
mod courier;
pub mod digit;
mod money;
mod page;
pub mod providers;
pub mod sandbox;
mod visitor;

pub use clock::Clock;
pub use courier::{CallbackPolicy, Tally};
pub use visitor::{PayPage, VisitError, Visitor, WayBack};

use axum::body::{Body, Bytes};
use axum::response::Response;

/// An answer that fails before its first byte: the server can only close the connection.
fn cut() -> Response {
    let broken =
        futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut on demand")) });
    Response::new(Body::from_stream(broken))
}
