//! CCAvenue's cipher: AES-128-CBC under the MD5 digest of the working key, in hexadecimal. Pure.
//!
//! It hides and does not prove: the text of a known message can be changed without the key. An encrypted
//! message is only a reason for a status request.

use aes::Aes128;
use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretSlice};

/// The protocol's fixed initialisation vector.
const IV: &[u8; 16] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// The longest ciphertext that is read, in hexadecimal digits.
const MAX_DIGITS: usize = 256 * 1024;

/// A working key, as the AES key that is made of it.
#[derive(Clone)]
pub struct WorkingKey(SecretSlice<u8>);

impl WorkingKey {
    /// Takes the key as CCAvenue's dashboard shows it.
    pub fn new(text: &str) -> WorkingKey {
        WorkingKey(Md5::digest(text).to_vec().into())
    }

    /// The text, encrypted, in lower-case hexadecimal.
    pub fn encrypt(&self, text: &str) -> String {
        // Key and vector have the cipher's lengths, so the error cannot occur; nothing is a ciphertext of none.
        cbc::Encryptor::<Aes128>::new_from_slices(self.0.expose_secret(), IV)
            .map(|cipher| hex::encode(cipher.encrypt_padded_vec::<Pkcs7>(text.as_bytes())))
            .unwrap_or_default()
    }

    /// The decrypted bytes; `None` when it is not hexadecimal of whole blocks, or the padding is wrong.
    pub fn decrypt(&self, ciphertext: &str) -> Option<Vec<u8>> {
        let bytes = bytes(ciphertext)?;
        self.decryptor()?.decrypt_padded_vec::<Pkcs7>(&bytes).ok()
    }

    /// The decrypted bytes with their padding, valid or not; `None` when it is not hexadecimal of whole
    /// blocks.
    ///
    /// For messages that anyone can send: an answer that depended on the padding would be an oracle by which
    /// strangers decrypt and encrypt without the key.
    pub fn decrypt_padded(&self, ciphertext: &str) -> Option<Vec<u8>> {
        let bytes = bytes(ciphertext)?;
        self.decryptor()?.decrypt_padded_vec::<NoPadding>(&bytes).ok()
    }

    fn decryptor(&self) -> Option<cbc::Decryptor<Aes128>> {
        cbc::Decryptor::<Aes128>::new_from_slices(self.0.expose_secret(), IV).ok()
    }
}

impl std::fmt::Debug for WorkingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WorkingKey(***)")
    }
}

fn bytes(ciphertext: &str) -> Option<Vec<u8>> {
    if ciphertext.is_empty() || ciphertext.len() > MAX_DIGITS {
        return None;
    }
    hex::decode(ciphertext).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> WorkingKey {
        WorkingKey::new("FA4EFA4EFA4EFA4EFA4EFA4EFA4E0001")
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", key()), "WorkingKey(***)");
    }

    #[test]
    fn invalid_ciphertext_is_refused() {
        let block = "016153e274505dad85925c47397aff17";
        assert_eq!(key().decrypt(block).as_deref(), Some(b"a=1&b=".as_slice()));
        assert_eq!(key().decrypt(&block.to_uppercase()).as_deref(), Some(b"a=1&b=".as_slice()));
        let endless = block.repeat(MAX_DIGITS / block.len() + 1);
        for wrong in ["", "0", "zz", &block[1..], &block[2..], &format!(" {block}"), &endless] {
            assert_eq!(key().decrypt(wrong), None, "{wrong:.40}");
            assert_eq!(key().decrypt_padded(wrong), None, "{wrong:.40}");
        }
    }

    #[test]
    fn a_wrong_padding_is_refused_only_where_the_sender_is_known() {
        let sent = key().encrypt("0123456789abcdef");
        let cut = &sent[..32];
        assert_eq!(key().decrypt(cut), None);
        assert_eq!(key().decrypt_padded(cut).as_deref(), Some(b"0123456789abcdef".as_slice()));
        assert_eq!(key().decrypt_padded(&sent).map(|bytes| bytes.len()), Some(32));
    }

    proptest! {
        #[test]
        fn encryption_round_trips(text in "\\PC{0,80}") {
            let sent = key().encrypt(&text);
            let plain = key().decrypt(&sent).unwrap();
            prop_assert_eq!(plain, text.as_bytes());
            prop_assert!(key().decrypt_padded(&sent).unwrap().starts_with(text.as_bytes()));
        }

        #[test]
        fn no_ciphertext_panics(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let whole_blocks = &bytes[..bytes.len() / 16 * 16];
            for ciphertext in [text, hex::encode(&bytes), hex::encode(whole_blocks)] {
                let (strict, lenient) = (key().decrypt(&ciphertext), key().decrypt_padded(&ciphertext));
                prop_assert!(strict.is_none_or(|plain| lenient.unwrap().starts_with(&plain)));
            }
        }
    }
}
