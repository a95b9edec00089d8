//! The simulator's own signatures agree with those of the vendors' libraries.

use payment_simulator::providers::signature::{
    axis, ccavenue, hyperswitch, paytm, payu, phonepe, razorpay, stripe,
};
use serde_json::Value;
use serde_json::value::RawValue;

/// The vectors of one scheme.
fn vectors(scheme: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../gateways/tests/vectors.json");
    let all: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let of_scheme: Vec<Value> = all.into_iter().filter(|vector| vector["scheme"] == scheme).collect();
    assert!(!of_scheme.is_empty(), "{scheme}");
    of_scheme
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn pairs(value: &Value) -> Vec<(&str, &str)> {
    let members = value.as_object().unwrap();
    members.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect()
}

fn decoded(form: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

fn is_expected_valid(vector: &Value) -> bool {
    vector["expected"]["valid"].as_bool().unwrap()
}

#[test]
fn axis_hashes_are_those_of_migs() {
    for vector in vectors("migs-hmac-sha256").iter().chain(&vectors("migs-trailing-empty")) {
        let inputs = &vector["inputs"];
        let secret = hex::decode(text(inputs, "secret_hex")).unwrap();
        let expected = text(&vector["expected"], "vpc_SecureHash");
        assert_eq!(axis::sign(&secret, pairs(&inputs["fields"])), expected, "{}", vector["id"]);
        assert!(axis::is_valid(&secret, pairs(&inputs["fields"]), expected));
    }
    for vector in vectors("migs-callback-query") {
        let inputs = &vector["inputs"];
        let secret = hex::decode(text(inputs, "secret_hex")).unwrap();
        let fields = decoded(text(inputs, "query"));
        let hash = fields.iter().find(|(name, _)| name == axis::HASH).map_or("", |(_, value)| value);
        let members = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(axis::is_valid(&secret, members, hash), is_expected_valid(&vector), "{}", vector["id"]);
    }
}

#[test]
fn hyperswitch_signs_bodies_and_redirects() {
    for vector in vectors("hyperswitch-webhook") {
        let inputs = &vector["inputs"];
        let (key, body) = (text(inputs, "key"), text(inputs, "body"));
        let valid = hyperswitch::is_signed(key, body, text(inputs, "x_webhook_signature_512"));
        assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
    }
    for vector in vectors("hyperswitch-redirect") {
        let (key, url) = (text(&vector["inputs"], "key"), text(&vector["inputs"], "url"));
        let signed = hyperswitch::text_of_url(url);
        if let Some(expected) = vector["expected"]["string_to_sign"].as_str() {
            assert_eq!(signed, expected, "{}", vector["id"]);
        }
        let given = decoded(url).into_iter().find(|(name, _)| name == "signature");
        let given = given.map(|(_, value)| value).unwrap_or_default();
        assert_eq!(
            hyperswitch::is_signed(key, &signed, &given),
            is_expected_valid(&vector),
            "{}",
            vector["id"]
        );
    }
}

#[test]
fn paytm_checksums_are_those_of_both_vendor_libraries() {
    let mut seen = 0;
    for vector in vectors("paytm-checksum") {
        let (inputs, expected) = (&vector["inputs"], &vector["expected"]);
        let key = text(inputs, "key").as_bytes();
        let signed = match inputs.get("params") {
            Some(params) => paytm::text_of_form(pairs(params)),
            None => text(inputs, "body").to_owned(),
        };
        match text(&vector, "kind") {
            "sign" => {
                let salt = text(inputs, "salt").as_bytes().try_into().unwrap();
                assert_eq!(signed, text(expected, "string"), "{}", vector["id"]);
                assert_eq!(
                    paytm::sign(key, &signed, salt).as_deref(),
                    expected["checksum"].as_str(),
                    "{}",
                    vector["id"]
                );
            }
            "verify" => {
                let valid = paytm::is_valid(key, &signed, text(inputs, "checksum"));
                assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
            }
            "decrypt" => {
                let plain = paytm::open(key, text(inputs, "checksum")).unwrap();
                assert_eq!(String::from_utf8(plain).unwrap(), text(expected, "plaintext"));
            }
            other => panic!("{other}"),
        }
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
    for vector in vectors("paytm-callback-form") {
        let fields = decoded(text(&vector["inputs"], "body"));
        let pairs = || fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let checksum = pairs().find(|(name, _)| *name == paytm::CHECKSUM).map_or("", |(_, value)| value);
        let valid = paytm::is_valid(
            text(&vector["inputs"], "key").as_bytes(),
            &paytm::text_of_form(pairs()),
            checksum,
        );
        assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
    }
}

#[test]
fn paytm_envelopes_are_signed_over_the_text_of_their_body() {
    for vector in vectors("paytm-v3-envelope") {
        let inputs = &vector["inputs"];
        let salt = text(inputs, "salt").as_bytes().try_into().unwrap();
        let signature = paytm::sign(text(inputs, "key").as_bytes(), text(inputs, "body_json"), salt);
        assert_eq!(signature.as_deref(), vector["expected"]["signature"].as_str(), "{}", vector["id"]);
    }
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        body: &'a RawValue,
        head: Value,
    }
    for vector in vectors("paytm-v3-response") {
        let inputs = &vector["inputs"];
        let envelope: Envelope<'_> = serde_json::from_str(text(inputs, "raw")).unwrap();
        let valid = paytm::is_valid(
            text(inputs, "key").as_bytes(),
            envelope.body.get(),
            text(&envelope.head, "signature"),
        );
        assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
    }
}

#[test]
fn phonepe_signatures_are_those_of_its_libraries() {
    for scheme in ["phonepe-v3-xverify", "phonepe-v1-pay", "phonepe-v1-refund"] {
        for vector in vectors(scheme) {
            let (inputs, expected) = (&vector["inputs"], &vector["expected"]);
            let (key, index, path) =
                (text(inputs, "salt_key"), text(inputs, "salt_index"), text(inputs, "path"));
            let payload = match text(inputs, "payload_json") {
                "" => String::new(),
                json => phonepe::encode(json),
            };
            if let Some(request) = expected["request"].as_str() {
                assert_eq!(payload, request, "{}", vector["id"]);
            }
            let signature = phonepe::x_verify(&payload, path, key, index);
            assert_eq!(signature, text(expected, "x_verify"), "{}", vector["id"]);
            let upper_case = expected["x_verify_digit_uppercase"].as_str().unwrap_or(&signature);
            assert!(phonepe::is_x_verify(&payload, path, key, index, upper_case), "{}", vector["id"]);
        }
    }
    for vector in vectors("phonepe-v1-status") {
        let inputs = &vector["inputs"];
        let path = format!("/pg/v1/status/{}/{}", text(inputs, "merchant_id"), text(inputs, "txn_id"));
        let signature = phonepe::x_verify("", &path, text(inputs, "salt_key"), text(inputs, "salt_index"));
        assert_eq!(signature, text(&vector["expected"]["headers"], "X-VERIFY"));
    }
    for vector in vectors("phonepe-v1-callback") {
        let inputs = &vector["inputs"];
        let body: Value = serde_json::from_str(text(inputs, "body")).unwrap();
        let (key, index) = (text(inputs, "salt_key"), text(inputs, "salt_index"));
        let valid = phonepe::is_x_verify(text(&body, "response"), "", key, index, text(inputs, "x_verify"));
        assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
    }
    for vector in vectors("phonepe-v2-webhook-auth") {
        let inputs = &vector["inputs"];
        let (user, password, given) =
            (text(inputs, "username"), text(inputs, "password"), text(inputs, "authorization"));
        let valid = phonepe::is_webhook_authorization(user, password, given);
        assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
        assert!(!valid || phonepe::webhook_authorization(user, password) == given);
    }
}

#[test]
fn ccavenue_encrypts_as_its_libraries_do() {
    for vector in vectors("ccavenue-aes") {
        let (inputs, expected) = (&vector["inputs"], &vector["expected"]);
        let key = text(inputs, "working_key");
        if vector["kind"] == "encrypt" {
            let (plain, sent) = (text(inputs, "plaintext"), text(expected, "hex"));
            assert_eq!(ccavenue::encrypt(key, plain), sent, "{}", vector["id"]);
            assert_eq!(ccavenue::decrypt(key, sent).as_deref(), Some(plain), "{}", vector["id"]);
        } else {
            assert_eq!(ccavenue::decrypt(key, text(inputs, "hex")), None, "{}", vector["id"]);
        }
    }
}

#[test]
fn payu_hashes_are_those_of_its_libraries() {
    for vector in vectors("payu-payment-hash") {
        let inputs = &vector["inputs"];
        let field = |name: &str| inputs["params"][name].as_str().unwrap_or_default();
        let (key, salt) = (text(inputs, "key"), text(inputs, "salt"));
        let expected = text(&vector["expected"], "hash");
        assert_eq!(payu::request_hash(key, salt, field), expected, "{}", vector["id"]);
        assert!(payu::is_request_hash(key, salt, field, expected));
    }
    for vector in vectors("payu-response-form") {
        let inputs = &vector["inputs"];
        let fields = decoded(text(inputs, "body"));
        let field = |name: &str| {
            fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
        };
        let hash = payu::response_hash(text(inputs, "key"), text(inputs, "salt"), field);
        assert_eq!(hash == field("hash"), is_expected_valid(&vector), "{}", vector["id"]);
    }
    for vector in vectors("payu-command") {
        let inputs = &vector["inputs"];
        let (key, salt) = (text(inputs, "key"), text(inputs, "salt"));
        let (command, var1) = (text(inputs, "command"), text(inputs, "var1"));
        let expected = text(&vector["expected"], "hash");
        assert_eq!(payu::command_hash(key, salt, command, var1), expected, "{}", vector["id"]);
        assert!(payu::is_command_hash(key, salt, command, var1, expected));
    }
}

#[test]
fn razorpay_signatures_are_those_of_its_libraries() {
    for vector in vectors("razorpay-plink-callback") {
        let inputs = &vector["inputs"];
        let fields = decoded(text(inputs, "query"));
        let field = |name: &str| {
            let name = format!("razorpay_{name}");
            fields.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| value.as_str())
        };
        let [link, reference, status] =
            ["payment_link_id", "payment_link_reference_id", "payment_link_status"].map(field);
        let key_secret = text(inputs, "key_secret");
        let signature = razorpay::sign_callback(key_secret, link, reference, status, field("payment_id"));
        assert_eq!(signature == field("signature"), is_expected_valid(&vector), "{}", vector["id"]);
    }
    for vector in vectors("razorpay-webhook") {
        let inputs = &vector["inputs"];
        let (secret, body) = (text(inputs, "webhook_secret"), text(inputs, "body"));
        let valid = razorpay::is_valid(secret, body.as_bytes(), text(inputs, "x_razorpay_signature"));
        assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
    }
}

#[test]
fn stripe_signatures_are_those_of_both_vendor_libraries() {
    for vector in vectors("stripe-webhook") {
        let inputs = &vector["inputs"];
        let (now_s, tolerance_s) = (inputs["now"].as_i64().unwrap(), inputs["tolerance_s"].as_u64().unwrap());
        let (secret, body) = (text(inputs, "secret"), text(inputs, "body").as_bytes());
        let valid = stripe::is_signed(secret, text(inputs, "header"), body, now_s, tolerance_s);
        assert_eq!(valid, is_expected_valid(&vector), "{}", vector["id"]);
    }
}
