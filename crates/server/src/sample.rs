//! Requests of a made-up application and citizen.

use serde_json::{Value, json};

/// A made-up citizen.
pub(crate) fn request_info() -> Value {
    json!({
        "apiId": "Rainmaker",
        "ver": ".01",
        "ts": "",
        "action": "_create",
        "did": "1",
        "key": "",
        "msgId": "20170310130900|en_IN",
        "authToken": "demo",
        "userInfo": {
            "id": 1,
            "uuid": "7f4d3a52-0c1e-4a57-9d53-1d6f0c2b9a10",
            "userName": "9876543210",
            "name": "Asha Demo",
            "type": "CITIZEN",
            "mobileNumber": "9876543210",
            "tenantId": "pb",
            "roles": [{ "name": "Citizen", "code": "CITIZEN", "tenantId": "pb" }],
        },
    })
}

/// A made-up official with one role at the city.
#[cfg(feature = "sandbox")]
pub(crate) fn official(uuid: &str, name: &str, role: &str) -> Value {
    let mut info = request_info();
    info["userInfo"] = json!({
        "id": 2,
        "uuid": uuid,
        "userName": name,
        "name": name,
        "type": "EMPLOYEE",
        "mobileNumber": "9876500000",
        "tenantId": "pb.amritsar",
        "roles": [{ "name": role, "code": role, "tenantId": "pb.amritsar" }],
    });
    info
}

/// A request to create a transaction that comes back to the sandbox's own return page.
pub(crate) fn create_request(url: &str, bill: &str, amount: &str) -> Value {
    json!({
        "RequestInfo": request_info(),
        "Transaction": {
            "tenantId": "pb.amritsar",
            "txnAmount": amount,
            "module": "PT",
            "billId": bill,
            "consumerCode": "PT-107-001330",
            "productInfo": "Property tax",
            "gateway": "SANDBOX",
            "callbackUrl": format!("{url}/sandbox/return"),
            "taxAndPayments": [{ "taxAmount": amount, "amountPaid": amount, "billId": bill }],
            "user": {
                "name": "Asha Demo",
                "mobileNumber": "9876543210",
                "tenantId": "pb",
                "emailId": null,
                "userName": "9876543210",
                "uuid": "7f4d3a52-0c1e-4a57-9d53-1d6f0c2b9a10",
            },
            "additionalDetails": { "isWhatsapp": false },
        },
    })
}
