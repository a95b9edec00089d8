//! PayU's forms: required fields of a payment request, and the report on an order.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::WayBack;
use crate::money::{Amount, Currency};
use crate::providers::form::{Fields, is_address};
use crate::providers::http::pay::Refusal;
use crate::providers::moment;
use crate::providers::order::{ReturnTo, Said, Statement, Terms};
use crate::providers::provider::Protocol;
use crate::providers::settings::PayuAccount;
use crate::providers::signature::payu::{is_request_hash, response_hash};

/// The merchant's values, given back as they were sent.
const ECHOED: [&str; 9] =
    ["productinfo", "firstname", "email", "phone", "udf1", "udf2", "udf3", "udf4", "udf5"];

/// The terms of a payment form.
///
/// # Errors
/// The reason for the refusal.
pub(crate) fn pay_terms(account: &PayuAccount, fields: &Fields) -> Result<Terms, Refusal> {
    for name in ["key", "txnid", "amount", "productinfo", "firstname", "email", "surl", "furl", "hash"] {
        // The payer's address may be empty, but it must be there: the hash covers it.
        let there =
            fields.pairs().any(|(field, value)| field == name && (name == "email" || !value.is_empty()));
        if !there {
            return Err(Refusal::new("SORRY", &format!("Mandatory parameter {name} is missing.")));
        }
    }
    if fields.get("key") != account.merchant_key {
        return Err(Refusal::new("E201", "The merchant key is not known."));
    }
    let salt = account.salt.expose_secret();
    if !is_request_hash(&account.merchant_key, salt, |name| fields.get(name), fields.get("hash")) {
        return Err(Refusal::new("E202", "The hash of the payment is not right."));
    }
    for (name, most) in [("txnid", 50), ("productinfo", 100), ("firstname", 60), ("email", 50)] {
        if fields.get(name).chars().count() > most {
            return Err(Refusal::new("E203", &format!("{name} is longer than {most} characters.")));
        }
    }
    let amount = Amount::parse(fields.get("amount"), Currency::INR)
        .ok_or_else(|| Refusal::new("E204", "The amount is none, or has more than two decimals."))?;
    let (success, failure) = (fields.get("surl"), fields.get("furl"));
    if !is_address(success) || !is_address(failure) {
        return Err(Refusal::new("E205", "surl and furl must be addresses of web pages."));
    }
    let mut echo: BTreeMap<String, String> =
        ECHOED.map(|name| (name.to_owned(), fields.get(name).to_owned())).into();
    echo.insert("amount".to_owned(), fields.get("amount").to_owned());
    Ok(Terms {
        protocol: Protocol::Payu,
        id: fields.get("txnid").to_owned(),
        amount,
        return_to: ReturnTo::Post { success: success.to_owned(), failure: failure.to_owned() },
        notify_url: account.webhook_url.clone(),
        echo,
        life_ms: None,
    })
}

/// `status`, `unmappedstatus`, error code and error message.
fn words(said: Said) -> [&'static str; 4] {
    match said {
        Said::Paid => ["success", "captured", "E000", "No Error"],
        Said::Pending => ["pending", "in progress", "E000", "Waiting for the bank"],
        Said::Open => ["pending", "initiated", "E000", "The payer has not chosen yet"],
        Said::Declined => ["failure", "failed", "E501", "The bank declined the payment"],
        Said::Expired => ["failure", "bounced", "E601", "The payer left the page"],
        Said::Gibberish => ["considering", "considered", "E000", "Under consideration"],
        Said::NotFound => ["Not Found", "", "", ""],
    }
}

/// The amount as the merchant wrote it where that amount was taken: the hash covers its text.
fn amount_text(statement: &Statement<'_>) -> String {
    let terms = &statement.order.terms;
    if statement.amount == terms.amount {
        terms.echoed("amount").to_owned()
    } else {
        statement.amount.to_string()
    }
}

/// The fields of the callback and of the webhook, signed.
pub(crate) fn callback_fields(account: &PayuAccount, statement: &Statement<'_>) -> Vec<(String, String)> {
    let order = statement.order;
    let [status, unmapped, error, message] = words(statement.said);
    let mut fields = vec![
        ("mihpayid", order.payment_number().to_string()),
        ("mode", "UPI".to_owned()),
        ("status", status.to_owned()),
        ("unmappedstatus", unmapped.to_owned()),
        ("key", account.merchant_key.clone()),
        ("txnid", order.terms.id.clone()),
        ("amount", amount_text(statement)),
        ("addedon", moment::second(order.opened_ms)),
    ];
    fields.extend(ECHOED.map(|name| (name, order.terms.echoed(name).to_owned())));
    fields.extend([
        ("PG_TYPE", "UPI-PG".to_owned()),
        ("bank_ref_num", format!("{:012}", order.payment_number())),
        ("bankcode", "UPI".to_owned()),
        ("error", error.to_owned()),
        ("error_Message", message.to_owned()),
    ]);
    let value =
        |name: &str| fields.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| value.as_str());
    let salt = if statement.genuine { account.salt.expose_secret() } else { "another salt" };
    let hash = response_hash(&account.merchant_key, salt, value);
    fields.push(("hash", hash));
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The way back: a form to the merchant's address for this outcome.
pub(crate) fn way_back(account: &PayuAccount, statement: &Statement<'_>) -> WayBack {
    let failed = match statement.said {
        Said::Declined | Said::Expired => true,
        Said::Paid | Said::Pending | Said::Open | Said::Gibberish | Said::NotFound => false,
    };
    let action = match &statement.order.terms.return_to {
        ReturnTo::Post { failure, .. } if failed => failure,
        ReturnTo::Post { success, .. } | ReturnTo::Get(success) => success,
    };
    WayBack::Post { action: action.clone(), fields: callback_fields(account, statement) }
}

/// The answer to `verify_payment` about several orders; `None` for unknown ones.
pub(crate) fn verify_answer(asked: &[(&str, Option<Statement<'_>>)]) -> Value {
    let details = asked.iter().map(|(id, statement)| ((*id).to_owned(), detail(statement.as_ref())));
    let details: Map<String, Value> = details.collect();
    let found = details.values().filter(|detail| detail["status"] != "Not Found").count();
    json!({
        "status": i32::from(found > 0),
        "msg": format!("{found} out of {} Transactions Fetched Successfully", details.len()),
        "transaction_details": details,
    })
}

fn detail(statement: Option<&Statement<'_>>) -> Value {
    let known = statement.filter(|statement| statement.said != Said::NotFound);
    let Some(statement) = known else {
        return json!({ "mihpayid": "Not Found", "status": "Not Found" });
    };
    let order = statement.order;
    let [status, unmapped, error, message] = words(statement.said);
    json!({
        "mihpayid": order.payment_number().to_string(),
        "request_id": "",
        "bank_ref_num": format!("{:012}", order.payment_number()),
        "amt": statement.amount.to_string(),
        "transaction_amount": statement.amount.to_string(),
        "txnid": order.terms.id,
        "additional_charges": "0.00",
        "productinfo": order.terms.echoed("productinfo"),
        "firstname": order.terms.echoed("firstname"),
        "bankcode": "UPI",
        "udf1": order.terms.echoed("udf1"),
        "mode": "UPI",
        "PG_TYPE": "UPI-PG",
        "status": status,
        "unmappedstatus": unmapped,
        "error_code": error,
        "error_Message": message,
        "addedon": moment::second(order.opened_ms),
    })
}
