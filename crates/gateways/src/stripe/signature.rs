//! The signature of webhooks: `t=<seconds>,v1=<hexadecimal>`, HMAC-SHA256 over the moment and the raw body.

use payment_domain::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::digest::{equals_hex, hmac_sha256};

/// The header.
pub const STRIPE_SIGNATURE: &str = "stripe-signature";
/// How old a signature may be, in seconds, and how far ahead of our clock.
pub const TOLERANCE_S: u64 = 300;

/// Whether the header has a signature of this body under one of the secrets, made within the tolerance of
/// `now`. During a change of secret Stripe signs with both, and the header has several signatures.
pub fn is_signed<'a>(
    secrets: impl IntoIterator<Item = &'a SecretString>,
    body: &[u8],
    header: &str,
    now: Timestamp,
) -> bool {
    let Some((moment, signatures)) = parts(header) else { return false };
    let now_s = now.as_millis().div_euclid(1_000);
    let recent = moment.parse::<i64>().is_ok_and(|made| made.abs_diff(now_s) <= TOLERANCE_S);
    let mut signed = moment.as_bytes().to_vec();
    signed.push(b'.');
    signed.extend_from_slice(body);
    let matches = |secret: &SecretString| {
        let expected = hmac_sha256(secret.expose_secret().as_bytes(), &signed);
        signatures.iter().any(|signature| equals_hex(&expected, signature))
    };
    recent && secrets.into_iter().any(matches)
}

/// The most signatures that are compared.
const MAX_SIGNATURES: usize = 16;

/// The moment, in digits, and the signatures of scheme `v1`; others are ignored. `None` for a header without
/// a moment, or with two.
fn parts(header: &str) -> Option<(&str, Vec<&str>)> {
    let (mut moment, mut signatures) = (None, Vec::new());
    for (name, value) in header.split(',').filter_map(|part| part.split_once('=')) {
        match name.trim() {
            "t" if moment.is_some() => return None,
            "t" => moment = Some(value),
            "v1" if signatures.len() < MAX_SIGNATURES => signatures.push(value),
            _ => {}
        }
    }
    let moment = moment.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((moment, signatures))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = b"{\"id\":\"evt_1\"}";
    const MADE_S: i64 = 1_710_481_332;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn v1(key: &str, moment: &str, body: &[u8]) -> String {
        hex::encode(hmac_sha256(key.as_bytes(), &[moment.as_bytes(), b".", body].concat()))
    }

    fn header(key: &str) -> String {
        format!("t={MADE_S},v1={}", v1(key, &MADE_S.to_string(), BODY))
    }

    #[test]
    fn either_secret_will_do_during_a_change_of_secret() {
        let secrets = [secret("whsec_new"), secret("whsec_old")];
        for key in ["whsec_new", "whsec_old"] {
            assert!(is_signed(&secrets, BODY, &header(key), at(MADE_S)), "{key}");
        }
        assert!(!is_signed(&secrets, BODY, &header("whsec_other"), at(MADE_S)));
        assert!(!is_signed(&secrets[..0], BODY, &header("whsec_new"), at(MADE_S)));
        let both = format!("{},v1={},v0=ff", header("whsec_x"), v1("whsec_new", &MADE_S.to_string(), BODY));
        assert!(is_signed(&secrets, BODY, &both, at(MADE_S)));
    }

    #[test]
    fn an_old_signature_and_one_of_the_future_prove_nothing() {
        let (secrets, header) = ([secret("whsec_a")], header("whsec_a"));
        for (away_s, valid) in [(300, true), (-300, true), (301, false), (-301, false)] {
            let now = Timestamp::from_millis((MADE_S + away_s) * 1_000 + 999);
            assert_eq!(is_signed(&secrets, BODY, &header, now), valid, "{away_s}");
        }
    }

    #[test]
    fn a_header_of_another_form_proves_nothing() {
        let secrets = [secret("whsec_a")];
        let good = v1("whsec_a", &MADE_S.to_string(), BODY);
        for bad in [
            String::new(),
            good.clone(),
            format!("v1={good}"),
            format!("t={MADE_S}"),
            format!("t={MADE_S},v0={good}"),
            format!("t=+{MADE_S},v1={good}"),
            format!("t={MADE_S},t={MADE_S},v1={good}"),
            format!("t={MADE_S}.,v1={good}"),
            format!("t=,v1={}", v1("whsec_a", "", BODY)),
            format!("t={MADE_S},v1={good}0"),
        ] {
            assert!(!is_signed(&secrets, BODY, &bad, at(MADE_S)), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_header_and_no_body_panics_or_is_read_as_signed(
            header in "\\PC{0,80}", body: Vec<u8>, now_s in -4_000_000_000..4_000_000_000_i64,
        ) {
            let secrets = [secret("whsec_a")];
            for header in [header.clone(), format!("t={now_s},v1={header}"), format!("t=1{header}")] {
                prop_assert!(!is_signed(&secrets, &body, &header, at(now_s)));
            }
        }

        #[test]
        fn a_signature_covers_every_byte_and_the_moment(body: Vec<u8>, at_byte: usize, now_s in 1..4_000_000_000_i64) {
            let secrets = [secret("whsec_a")];
            let moment = now_s.to_string();
            let header = format!("t={moment},v1={}", v1("whsec_a", &moment, &body));
            prop_assert!(is_signed(&secrets, &body, &header, at(now_s)));
            let mut other = body.clone();
            other.push(0);
            prop_assert!(!is_signed(&secrets, &other, &header, at(now_s)));
            if !body.is_empty() {
                let mut other = body.clone();
                other[at_byte % body.len()] ^= 1;
                prop_assert!(!is_signed(&secrets, &other, &header, at(now_s)));
            }
            let later = header.replacen(&format!("t={moment}"), &format!("t={}", now_s + 1), 1);
            prop_assert!(!is_signed(&secrets, &body, &later, at(now_s)));
        }
    }
}
