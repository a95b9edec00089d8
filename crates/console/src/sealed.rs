//! The words of a search that may name a person.
//!
//! Addresses are kept: by browsers, by proxies, in logs. A mobile number, a name or an e-mail address is therefore
//! sent by a form, and stands in the address of the list that it finds only encrypted, by a key of the session: the
//! page can be loaded again, left and returned to, and its address tells nobody anything.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use payment_domain::Personal;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

use crate::failure::Failure;

const NONCE_BYTES: usize = 24;

/// The key of a session's searches.
#[derive(Clone)]
pub(crate) struct SearchKey(SecretSlice<u8>);

impl SearchKey {
    /// `secret` is the session's.
    pub(crate) fn of(secret: &str) -> SearchKey {
        let digest = Sha256::new().chain_update(b"pg-console-search\0").chain_update(secret).finalize();
        SearchKey(SecretSlice::from(digest.to_vec()))
    }

    /// # Errors
    /// [`Failure::Internal`] without randomness.
    pub(crate) fn seal(&self, words: &Personal) -> Result<String, Failure> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| Failure::Internal("no random bytes"))?;
        let encrypted = self.cipher()?.encrypt(&XNonce::from(nonce), words.expose().as_bytes());
        let encrypted = encrypted.map_err(|_| Failure::Internal("words that cannot be encrypted"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &encrypted].concat()))
    }

    /// `None` for what was not sealed in this session.
    pub(crate) fn open(&self, sealed: &str) -> Option<Personal> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let words = self.cipher().ok()?.decrypt(&XNonce::from(*nonce), encrypted).ok()?;
        Some(Personal::new(String::from_utf8(words).ok()?))
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, Failure> {
        XChaCha20Poly1305::new_from_slice(self.0.expose_secret())
            .map_err(|_| Failure::Internal("a key of another length"))
    }
}

/// The last ten digits of what may be a mobile number: with or without the country's code, blanks, hyphens, brackets.
pub(crate) fn mobile_number(words: &str) -> Option<Personal> {
    let is_mark = |char: &char| matches!(char, ' ' | '-' | '(' | ')' | '.' | '+');
    let digits: String = words.chars().filter(|char| !is_mark(char)).collect();
    let is_number = (10..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let from = digits.len().saturating_sub(10);
    digits.get(from..).filter(|_| is_number).map(Personal::new)
}

/// Whether these words may stand in an address: the number of a payment, a bill, a receipt, with digits in each of its
/// parts, that is no mobile number.
pub(crate) fn names_no_person(words: &str) -> bool {
    let is_part = |part: &str| {
        part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.:#|".contains(&byte))
    };
    words.split(' ').all(is_part) && mobile_number(words).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_their_session_alone_and_look_different_each_time() {
        let (ours, theirs) = (SearchKey::of("secret"), SearchKey::of("another"));
        let words = Personal::new("98765 43210");
        let (one, other) = (ours.seal(&words).unwrap(), ours.seal(&words).unwrap());
        assert!(one != other && !one.contains("98765"), "{one} {other}");
        assert_eq!(ours.open(&one), Some(words.clone()));
        assert_eq!(theirs.open(&one), None);
        let mut altered = one.clone().into_bytes();
        altered[40] = if altered[40] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        for sealed in [altered.as_str(), "", "AAAA", "%%", &one[..one.len() - 4]] {
            assert_eq!(ours.open(sealed), None, "{sealed}");
        }
    }

    #[test]
    fn what_may_name_a_person_is_told_from_numbers_of_payments() {
        for (words, is_public) in [
            ("PB_PG_2026_11_22_000072_14", true),
            ("pb_pg_2026_11_22_ 000072_14", true),
            ("MP/107/2026-27/000012", true),
            ("pay_X1y", true),
            ("123456789", true),
            ("9876543210", false),
            ("+91 98765-43210", false),
            ("426512345678", false),
            ("Asha Rani", false),
            ("Asha 12", false),
            ("asha1@example.org", false),
            ("ਆਸ਼ਾ1", false),
            ("PT", false),
            ("", false),
        ] {
            assert_eq!(names_no_person(words), is_public, "{words}");
        }
        let digits = |words| mobile_number(words).map(|number| number.expose().to_owned());
        for words in ["9876543210", "+91 98765 43210", "(0) 98765-43210", "919876543210"] {
            assert_eq!(digits(words).as_deref(), Some("9876543210"), "{words}");
        }
        for words in ["987654321", "PT-9876543210", "9876543210123456", "९८७६५४३२१०"] {
            assert_eq!(digits(words), None, "{words}");
        }
    }
}
