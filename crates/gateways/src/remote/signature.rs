//! The signatures of the protocol: HMAC-SHA256 over the text, its sender, its time, and the request it
//! answers.

use payment_domain::Timestamp;

use crate::digest::{equals_hex, hmac_sha256};

/// The header with the moment of sending, in seconds since 1970-01-01T00:00:00Z.
pub const TIMESTAMP: &str = "X-Gateway-Timestamp";
/// The header with the number that is used once; an answer repeats that of its request.
pub const NONCE: &str = "X-Gateway-Nonce";
/// The header with the signature, in lower-case hexadecimal.
pub const SIGNATURE: &str = "X-Gateway-Signature";
/// How far a moment of sending may lie from the moment of reading, in seconds.
pub const MAX_SKEW_S: i64 = 300;

/// The signing side: the first line of the signed text, so that no request ever passes for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The payment gateway service's requests.
    Request,
    Response,
}

impl Side {
    fn line(self) -> &'static str {
        match self {
            Side::Request => "remote-gateway-request-1",
            Side::Response => "remote-gateway-response-1",
        }
    }
}

/// The signed fields beside the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    pub side: Side,
    /// The method of the request.
    pub method: &'a str,
    /// The path of the request, as it was sent, without query.
    pub path: &'a str,
    /// The text of the timestamp header.
    pub timestamp: &'a str,
    /// The text of the nonce header.
    pub nonce: &'a str,
}

impl Signed<'_> {
    /// Five lines, then the body as it is.
    fn text(&self, body: &[u8]) -> Vec<u8> {
        let Signed { side, method, path, timestamp, nonce } = *self;
        let mut text = format!("{}\n{method}\n{path}\n{timestamp}\n{nonce}\n", side.line()).into_bytes();
        text.extend_from_slice(body);
        text
    }

    /// The signature over this and the body.
    pub fn sign(&self, secret: &str, body: &[u8]) -> String {
        hex::encode(hmac_sha256(secret.as_bytes(), &self.text(body)))
    }

    /// Whether that is the signature over this and the body.
    pub fn is_signed(&self, secret: &str, body: &[u8], signature: &str) -> bool {
        equals_hex(&hmac_sha256(secret.as_bytes(), &self.text(body)), signature)
    }
}

/// The moment as the timestamp header writes it.
pub fn seconds(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(1000)
}

/// Whether the text of a timestamp header lies close enough to `now`.
pub fn is_recent(timestamp: &str, now: Timestamp) -> bool {
    let plain = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    plain
        && timestamp.parse::<i64>().is_ok_and(|sent| sent.abs_diff(seconds(now)) <= MAX_SKEW_S.unsigned_abs())
}

/// A number that is used once: 16 random bytes in hexadecimal.
///
/// # Errors
/// When the computer has no randomness to give.
pub fn new_nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "a secret of at least thirty-two characters";

    fn request<'a>(path: &'a str, timestamp: &'a str, nonce: &'a str) -> Signed<'a> {
        Signed { side: Side::Request, method: "POST", path, timestamp, nonce }
    }

    #[test]
    fn the_signed_text_is_five_lines_and_the_body() {
        let text = request("/pay/start", "1700000000", "00ff").text(b"{\"a\":\n1}");
        let expected = "remote-gateway-request-1\nPOST\n/pay/start\n1700000000\n00ff\n{\"a\":\n1}";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn a_request_never_passes_for_an_answer() {
        let signed = request("/pay/status", "1700000000", "00ff");
        let signature = signed.sign(SECRET, b"{}");
        assert!(signed.is_signed(SECRET, b"{}", &signature));
        assert!(!Signed { side: Side::Response, ..signed }.is_signed(SECRET, b"{}", &signature));
        assert!(!signed.is_signed(SECRET, b"{}", "") && !signed.is_signed("", b"{}", &signature));
    }

    #[test]
    fn a_moment_is_believed_for_five_minutes_either_way() {
        let now = Timestamp::from_millis(1_700_000_000_999);
        for (sent, recent) in [
            ("1700000000", true),
            ("1700000300", true),
            ("1699999700", true),
            ("1700000301", false),
            ("1699999699", false),
            ("", false),
            ("-1700000000", false),
            ("+1700000000", false),
            (" 1700000000", false),
            ("1700000000000", false),
            ("9999999999999999999999", false),
        ] {
            assert_eq!(is_recent(sent, now), recent, "{sent}");
        }
    }

    #[test]
    fn no_two_nonces_are_the_same() {
        let (one, other) = (new_nonce().unwrap(), new_nonce().unwrap());
        assert!(one != other && one.len() == 32);
    }

    proptest! {
        #[test]
        fn a_signature_fits_its_own_text_only(
            one in ("[a-z/]{1,6}", "[0-9]{1,3}", "[0-9a-f]{1,4}", "\\PC{0,8}"),
            other in ("[a-z/]{1,6}", "[0-9]{1,3}", "[0-9a-f]{1,4}", "\\PC{0,8}"),
        ) {
            let signature = request(&one.0, &one.1, &one.2).sign(SECRET, one.3.as_bytes());
            let fits = request(&other.0, &other.1, &other.2).is_signed(SECRET, other.3.as_bytes(), &signature);
            prop_assert_eq!(fits, one == other);
        }
    }
}
