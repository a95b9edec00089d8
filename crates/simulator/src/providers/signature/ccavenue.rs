//! CCAvenue's cipher: AES-128-CBC, its key the MD5 digest of the working key, written in hexadecimal. It has no
//! signature.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use md5::{Digest, Md5};

/// The longest text that is decrypted, in hexadecimal digits.
const MAX_DIGITS: usize = 128 * 1024;

/// The initialisation vector that all merchants share: the bytes from 0 to 15.
fn vector() -> [u8; 16] {
    std::array::from_fn(|place| u8::try_from(place).unwrap_or_default())
}

/// A text as it is sent.
pub fn encrypt(working_key: &str, text: &str) -> String {
    let cipher = cbc::Encryptor::<aes::Aes128>::new(&Md5::digest(working_key), &vector().into());
    hex::encode(cipher.encrypt_padded_vec::<Pkcs7>(text.as_bytes()))
}

/// A text that was sent; `None` when it is none, or another key's.
pub fn decrypt(working_key: &str, sent: &str) -> Option<String> {
    let bytes = hex::decode(sent).ok().filter(|bytes| !bytes.is_empty() && sent.len() <= MAX_DIGITS)?;
    let cipher = cbc::Decryptor::<aes::Aes128>::new(&Md5::digest(working_key), &vector().into());
    String::from_utf8(cipher.decrypt_padded_vec::<Pkcs7>(&bytes).ok()?).ok()
}
