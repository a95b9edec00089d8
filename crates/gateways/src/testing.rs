//! Shared by the adapters' tests: a transaction, clients, and a server with every fault of a network.

use std::time::Duration;

use payment_domain::{Audit, Money, RefundId, RefundReport, Timestamp, Transaction};
use payment_gateway::{Gateway, GatewayError, RefundOrder};
use payment_settings::{Declared, Problem, Reader, Values};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::client::{Client, Limits, Reply};

/// The account that these texts describe, or the problem of each setting.
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

/// A pending transaction of that many rupees, with a description that has to be escaped.
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

/// A refund of the payment, of a part of it or the whole.
pub(crate) fn refund_of<'a>(payment: &'a Transaction, id: &'a RefundId, rupees: &str) -> RefundOrder<'a> {
    let amount = Money::parse(rupees, payment.amount.currency()).unwrap();
    RefundOrder { payment, id, amount, gateway_refund_id: None, notify_url: None }
}

/// A report about a refund, in a word.
pub(crate) fn name_of(report: Result<RefundReport, GatewayError>) -> &'static str {
    match report {
        Ok(report) => report.outcome.name(),
        Err(GatewayError::NotSent(_)) => "not sent",
        Err(GatewayError::Unanswered(_)) => "unanswered",
        Err(GatewayError::Unreadable(_)) => "unreadable",
        Err(other) => panic!("{other:?}"),
    }
}

/// A reply with this JSON.
pub(crate) fn reply(status: u16, body: &serde_json::Value) -> Reply {
    Reply { status, location: None, headers: Vec::new(), body: body.to_string().into() }
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

/// Sends a status request through every network fault, and expects its own error for each. `adapter` builds
/// the adapter for a base URL. A fault is never an answer.
pub(crate) async fn asks_through_every_fault<G: Gateway>(adapter: impl Fn(&str, Client) -> G) {
    asks_about_through_every_fault(&transaction("PB_PG_2024_03_15_000123_45", "19.99"), adapter).await;
}

/// The same about this transaction.
pub(crate) async fn asks_about_through_every_fault<G: Gateway>(
    txn: &Transaction,
    adapter: impl Fn(&str, Client) -> G,
) {
    through_every_fault(adapter, async |adapter: G| adapter.status(txn).await).await;
}

/// Asks for a refund, and for its state, through every fault a network has. A fault is never an answer.
pub(crate) async fn refunds_through_every_fault<G: Gateway>(
    order: &RefundOrder<'_>,
    adapter: impl Fn(&str, Client) -> G,
) {
    through_every_fault(&adapter, async |adapter: G| adapter.refunding().unwrap().refund(order).await).await;
    states_through_every_fault(order, adapter).await;
}

/// Asks for the state of a refund through every fault a network has.
pub(crate) async fn states_through_every_fault<G: Gateway>(
    order: &RefundOrder<'_>,
    adapter: impl Fn(&str, Client) -> G,
) {
    let asks = async |adapter: G| adapter.refunding().unwrap().refund_status(order).await;
    through_every_fault(adapter, asks).await;
}

async fn through_every_fault<G: Gateway, T: std::fmt::Debug>(
    adapter: impl Fn(&str, Client) -> G,
    call: impl AsyncFn(G) -> Result<T, GatewayError>,
) {
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unused = format!("http://{}", refused.local_addr().unwrap());
    drop(refused);
    let error = call(adapter(&unused, client())).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent(_)), "connection refused: {error:?}");

    let hanging_up = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging_up.local_addr().unwrap());
    let accepting = tokio::spawn(async move {
        while let Ok((connection, _)) = hanging_up.accept().await {
            connection.readable().await.unwrap();
        }
    });
    let error = call(adapter(&url, client())).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "connection cut: {error:?}");
    accepting.abort();

    let hour = Duration::from_secs(3600);
    let slow = server_that_answers(ResponseTemplate::new(200).set_delay(hour)).await;
    let limits = Limits { total_timeout: Duration::from_millis(300), ..Limits::default() };
    let error = call(adapter(&slow.uri(), Client::new(limits).unwrap())).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "slow: {error:?}");

    let in_trouble = server_that_answers(ResponseTemplate::new(500).set_body_string("oops")).await;
    let error = call(adapter(&in_trouble.uri(), client())).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "HTTP 500: {error:?}");

    let garbage: [&[u8]; 5] =
        [b"", b"<html>Service temporarily unavailable</html>", b"\xff\x00\x80", b"{", b"null"];
    for body in garbage {
        let server = server_that_answers(ResponseTemplate::new(200).set_body_bytes(body)).await;
        let error = call(adapter(&server.uri(), client())).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreadable(_)), "{body:?}: {error:?}");
    }

    let endless = vec![b'a'; Limits::default().max_body_bytes + 1];
    let endless = server_that_answers(ResponseTemplate::new(200).set_body_bytes(endless)).await;
    let error = call(adapter(&endless.uri(), client())).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreadable(_)), "too long: {error:?}");

    let elsewhere = server_that_answers(ResponseTemplate::new(302).insert_header("Location", "/other")).await;
    let error = call(adapter(&elsewhere.uri(), client())).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreadable(_)), "redirected: {error:?}");
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 1, "a redirect is not followed");
}
