//! The requests of the load, and the values read from their answers.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::load::{Connection, Response, post, post_with};

const REQUEST_INFO: &str = r#"{"apiId":"Rainmaker","ver":".01","ts":"","action":"_create","did":"1","key":"","msgId":"20170310130900|en_IN","authToken":"bench","userInfo":{"id":1,"uuid":"a6f9b1c4-0000-4000-8000-000000000001","userName":"asha","name":"Asha Rani","type":"EMPLOYEE","mobileNumber":"9876543210","tenantId":"pb","roles":[{"id":1,"name":"Citizen","code":"CITIZEN","tenantId":"pb"}]}}"#;

/// The API gateway's proof of `userInfo`; not a real secret.
pub(crate) const PROOF_SECRET: &str = "what-the-api-gateway-adds-0123456789-0123456789";

/// The gateway built into the service.
pub(crate) const SANDBOX: &str = "SANDBOX";

/// Creates a payment of a new bill at a gateway, by one of a thousand payers; `run` distinguishes the bills
/// of one load from those of others.
pub(crate) fn create(gateway: &str, run: &str, number: usize) -> Vec<u8> {
    let (bill, payer) = (format!("BENCH-{run}-{number}"), number % 1000);
    post(
        "/pg-service/transaction/v1/_create",
        &format!(
            r#"{{"RequestInfo":{REQUEST_INFO},"Transaction":{{"tenantId":"pb.amritsar","txnAmount":"100.00","billId":"{bill}","module":"PT","consumerCode":"PT-107-{number}","taxAndPayments":[{{"taxAmount":100,"amountPaid":100,"billId":"{bill}"}}],"productInfo":"Property tax","gateway":"{gateway}","callbackUrl":"https://city.example.org/digit-ui/citizen/payment/success/PT?x=1","additionalDetails":{{"isWhatsapp":false}},"user":{{"name":"Payer {payer}","mobileNumber":"98{payer:08}","tenantId":"pb"}}}}}}"#
        ),
    )
}

/// Looks a transaction up by its id.
pub(crate) fn search(txn_id: &str) -> Vec<u8> {
    post(
        &format!("/pg-service/transaction/v1/_search?txnId={txn_id}"),
        &format!(r#"{{"RequestInfo":{REQUEST_INFO}}}"#),
    )
}

/// Requests the status of a transaction.
pub(crate) fn update(txn_id: &str) -> Vec<u8> {
    post(
        &format!("/pg-service/transaction/v1/_update?transactionId={txn_id}"),
        &format!(r#"{{"RequestInfo":{REQUEST_INFO}}}"#),
    )
}

/// A person of the refunds, whose roles the API gateway vouches for.
fn refunding(person: &str, role: &str, path: &str, refund: &str) -> Vec<u8> {
    post_with(
        &format!("X-Identity-Secret: {PROOF_SECRET}\r\n"),
        &format!("/pg-service/refund/v1/{path}"),
        &format!(
            r#"{{"RequestInfo":{{"apiId":"Rainmaker","ver":".01","userInfo":{{"id":2,"uuid":"{person}","userName":"{person}","name":"Ravi Kumar","type":"EMPLOYEE","mobileNumber":"9876543211","tenantId":"pb","roles":[{{"id":2,"name":"{role}","code":"{role}","tenantId":"pb"}}]}}}},"Refund":{refund}}}"#
        ),
    )
}

/// A maker's request for the whole of a payment.
pub(crate) fn refund(txn_id: &str) -> Vec<u8> {
    let refund = format!(
        r#"{{"tenantId":"pb.amritsar","originalTxnId":"{txn_id}","reasonCode":"DUPLICATE","reason":"paid twice at the counter"}}"#
    );
    refunding("maker-of-the-load", "PG_REFUND_MAKER", "_create", &refund)
}

/// The id of the requested refund.
pub(crate) fn refund_id(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    Some(body["Refund"]["refundId"].as_str()?.to_owned())
}

/// A checker's approval of a refund that was just requested.
pub(crate) fn approval(refund_id: &str) -> Vec<u8> {
    let refund = format!(r#"{{"refundId":"{refund_id}","version":1,"comment":"receipt seen"}}"#);
    refunding("checker-of-the-load", "PG_REFUND_CHECKER", "_approve", &refund)
}

/// Keeps nothing of an answer.
pub(crate) fn nothing(_: &Response) -> Option<String> {
    None
}

/// The transaction in the answer to a create: its id and where to pay, with a space between.
pub(crate) fn created(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let txn = &body["Transaction"];
    Some(format!("{} {}", txn["txnId"].as_str()?, txn["redirectUrl"].as_str()?))
}

/// The id in the value of [`created`].
pub(crate) fn id_of(created: &str) -> String {
    created.split(' ').next().unwrap_or_default().to_owned()
}

/// `Some` for an empty search result.
pub(crate) fn found_nothing(response: &Response) -> Option<String> {
    const NOTHING: &[u8] = br#""Transaction":[]"#;
    response.body.windows(NOTHING.len()).any(|part| part == NOTHING).then(String::new)
}

/// `Some` for a paid transaction with its receipt.
pub(crate) fn receipted(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let txn = &body["Transaction"][0];
    (txn["txnStatus"] == "SUCCESS" && txn["receipt"].is_string()).then(String::new)
}

/// Pays on the sandbox's page like a browser, without returning: the update follows later.
pub(crate) async fn pay(connection: &mut Connection, redirect_url: &str) -> Result<()> {
    let path = redirect_url.splitn(4, '/').nth(3).context("a redirect URL has a path")?;
    let page = connection.exchange(format!("GET /{path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes()).await?;
    let page = String::from_utf8(page.body)?;
    let field = |name: &str| {
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split('"').next()
    };
    let form = format!(
        "order={}&token={}&choice=say-nothing",
        field("order").context("the pay page has no order")?,
        field("token").context("the pay page has no token")?
    );
    let request = format!(
        "POST /pg-service/sandbox/pay HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = connection.exchange(request.as_bytes()).await?;
    ensure!(answer.status == 303, "the sandbox answers {} to a payment", answer.status);
    Ok(())
}
