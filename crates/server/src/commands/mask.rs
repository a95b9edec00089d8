//! Taking personal data out of JSON that is shown to people who look something up.

use payment_domain::Personal;
use serde_json::{Map, Value};

/// What stands in for something that is not shown.
const HIDDEN: &str = "(hidden)";

/// Hides who pays and who asked, what the client and the gateway attached, and what hangs on
/// addresses behind a question mark, in a transaction or an event, at any depth.
pub(super) fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "user" | "userInfo" => mask_person(value),
                    "additionalDetails" => hide_attached(value),
                    "txnResponse" | "authToken" | "evidence" if !value.is_null() => {
                        *value = Value::from(HIDDEN)
                    }
                    "txnRequest" | "redirectUrl" | "callbackUrl" => cut_query(value),
                    _ => mask(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Of a person, only who they are by id and tenant stays.
fn mask_person(value: &mut Value) {
    const PLAIN: [&str; 4] = ["uuid", "tenantId", "type", "id"];
    for (name, value) in object(value) {
        if !PLAIN.contains(&name.as_str()) && !value.is_null() {
            *value = match value.as_str() {
                Some(text) => Value::from(Personal::new(text).masked()),
                None => Value::from(HIDDEN),
            };
        }
    }
}

fn hide_attached(value: &mut Value) {
    for (name, value) in object(value) {
        if name != "taxAndPayments" {
            *value = Value::from(HIDDEN);
        }
    }
}

fn cut_query(value: &mut Value) {
    if let Some((before, _)) = value.as_str().and_then(|url| url.split_once(['?', '#'])) {
        *value = Value::from(format!("{before}?{HIDDEN}"));
    }
}

fn object(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_about_a_person_is_left() {
        let mut event = json!({
            "RequestInfo": {"apiId": "a", "authToken": null, "userInfo": {
                "uuid": "u1", "name": "Asha Rani", "userName": "asha", "mobileNumber": "9876543210",
                "emailId": "asha@example.org", "tenantId": "pb", "type": "CITIZEN", "roles": [{"code": "CITIZEN"}]}},
            "Transaction": {"txnId": "T1", "txnAmount": "100.00",
                "user": {"uuid": "u1", "name": "Asha Rani", "mobileNumber": "9876543210", "emailId": null},
                "callbackUrl": "https://a.in/done?name=Asha&eg_pg_txnid=T1",
                "redirectUrl": "https://bank.in/pay?token=t0ken",
                "additionalDetails": {"father": "Ram Lal", "taxAndPayments": [{"billId": "B1"}]}},
            "TransactionDump": {"txnId": "T1", "txnResponse": {"phone": "9876543210"}}
        });
        mask(&mut event);
        let text = event.to_string();
        for personal in ["Asha", "asha", "9876543210", "Ram Lal", "t0ken"] {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
        for kept in ["\"T1\"", "\"u1\"", "100.00", "\"B1\"", "https://bank.in/pay", "CITIZEN"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }
}
