//! Shared by the adapters' tests: a transaction, clients, and a server with every fault of a network.

use std::time::Duration;

use payment_domain::{Audit, Timestamp, Transaction};
use payment_gateway::{Gateway, GatewayError};
use payment_settings::{Declared, Problem, Reader, Values};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::client::{Client, Limits};

/// The account that these texts describe, or what is wrong with each setting.
pub(crate) fn read_account<A, K: Into<String>, V: AsRef<str>>(
    settings: &'static [&'static dyn Declared],
    texts: impl IntoIterator<Item = (K, V)>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<A>,
) -> Result<A, Vec<String>> {
    let told = |problem: Problem| format!("{} {}", problem.key, problem.wrong);
    crate::account::read_all(&Values::of(texts), settings, read)
        .map_err(|problems| problems.into_iter().map(told).collect())
}

/// The texts that a function knows for settings.
pub(crate) fn texts(settings: &[&'static dyn Declared], text_of: impl Fn(&str) -> Option<String>) -> Values {
    Values::of(settings.iter().filter_map(|setting| Some((setting.key, text_of(setting.key)?))))
}

/// A pending transaction of that many rupees, with what has to be escaped in its description.
pub(crate) fn transaction(id: &str, rupees: &str) -> Transaction {
    Transaction {
        product_info: "Property Tax & Water + Sewer = 2".to_owned(),
        audit: Audit {
            created_by: "test".to_owned(),
            created_at: Timestamp::from_millis(0),
            modified_by: None,
            modified_at: None,
        },
        ..payment_gateway::conformance::sample::transaction(id, rupees)
    }
}

/// A client that waits as long as in operation.
pub(crate) fn client() -> Client {
    Client::new(Limits::default()).unwrap()
}

/// A server that answers everything like this.
pub(crate) async fn server_that_answers(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

/// Asks for a status through every fault a network has, and sees each told apart. `adapter` builds
/// the adapter for a base URL. A fault is never an answer.
pub(crate) async fn asks_through_every_fault<G: Gateway>(adapter: impl Fn(&str, Client) -> G) {
    asks_about_through_every_fault(&transaction("PB_PG_2024_03_15_000123_45", "19.99"), adapter).await;
}

/// The same about this transaction.
pub(crate) async fn asks_about_through_every_fault<G: Gateway>(
    txn: &Transaction,
    adapter: impl Fn(&str, Client) -> G,
) {
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", refused.local_addr().unwrap());
    drop(refused);
    let error = adapter(&nobody, client()).status(txn).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent(_)), "connection refused: {error:?}");

    let hanging_up = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging_up.local_addr().unwrap());
    let accepting = tokio::spawn(async move {
        while let Ok((connection, _)) = hanging_up.accept().await {
            connection.readable().await.unwrap();
        }
    });
    let error = adapter(&url, client()).status(txn).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "connection cut: {error:?}");
    accepting.abort();

    let hour = Duration::from_secs(3600);
    let slow = server_that_answers(ResponseTemplate::new(200).set_delay(hour)).await;
    let limits = Limits { total_timeout: Duration::from_millis(300), ..Limits::default() };
    let error = adapter(&slow.uri(), Client::new(limits).unwrap()).status(txn).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "slow: {error:?}");

    let in_trouble = server_that_answers(ResponseTemplate::new(500).set_body_string("oops")).await;
    let error = adapter(&in_trouble.uri(), client()).status(txn).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "HTTP 500: {error:?}");

    let garbage: [&[u8]; 5] =
        [b"", b"<html>Service temporarily unavailable</html>", b"\xff\x00\x80", b"{", b"null"];
    for body in garbage {
        let server = server_that_answers(ResponseTemplate::new(200).set_body_bytes(body)).await;
        let error = adapter(&server.uri(), client()).status(txn).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreadable(_)), "{body:?}: {error:?}");
    }

    let endless = vec![b'a'; Limits::default().max_body_bytes + 1];
    let endless = server_that_answers(ResponseTemplate::new(200).set_body_bytes(endless)).await;
    let error = adapter(&endless.uri(), client()).status(txn).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreadable(_)), "too long: {error:?}");

    let elsewhere = server_that_answers(ResponseTemplate::new(302).insert_header("Location", "/other")).await;
    let error = adapter(&elsewhere.uri(), client()).status(txn).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreadable(_)), "redirected: {error:?}");
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 1, "a redirect is not followed");
}
