//! Masked personal data for operators: enough to recognise a calling payer, never the person.

use payment_domain::Personal;
use serde_json::{Map, Value};

const HIDDEN: &str = "(hidden)";

/// Masks payer and caller, hides data attached by client and gateway, and cuts the queries of URLs, in a
/// transaction or an event, at any depth.
pub fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "user" | "userInfo" => mask_person(value),
                    "additionalDetails" => hide_attached(value),
                    "txnResponse" | "authToken" | "evidence" if !value.is_null() => {
                        *value = Value::from(HIDDEN);
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

/// Masks the personal data in the evidence of a case, and leaves the rest for comparison with the gateway's
/// portal. Adapters keep no personal members; other services may answer with anything.
pub fn mask_evidence(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if names_a_person(name) { star(value) } else { mask_evidence(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_evidence),
        Value::String(text) => *text = star_words(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a member's name, in any spelling, is one of personal data.
fn names_a_person(member: &str) -> bool {
    const PARTS: [&str; 14] = [
        "mobile", "phone", "email", "address", "payer", "paidby", "customer", "vpa", "upi", "card",
        "account", "userinfo", "token", "password",
    ];
    const NAMES: [&str; 8] =
        ["name", "username", "firstname", "lastname", "fullname", "owner", "ownername", "user"];
    let plain: String = member.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    NAMES.contains(&plain.as_str()) || PARTS.iter().any(|part| plain.contains(part))
}

/// Masks every text and number below.
fn star(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(star),
        Value::Array(items) => items.iter_mut().for_each(star),
        Value::String(text) => *text = Personal::new(text.as_str()).masked(),
        Value::Number(number) => *value = Value::from(Personal::new(number.to_string()).masked()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Masks e-mail addresses, and mobile numbers in sentences: a number alone is a payment's.
fn star_words(text: &str) -> String {
    let sentence = text.contains(char::is_whitespace);
    let personal = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let number = digits >= 10 && !word.contains(|char: char| char.is_alphabetic() || char == '_');
        word.contains('@') || sentence && number
    };
    let words = text.split_inclusive(char::is_whitespace).map(|piece| {
        let word = piece.trim_end();
        if personal(word) {
            format!("{}{}", Personal::new(word).masked(), piece.get(word.len()..).unwrap_or_default())
        } else {
            piece.to_owned()
        }
    });
    words.collect()
}

/// Keeps id, type and tenant of a person.
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

    #[test]
    fn evidence_can_be_compared_and_holds_no_personal_data() {
        let mut evidence = json!({
            "service": "collection-services",
            "body": {"Errors": [{"code": "INVALID_PAYER", "message": "Payer Asha asha@example.org, 9876543210, is unknown"}],
                "Payment": {"paidBy": "Asha Rani", "mobileNumber": 9_876_543_210_u64, "payerName": "Asha",
                    "owner": {"first": "Asha Rani"}}},
            "answer": {"ORDERID": "PB_PG_2026_11_22_000072_14", "TXNID": "20261122111212800110168",
                "TXNAMOUNT": "99.00", "BANKNAME": "State Bank", "RESPMSG": "Txn Success", "utr": "206378866112",
                "CUST_ID": null, "vpa": "asha@upi"}
        });
        mask_evidence(&mut evidence);
        let text = evidence.to_string();
        for personal in ["Asha Rani", "asha@", "9876543210", "\"Asha\"", "@example.org"] {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
        for kept in [
            "20261122111212800110168",
            "206378866112",
            "99.00",
            "State Bank",
            "Txn Success",
            "is unknown",
            "_000072_14",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }
}
