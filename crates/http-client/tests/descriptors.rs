//! Calls of a process that has run out of something of its own. Alone in its process: it takes all
//! file descriptors there are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::time::Duration;

use payment_http_client::{Body, Call, CallError, Client, Limits, Method};
use rustix::process::{Resource, getrlimit, setrlimit};

fn call(url: &str) -> Call {
    Call { method: Method::GET, url: url.to_owned(), headers: Vec::new(), body: Body::Empty }
}

#[tokio::test]
async fn local_exhaustion_of_descriptors_differs_from_a_remote_fault() {
    let client =
        Client::new(Limits { connect_timeout: Duration::from_secs(5), ..Limits::default() }).unwrap();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = client.send(&call(&format!("http://{unused}/"))).await;
    assert!(matches!(refused, Err(CallError::NotSent(_))), "{refused:?}");

    let unresolved = client.send(&call("http://no-such-gateway.invalid/")).await;
    assert!(matches!(unresolved, Err(CallError::LocalFault(_))), "{unresolved:?}");

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(64);
    setrlimit(Resource::Nofile, limit).unwrap();
    let taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let without = client.send(&call(&format!("http://{unused}/"))).await;
    drop(taken);
    assert!(matches!(without, Err(CallError::LocalFault(_))), "{without:?}");

    let again = client.send(&call(&format!("http://{unused}/"))).await;
    assert!(matches!(again, Err(CallError::NotSent(_))), "{again:?}");
}
