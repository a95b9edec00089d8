//! Secrets of others that a session needs, encrypted under its own secret, which is in the browser's cookie alone.

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A key encrypts one text, so that the nonce may be constant.
const NONCE: [u8; 24] = [0; 24];

pub(super) fn seal(secret: &str, kept: &SecretString) -> Option<Vec<u8>> {
    cipher(secret)?.encrypt(&XNonce::from(NONCE), kept.expose_secret().as_bytes()).ok()
}

/// `None` for bytes that were not sealed under this secret.
pub(super) fn open(secret: &str, sealed: &[u8]) -> Option<SecretString> {
    let plain = cipher(secret)?.decrypt(&XNonce::from(NONCE), sealed).ok()?;
    String::from_utf8(plain).ok().map(SecretString::from)
}

fn cipher(secret: &str) -> Option<XChaCha20Poly1305> {
    let key: [u8; 32] =
        Sha256::new().chain_update(b"pg-console-session\0").chain_update(secret).finalize().into();
    XChaCha20Poly1305::new_from_slice(&key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_the_secret_of_its_session_alone() {
        let sealed = seal("secret", &"token".into()).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"token"));
        assert_eq!(open("secret", &sealed).unwrap().expose_secret(), "token");
        assert!(open("other", &sealed).is_none() && open("secret", &sealed[1..]).is_none());
    }
}
