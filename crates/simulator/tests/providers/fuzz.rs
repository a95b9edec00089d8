//! The providers answer any request: no panic, no server error, no order out of nothing.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use payment_simulator::providers::signature::{axis, ccavenue, hyperswitch, payu, phonepe, razorpay, stripe};
use payment_simulator::providers::{Providers, ProvidersSettings};
use proptest::prelude::*;
use tower::ServiceExt;

const POSTED: [&str; 26] = [
    "/axis/vpcpay",
    "/axis/vpcdps",
    "/axis/pay-page",
    "/ccavenue/transaction/transaction.do",
    "/ccavenue/apis/servlet/DoWebTrans",
    "/hyperswitch/payments",
    "/hyperswitch/payments/PB_PG_2024_03_15_000123_45_FAK/cancel",
    "/paytm/theia/processTransaction",
    "/paytm/merchant-status/getTxnStatus",
    "/paytm/theia/api/v1/initiateTransaction",
    "/paytm/theia/api/v1/showPaymentPage",
    "/paytm/v3/order/status",
    "/phonepe/v3/debit",
    "/phonepe/pg/v1/pay",
    "/phonepe/v1/oauth/token",
    "/phonepe/checkout/v2/pay",
    "/payu/_payment",
    "/payu/merchant/postservice.php",
    "/razorpay/v1/payment_links",
    "/razorpay/v1/payment_links/plink_54",
    "/razorpay/v1/payment_links/plink_54/cancel",
    "/razorpay/v1/orders/order_54/payments",
    "/stripe/c/pay/cs_test_5431",
    "/stripe/v1/checkout/sessions",
    "/stripe/v1/checkout/sessions/cs_test_5431/expire",
    "/control/orders/payu/T1",
];

/// Sends a request to every address; returns the worst status.
fn worst_status(method: &str, query: &str, header: &str, body: &[u8]) -> u16 {
    let providers = Providers::new(ProvidersSettings::new("http://localhost:9000")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let worst = runtime.block_on(async {
        let mut worst = 0;
        for path in POSTED {
            let request = Request::builder()
                .method(method)
                .uri(format!("{path}?{query}"))
                .header("content-type", "application/json")
                .header("x-verify", header)
                .header("authorization", header)
                .header("api-key", "snd_simulator_api_key")
                .body(Body::from(body.to_vec()))
                .unwrap();
            let answer = providers.router().oneshot(request).await.unwrap();
            worst = worst.max(answer.status().as_u16());
        }
        worst
    });
    assert_eq!(providers.books(0, 9), []);
    worst
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_are_too_odd(body: Vec<u8>, query in "[a-zA-Z0-9=&%+]{0,40}", header in "[ -~]{0,60}") {
        prop_assert!(worst_status("POST", &query, &header, &body) < 500);
        prop_assert!(worst_status("GET", &query, &header, &[]) < 500);
    }

    #[test]
    fn no_json_is_too_odd(
        body in "\\{\"(body|request|MID|merchantOrderId)\":(\\{\\}|\"[a-zA-Z0-9=]{0,20}\"|null|-?[0-9]{1,25})(,\"head\":\\{\"signature\":\"x\"\\})?\\}",
    ) {
        prop_assert!(worst_status("POST", "form=2", "O-Bearer 1.2###", body.as_bytes()) < 500);
    }

    #[test]
    fn no_signature_is_too_odd(given in "\\PC{0,140}", text in "\\PC{0,40}") {
        prop_assert!(!axis::is_valid(b"secret", [("vpc_Amount", text.as_str())], &given));
        prop_assert!(!hyperswitch::is_signed("key", &hyperswitch::text_of_url(&text), &given));
        prop_assert!(!payu::is_command_hash("key", "salt", "verify_payment", &text, &given));
        prop_assert!(!payu::is_request_hash("key", "salt", |_| &text, &given));
        prop_assert!(!phonepe::is_x_verify(&text, "/pg/v1/pay", "salt", "1", &given));
        prop_assert_eq!(ccavenue::decrypt("key", &given), None);
        prop_assert_eq!(ccavenue::decrypt("key", &ccavenue::encrypt("key", &text)), Some(text.clone()));
        prop_assert!(!phonepe::is_webhook_authorization("user", &text, &given));
        prop_assert!(!razorpay::is_valid("secret", text.as_bytes(), &given));
        prop_assert!(!stripe::is_signed("secret", &given, text.as_bytes(), 1, u64::MAX));
        prop_assert_eq!(phonepe::decode(&phonepe::encode(&text)), Some(text.into_bytes()));
    }
}

#[test]
fn an_address_that_is_none_is_not_found() {
    let providers = Providers::new(ProvidersSettings::new("http://localhost:9000")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request =
        Request::builder().uri("/phonepe/v3/transaction/%ff/%00/status").body(Body::empty()).unwrap();
    let answer = runtime.block_on(providers.router().oneshot(request)).unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}
