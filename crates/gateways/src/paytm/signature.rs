//! Paytm's checksum: a salted digest, encrypted with the merchant key. Pure.
//!
//! The signed text is either the values of a form, sorted by name and joined with `|`, or the exact
//! text of a JSON body. The plaintext is the lower-case hexadecimal SHA-256 of `text|salt` followed
//! by the four characters of the salt; it is encrypted with AES-CBC and carried as standard base64.

use std::collections::BTreeMap;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};

use crate::digest::{equals_hex, sha256};
use crate::form::unique;

/// The form field that carries the checksum; it is not part of the signed text.
pub const CHECKSUM_FIELD: &str = "CHECKSUMHASH";
/// Separator of the values of a form in the signed text. Values are not escaped.
pub const SEPARATOR: char = '|';

/// The fields that Paytm documents for its callback and payment webhook, beside the checksum.
pub const CALLBACK_FIELDS: [&str; 13] = [
    "BANKNAME",
    "BANKTXNID",
    "CURRENCY",
    "GATEWAYNAME",
    "MID",
    "ORDERID",
    "PAYMENTMODE",
    "RESPCODE",
    "RESPMSG",
    "STATUS",
    "TXNAMOUNT",
    "TXNDATE",
    "TXNID",
];
/// The required fields of a callback.
const REQUIRED_FIELDS: [&str; 6] = ["MID", "ORDERID", "RESPCODE", "STATUS", "TXNAMOUNT", "TXNID"];

/// The protocol's fixed initialisation vector.
const IV: &[u8; 16] = b"@@@@&&&&####$$$$";

const DIGEST_CHARS: usize = 64;
const SALT_CHARS: usize = 4;
/// Base64 of the 80 bytes that digest and salt are padded to.
const CHECKSUM_CHARS: usize = 108;

/// The merchant key: 16, 24 or 32 bytes, which choose AES-128, AES-192 or AES-256.
#[derive(Clone)]
pub struct MerchantKey {
    bytes: SecretSlice<u8>,
    cipher: Cipher,
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
}

/// A merchant key of a length that AES does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 16, 24 or 32 characters long")]
pub struct WrongKeyLength;

impl MerchantKey {
    /// Takes the key as Paytm's dashboard shows it.
    ///
    /// # Errors
    /// [`WrongKeyLength`] when it is not 16, 24 or 32 bytes long.
    pub fn new(text: &str) -> Result<MerchantKey, WrongKeyLength> {
        let cipher = match text.len() {
            16 => Cipher::Aes128,
            24 => Cipher::Aes192,
            32 => Cipher::Aes256,
            _ => return Err(WrongKeyLength),
        };
        Ok(MerchantKey { bytes: text.as_bytes().to_vec().into(), cipher })
    }

    /// `None` never occurs: key and vector have the cipher's lengths.
    fn encrypt(&self, plaintext: &[u8]) -> Option<Vec<u8>> {
        fn with<C: KeyIvInit + BlockModeEncrypt>(key: &[u8], plaintext: &[u8]) -> Option<Vec<u8>> {
            Some(C::new_from_slices(key, IV).ok()?.encrypt_padded_vec::<Pkcs7>(plaintext))
        }
        let key = self.bytes.expose_secret();
        match self.cipher {
            Cipher::Aes128 => with::<cbc::Encryptor<Aes128>>(key, plaintext),
            Cipher::Aes192 => with::<cbc::Encryptor<Aes192>>(key, plaintext),
            Cipher::Aes256 => with::<cbc::Encryptor<Aes256>>(key, plaintext),
        }
    }

    /// `None` when the length or the padding is wrong.
    fn decrypt(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        fn with<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
            C::new_from_slices(key, IV).ok()?.decrypt_padded_vec::<Pkcs7>(ciphertext).ok()
        }
        let key = self.bytes.expose_secret();
        match self.cipher {
            Cipher::Aes128 => with::<cbc::Decryptor<Aes128>>(key, ciphertext),
            Cipher::Aes192 => with::<cbc::Decryptor<Aes192>>(key, ciphertext),
            Cipher::Aes256 => with::<cbc::Decryptor<Aes256>>(key, ciphertext),
        }
    }
}

impl std::fmt::Debug for MerchantKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MerchantKey(***)")
    }
}

/// The four characters that make every checksum different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; SALT_CHARS]);

impl Salt {
    /// The salt of these four ASCII characters; `None` for anything else.
    pub fn new(text: &str) -> Option<Salt> {
        Some(Salt(text.as_bytes().try_into().ok()?)).filter(|_| text.is_ascii())
    }

    /// A new salt from the system's source of randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub fn random() -> Result<Salt, getrandom::Error> {
        let mut bytes = [0; 3];
        getrandom::fill(&mut bytes)?;
        let mut salt = [b'A'; SALT_CHARS];
        // Three bytes are exactly four characters of base64, so this cannot fall short.
        let _four = STANDARD.encode_slice(bytes, &mut salt);
        Ok(Salt(salt))
    }
}

/// The content of a decrypted checksum.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    digest: String,
    salt: Salt,
}

impl Opened {
    /// Decrypts a checksum; `None` when it is not base64 of the right length, does not decrypt under
    /// this key, or holds anything but a digest and a salt.
    pub fn read(key: &MerchantKey, checksum: &str) -> Option<Opened> {
        if checksum.len() != CHECKSUM_CHARS {
            return None;
        }
        let plaintext = String::from_utf8(key.decrypt(&STANDARD.decode(checksum).ok()?)?).ok()?;
        if plaintext.len() != DIGEST_CHARS + SALT_CHARS || !plaintext.is_ascii() {
            return None;
        }
        let (digest, salt) = plaintext.split_at(DIGEST_CHARS);
        Some(Opened { digest: digest.to_owned(), salt: Salt::new(salt)? })
    }

    /// Digest and salt as they were encrypted.
    pub fn plaintext(&self) -> String {
        format!("{}{}", self.digest, String::from_utf8_lossy(&self.salt.0))
    }

    pub fn salt(&self) -> Salt {
        self.salt
    }
}

/// The text that is signed for a form: its values without the checksum, in byte order of their
/// names, joined with `|`. The word `null` counts as nothing; a `|` within a value stays as it is.
pub fn text_of_form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut fields: Vec<(&str, &str)> =
        fields.into_iter().filter(|(name, _)| *name != CHECKSUM_FIELD).collect();
    fields.sort_by_key(|(name, _)| *name);
    let values: Vec<&str> = fields.into_iter().map(|(_, value)| without_null(value)).collect();
    values.join("|")
}

fn without_null(value: &str) -> &str {
    if value.eq_ignore_ascii_case("null") { "" } else { value }
}

/// The checksum of a text.
pub fn checksum(key: &MerchantKey, text: &str, salt: Salt) -> String {
    let plaintext = [hex::encode(digest_of(text, salt)).as_bytes(), &salt.0].concat();
    // An empty checksum is always refused, so the case that cannot occur is safe as well.
    key.encrypt(&plaintext).map(|ciphertext| STANDARD.encode(ciphertext)).unwrap_or_default()
}

/// Whether this is a checksum of exactly this text under this key. Any fault makes it invalid; the digests
/// are compared in constant time.
pub fn is_valid(key: &MerchantKey, text: &str, checksum: &str) -> bool {
    Opened::read(key, checksum)
        .is_some_and(|opened| equals_hex(&digest_of(text, opened.salt), &opened.digest))
}

/// The fields of a callback that Paytm signed; `None` when it did not. Parameters of other names,
/// which applications relay beside them, are left out.
///
/// The checksum covers values without their names, and our own forms are signed with the same key. So only
/// documented fields count, each at most once and without a [`SEPARATOR`] in its value, the required ones
/// must have a value, and the status must be a word: of our signed values only an order id fits its place,
/// and that has digits.
pub fn verified_callback<'a>(
    key: &MerchantKey,
    params: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<BTreeMap<&'a str, &'a str>> {
    let counts = |name: &str| name == CHECKSUM_FIELD || CALLBACK_FIELDS.contains(&name);
    let mut fields = unique(params.into_iter().filter(|(name, _)| counts(name)))?;
    // Base64 has no blanks: a blank is a plus that was decoded once too often.
    let checksum = fields.remove(CHECKSUM_FIELD)?.replace(' ', "+");
    fields.values_mut().for_each(|value| *value = without_null(value));
    let complete = REQUIRED_FIELDS.iter().all(|name| fields.get(name).is_some_and(|value| !value.is_empty()));
    let unambiguous = !fields.values().any(|value| value.contains(SEPARATOR));
    let is_word = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let has_status = fields.get("STATUS").is_some_and(is_word);
    let text = text_of_form(fields.iter().map(|(name, value)| (*name, *value)));
    (is_valid(key, &text, &checksum) && complete && unambiguous && has_status).then_some(fields)
}

fn digest_of(text: &str, salt: Salt) -> Vec<u8> {
    sha256(&[text.as_bytes(), b"|", &salt.0].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> MerchantKey {
        MerchantKey::new("fAkE_k3y&#%12345").unwrap()
    }

    #[test]
    fn a_key_has_one_of_three_lengths_and_is_never_printed() {
        for length in 0..40 {
            let key = MerchantKey::new(&"k".repeat(length));
            assert_eq!(key.is_ok(), [16, 24, 32].contains(&length), "{length}");
        }
        assert_eq!(format!("{:?}", key()), "MerchantKey(***)");
    }

    #[test]
    fn a_salt_is_four_plain_characters() {
        assert_eq!(Salt::new("abc"), None);
        assert_eq!(Salt::new("abcde"), None);
        assert_eq!(Salt::new("éé"), None, "four bytes, but not four characters");
        let salts: Vec<Salt> = (0..8).map(|_| Salt::random().unwrap()).collect();
        assert!(salts.iter().any(|salt| *salt != salts[0]), "every salt is a new one");
    }

    #[test]
    fn every_key_length_verifies_what_it_signed_and_nothing_else() {
        for length in [16, 24, 32] {
            let key = MerchantKey::new(&"k".repeat(length)).unwrap();
            let signed = checksum(&key, "text", Salt::new("+/z9").unwrap());
            assert!(is_valid(&key, "text", &signed));
            assert!(!is_valid(&key, "texT", &signed));
            assert!(!is_valid(&MerchantKey::new(&"x".repeat(length)).unwrap(), "text", &signed));
        }
    }

    proptest! {
        #[test]
        fn a_changed_text_or_checksum_never_verifies(
            text in ".{0,80}", other in ".{0,80}", at in 0..CHECKSUM_CHARS, replacement in "[A-Za-z0-9+/=]"
        ) {
            let signed = checksum(&key(), &text, Salt::random().unwrap());
            prop_assert!(is_valid(&key(), &text, &signed));
            prop_assert_eq!(is_valid(&key(), &other, &signed), other == text);
            let mut altered = signed.clone();
            altered.replace_range(at..=at, &replacement);
            prop_assert_eq!(is_valid(&key(), &text, &altered), altered == signed);
        }

        #[test]
        fn no_text_or_bytes_panic(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let long_enough = STANDARD.encode(&[bytes.as_slice(), &[0; 80]].concat()[..80]);
            for checksum in [text.as_str(), STANDARD.encode(&bytes).as_str(), long_enough.as_str()] {
                prop_assert!(!is_valid(&key(), "text", checksum));
                prop_assert!(Opened::read(&key(), checksum).is_none());
            }
        }
    }
}
