//! Envelope encryption of credentials: a data key for each, wrapped by a key-encryption key.
//!
//! Data keys are random and used for one version of one credential. The ciphertext is bound to its account,
//! version and field: a row that is moved does not open.

use std::collections::BTreeMap;
use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use payment_domain::{AccountId, MerchantCredential, SealedFields};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256};

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
/// Stands for the field in the associated data of a wrapped data key; no setting is named so.
const DATA_KEY: &str = "=key";

/// A key-encryption key with its id.
#[derive(Clone)]
pub struct KeyEncryptionKey {
    id: String,
    key: SecretSlice<u8>,
}

/// Only the id.
impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyEncryptionKey").field(&self.id).finish()
    }
}

impl KeyEncryptionKey {
    /// Reads a line `ID:64 hex digits`.
    ///
    /// # Errors
    /// The problem, without the line.
    pub fn parse(line: &str) -> Result<KeyEncryptionKey, &'static str> {
        let (id, key) = line.trim().split_once(':').ok_or("must be ID:64 hexadecimal digits")?;
        let is_id = !id.is_empty()
            && id.len() <= 64
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !is_id {
            return Err("must begin with an id of 1 to 64 letters, digits, `-`, `_` and `.`");
        }
        match hex::decode(key) {
            Ok(key) if key.len() == KEY_BYTES => {
                Ok(KeyEncryptionKey { id: id.to_owned(), key: SecretSlice::from(key) })
            }
            Ok(_) | Err(_) => Err("must have 64 hexadecimal digits behind the id"),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The key-encryption keys: new credentials are wrapped by `current`, `previous` still opens.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    pub current: Option<KeyEncryptionKey>,
    pub previous: Option<KeyEncryptionKey>,
}

/// The reason a credential cannot be sealed or opened. Each names the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("there is no key-encryption key: set keys.current.file")]
    NoKey,
    #[error(
        "the key-encryption key {kek_id:?} is missing: name it in keys.current.file or keys.previous.file"
    )]
    Missing { kek_id: String },
    #[error(
        "the key-encryption key {kek_id:?} is not the one that the credential was encrypted with, or the \
         credential was altered"
    )]
    Wrong { kek_id: String },
    #[error("the field {field} was altered (key-encryption key {kek_id:?})")]
    Altered { kek_id: String, field: String },
    #[error("the system gives no random numbers")]
    NoRandomness,
}

impl Keyring {
    fn key(&self, id: &str) -> Result<&KeyEncryptionKey, VaultError> {
        let keys = [&self.current, &self.previous].into_iter().flatten();
        let found = keys.into_iter().find(|key| key.id == id);
        found.ok_or_else(|| VaultError::Missing { kek_id: id.to_owned() })
    }

    /// Encrypts the secrets of a credential under a new data key.
    ///
    /// # Errors
    /// [`VaultError::NoKey`], [`VaultError::NoRandomness`].
    pub fn seal(
        &self,
        account: &AccountId,
        version: u32,
        secrets: &BTreeMap<String, SecretString>,
    ) -> Result<SealedFields, VaultError> {
        let kek = self.current.as_ref().ok_or(VaultError::NoKey)?;
        let data_key = SecretSlice::from(random::<KEY_BYTES>()?.to_vec());
        let mut fields = BTreeMap::new();
        for (field, secret) in secrets {
            let bound_to = bound_to(account, version, field);
            fields.insert(field.clone(), encrypt(&data_key, secret.expose_secret().as_bytes(), &bound_to)?);
        }
        let wrapped_key = wrap(kek, &data_key, account, version)?;
        Ok(SealedFields { kek_id: kek.id.clone(), wrapped_key, fields })
    }

    /// Decrypts them.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Wrong`], [`VaultError::Altered`].
    pub fn open(
        &self,
        account: &AccountId,
        version: u32,
        sealed: &SealedFields,
    ) -> Result<BTreeMap<String, SecretString>, VaultError> {
        let data_key = self.unwrap(account, version, sealed)?;
        let open = |(field, bytes): (&String, &Vec<u8>)| {
            let plain = decrypt(&data_key, bytes, &bound_to(account, version, field));
            let text = plain.and_then(|plain| String::from_utf8(plain).ok());
            let altered = || VaultError::Altered { kek_id: sealed.kek_id.clone(), field: field.clone() };
            Ok((field.clone(), SecretString::from(text.ok_or_else(altered)?)))
        };
        sealed.fields.iter().map(open).collect()
    }

    /// The same fields with their data key wrapped by the current key; `None` when they are already.
    ///
    /// # Errors
    /// As [`Keyring::open`], and [`VaultError::NoKey`].
    pub fn rewrap(
        &self,
        account: &AccountId,
        version: u32,
        sealed: &SealedFields,
    ) -> Result<Option<SealedFields>, VaultError> {
        let kek = self.current.as_ref().ok_or(VaultError::NoKey)?;
        if sealed.kek_id == kek.id {
            return Ok(None);
        }
        let data_key = self.unwrap(account, version, sealed)?;
        let wrapped_key = wrap(kek, &data_key, account, version)?;
        Ok(Some(SealedFields { kek_id: kek.id.clone(), wrapped_key, fields: sealed.fields.clone() }))
    }

    fn unwrap(
        &self,
        account: &AccountId,
        version: u32,
        sealed: &SealedFields,
    ) -> Result<SecretSlice<u8>, VaultError> {
        let kek = self.key(&sealed.kek_id)?;
        let plain = decrypt(&kek.key, &sealed.wrapped_key, &bound_to(account, version, DATA_KEY));
        let data_key = plain.filter(|key| key.len() == KEY_BYTES);
        data_key.map(SecretSlice::from).ok_or_else(|| VaultError::Wrong { kek_id: sealed.kek_id.clone() })
    }
}

/// The identity of a credential's entry, for the audit log: it reveals nothing of the secrets, and stays when
/// the key-encryption key is replaced.
pub(super) fn fingerprint(credential: &MerchantCredential) -> Option<String> {
    let sealed = credential.sealed.as_ref()?;
    let mut hash = Sha256::new();
    let mut put = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    put(bound_to(&credential.account, credential.version, "").as_bytes());
    for (name, text) in &credential.options {
        put(name.as_bytes());
        put(text.as_bytes());
    }
    for (name, bytes) in &sealed.fields {
        put(name.as_bytes());
        put(bytes);
    }
    Some(hex::encode(hash.finalize()))
}

fn bound_to(account: &AccountId, version: u32, field: &str) -> String {
    format!("{account}|{version}|{field}")
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::NoRandomness)?;
    Ok(bytes)
}

fn wrap(
    kek: &KeyEncryptionKey,
    data_key: &SecretSlice<u8>,
    account: &AccountId,
    version: u32,
) -> Result<Vec<u8>, VaultError> {
    encrypt(&kek.key, data_key.expose_secret(), &bound_to(account, version, DATA_KEY))
}

/// The nonce, then the ciphertext.
fn encrypt(key: &SecretSlice<u8>, plain: &[u8], bound_to: &str) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE_BYTES>()?;
    let payload = Payload { msg: plain, aad: bound_to.as_bytes() };
    let cipher = XChaCha20Poly1305::new_from_slice(key.expose_secret()).map_err(|_| VaultError::NoKey)?;
    let encrypted = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::NoKey)?;
    Ok([nonce.as_slice(), &encrypted].concat())
}

/// `None` with another key, or for bytes that were altered or are bound to something else.
fn decrypt(key: &SecretSlice<u8>, bytes: &[u8], bound_to: &str) -> Option<Vec<u8>> {
    let (nonce, encrypted) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let cipher = XChaCha20Poly1305::new_from_slice(key.expose_secret()).ok()?;
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: encrypted, aad: bound_to.as_bytes() }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, byte: &str) -> Option<KeyEncryptionKey> {
        Some(KeyEncryptionKey::parse(&format!("{id}:{}", byte.repeat(32))).unwrap())
    }

    fn secrets() -> BTreeMap<String, SecretString> {
        BTreeMap::from([
            ("axis.merchant.pwd".to_owned(), SecretString::from("पास-word")),
            ("axis.merchant.secret.key".to_owned(), SecretString::from("0F1E2D3C")),
        ])
    }

    fn opened(keys: &Keyring, account: &AccountId, version: u32, sealed: &SealedFields) -> Vec<String> {
        let opened = keys.open(account, version, sealed).unwrap();
        opened.values().map(|secret| secret.expose_secret().to_owned()).collect()
    }

    #[test]
    fn credentials_open_only_with_their_key_for_their_account_and_version() {
        let (one, other) = (AccountId::new("a").unwrap(), AccountId::new("b").unwrap());
        let keys = Keyring { current: key("k1", "11"), previous: None };
        let sealed = keys.seal(&one, 1, &secrets()).unwrap();
        assert_eq!(opened(&keys, &one, 1, &sealed), ["पास-word", "0F1E2D3C"]);
        let wrong = VaultError::Wrong { kek_id: "k1".to_owned() };
        assert_eq!(keys.open(&other, 1, &sealed).unwrap_err(), wrong);
        assert_eq!(keys.open(&one, 2, &sealed).unwrap_err(), wrong);
        let another = Keyring { current: key("k1", "22"), previous: None };
        assert_eq!(another.open(&one, 1, &sealed).unwrap_err(), wrong);
        let missing = Keyring { current: key("k2", "11"), previous: None };
        let error = missing.open(&one, 1, &sealed).unwrap_err();
        assert_eq!(error, VaultError::Missing { kek_id: "k1".to_owned() });
        assert!(error.to_string().contains("\"k1\""), "{error}");
        assert_eq!(Keyring::default().seal(&one, 1, &secrets()).unwrap_err(), VaultError::NoKey);
    }

    #[test]
    fn a_field_that_is_altered_or_put_in_the_place_of_another_does_not_open() {
        let (account, keys) =
            (AccountId::new("a").unwrap(), Keyring { current: key("k1", "11"), previous: None });
        let sealed = keys.seal(&account, 1, &secrets()).unwrap();
        for byte in 0..sealed.fields["axis.merchant.pwd"].len() {
            let mut altered = sealed.clone();
            altered.fields.get_mut("axis.merchant.pwd").unwrap()[byte] ^= 1;
            assert!(matches!(keys.open(&account, 1, &altered), Err(VaultError::Altered { .. })));
        }
        let mut swapped = sealed.clone();
        let moved = sealed.fields["axis.merchant.secret.key"].clone();
        swapped.fields.insert("axis.merchant.pwd".to_owned(), moved);
        assert!(matches!(keys.open(&account, 1, &swapped), Err(VaultError::Altered { .. })));
    }

    #[test]
    fn a_replaced_key_opens_rewrapped_credentials_and_the_previous_one_the_rest() {
        let account = AccountId::new("a").unwrap();
        let before = Keyring { current: key("k1", "11"), previous: None };
        let sealed = before.seal(&account, 1, &secrets()).unwrap();
        let both = Keyring { current: key("k2", "22"), previous: key("k1", "11") };
        assert_eq!(opened(&both, &account, 1, &sealed).len(), 2);
        let rewrapped = both.rewrap(&account, 1, &sealed).unwrap().unwrap();
        assert_eq!(both.rewrap(&account, 1, &rewrapped).unwrap(), None);
        assert_eq!(rewrapped.fields, sealed.fields, "only the data key is encrypted anew");
        let after = Keyring { current: key("k2", "22"), previous: None };
        assert_eq!(opened(&after, &account, 1, &rewrapped), opened(&before, &account, 1, &sealed));
        assert!(after.open(&account, 1, &sealed).is_err());
    }

    #[test]
    fn a_key_is_a_line_with_an_id_and_is_never_shown() {
        for line in ["", "k1", "k1:", ":11", "k 1:11", "k1:zz"] {
            assert!(KeyEncryptionKey::parse(line).is_err(), "{line}");
        }
        assert!(KeyEncryptionKey::parse(&format!("k1:{}", "1".repeat(63))).is_err());
        let key = KeyEncryptionKey::parse(&format!(" k-1.a:{}\n", "aB".repeat(32))).unwrap();
        assert_eq!((key.id(), format!("{key:?}").contains("ab")), ("k-1.a", false));
    }
}
