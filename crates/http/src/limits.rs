//! What a request and the server as a whole may cost.

use std::time::Duration;

/// Limits of one request.
#[derive(Debug, Clone)]
pub struct RequestLimits {
    /// The longest body, in bytes.
    pub body_bytes: usize,
    /// The longest path with its query, in bytes.
    pub url_bytes: usize,
    /// The most parameters, those of the query and those of a form together.
    pub parameters: usize,
    /// How long a client may take to send its body.
    pub body_time: Duration,
    /// How long a request may take in all. What it has begun goes on behind that.
    pub request_time: Duration,
}

impl Default for RequestLimits {
    fn default() -> RequestLimits {
        RequestLimits {
            body_bytes: 256 * 1024,
            url_bytes: 8 * 1024,
            parameters: 200,
            body_time: Duration::from_secs(15),
            request_time: Duration::from_secs(30),
        }
    }
}

/// Limits of the server.
#[derive(Debug, Clone)]
pub struct ServeLimits {
    /// The most connections open at once; one more is told so and closed.
    pub connections: usize,
    /// The longest head of a request (its first line and its headers), in bytes.
    pub header_bytes: usize,
    /// How long a client may take from the first byte of a request's head to its last.
    pub header_time: Duration,
    /// How long a connection may stay open without a request. Longer than a load balancer in front
    /// keeps its own end open, so that it never sends a request into a connection being closed.
    pub idle_time: Duration,
    /// How long running requests may take to finish once the server shuts down.
    pub shutdown_time: Duration,
}

impl Default for ServeLimits {
    fn default() -> ServeLimits {
        ServeLimits {
            connections: 4096,
            header_bytes: 32 * 1024,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            shutdown_time: Duration::from_secs(30),
        }
    }
}
