//! The secure hash of the virtual payment client (VPC): proves that these members were written with the
//! merchant's secret key.

use payment_gateway::{GatewayError, Params};

use crate::{digest, form};

/// The member that holds the hash.
pub const HASH: &str = "vpc_SecureHash";
/// The member that names the hash function.
pub const HASH_TYPE: &str = "vpc_SecureHashType";
/// The one hash function we use.
pub const SHA256: &str = "SHA256";

/// How the names of members begin that enter the hash.
const HASHED_PREFIXES: [&str; 2] = ["vpc_", "user_"];
/// The members that hold base64.
const BASE64_MEMBERS: [&str; 2] = ["vpc_3DSXID", "vpc_VerToken"];

/// Whether a member of this name enters the hash.
pub fn is_hashed(name: &str) -> bool {
    HASHED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && name != HASH && name != HASH_TYPE
}

/// The text the hash is made over: the members that enter it and are not empty, sorted by the bytes of their
/// names, `name=value` joined with `&`. Values are not URL-encoded.
pub fn signed_text<N: AsRef<str>, V: AsRef<str>>(members: &[(N, V)]) -> String {
    let mut hashed: Vec<(&str, &str)> = members
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()))
        .filter(|(name, value)| is_hashed(name) && !value.is_empty())
        .collect();
    hashed.sort_unstable();
    let lines: Vec<String> = hashed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.join("&")
}

/// The hash of the members in upper-case hexadecimal, over ISO-8859-1 bytes, with `?` in place of a
/// character that has none. We send ASCII only, for which every charset agrees.
pub fn sign<N: AsRef<str>, V: AsRef<str>>(secret_key: &[u8], members: &[(N, V)]) -> String {
    let bytes: Vec<u8> = signed_text(members).chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    hex::encode_upper(digest::hmac_sha256(secret_key, &bytes))
}

/// Whether `given` is the hash of the members. Which charset the gateway hashes beyond ASCII is not
/// documented, so both ISO-8859-1 and UTF-8 are taken; a character is never replaced by another.
pub fn matches<N: AsRef<str>, V: AsRef<str>>(secret_key: &[u8], members: &[(N, V)], given: &str) -> bool {
    let text = signed_text(members);
    let utf8 = digest::equals_hex(&digest::hmac_sha256(secret_key, text.as_bytes()), given);
    let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    utf8 || latin1.is_some_and(|bytes| digest::equals_hex(&digest::hmac_sha256(secret_key, &bytes), given))
}

/// Whether these members are signed with the merchant's secret key; `false` when they hold no hash
/// at all.
///
/// # Errors
/// [`GatewayError::BadSignature`] when the hash is another, a member occurs twice (it could be hashed
/// with one value and read with the other), or the hashed text can be read as other members, too.
pub fn check(secret_key: &[u8], params: &Params) -> Result<bool, GatewayError> {
    let Some(hash) = params.get(HASH).filter(|hash| !hash.is_empty()) else {
        return Ok(false);
    };
    let counted = || params.iter().filter(|(name, _)| is_hashed(name) || *name == HASH);
    let readable_in_one_way = counted().all(|(name, value)| is_name(name) && !joins_members(value));
    let members: Vec<(&str, String)> = params.iter().map(|(name, value)| (name, sent(name, value))).collect();
    if form::unique(counted()).is_none() || !readable_in_one_way || !matches(secret_key, &members, hash) {
        return Err(GatewayError::BadSignature);
    }
    Ok(true)
}

/// The value as it was sent: where base64 is expected, a blank is a plus that was decoded once too
/// often.
fn sent(name: &str, value: &str) -> String {
    if BASE64_MEMBERS.contains(&name) { value.replace(' ', "+") } else { value.to_owned() }
}

/// Whether a member of this name ends, in the hashed text, where its name does.
fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the hashed text of a member with this value reads like that of several.
fn joins_members(value: &str) -> bool {
    HASHED_PREFIXES.iter().any(|prefix| value.split('&').skip(1).any(|part| part.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_beyond_ascii_are_read_in_either_charset() {
        let members = [("vpc_Message", "José")];
        assert!(matches(b"k", &members, &sign(b"k", &members)));
        let utf8 = hex::encode(digest::hmac_sha256(b"k", "vpc_Message=José".as_bytes()));
        assert!(matches(b"k", &members, &utf8));
    }

    #[test]
    fn a_text_that_can_be_read_as_other_members_is_not_signed() {
        let check = |members: &[(&str, &str)]| {
            let hash = sign(b"k", members);
            let all = members.iter().copied().chain([(HASH, hash.as_str())]);
            let params = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            super::check(b"k", &Params::new(params))
        };
        for members in [
            &[("vpc_A", "1&vpc_TxnResponseCode=0")][..],
            &[("user_A", "1&user_B=0")],
            &[("vpc_A", "1&user_B=0")],
            &[("vpc_A=1&vpc_B", "0")],
            &[("vpc_Größe", "0")],
        ] {
            assert!(matches!(check(members), Err(GatewayError::BadSignature)), "{members:?}");
        }
        let harmless = [("vpc_OrderInfo", "Tax & Water = 2&x=1"), ("vpc_Message", "see vpc_Amount")];
        assert!(matches!(check(&harmless), Ok(true)));
    }

    #[test]
    fn a_plus_that_became_a_blank_is_read_as_base64_means_it() {
        let hash = sign(b"k", &[("vpc_3DSXID", "a+b="), ("vpc_Message", "a b")]);
        let params = [("vpc_3DSXID", "a b="), ("vpc_Message", "a b"), (HASH, &hash)];
        let params = Params::new(params.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert!(matches!(check(b"k", &params), Ok(true)));
    }

    #[test]
    fn a_question_mark_does_not_stand_for_a_letter() {
        let signed = sign(b"k", &[("vpc_TxnResponseCode", "?")]);
        assert!(!matches(b"k", &[("vpc_TxnResponseCode", "आ")], &signed));
    }

    proptest! {
        #[test]
        fn a_changed_value_never_matches(value in "[ -~]{1,30}", other in "[ -~]{0,30}") {
            prop_assume!(value != other);
            let hash = sign(b"key", &[("vpc_Amount", value.as_str()), ("vpc_Version", "1")]);
            prop_assert!(matches(b"key", &[("vpc_Version", "1"), ("vpc_Amount", value.as_str())], &hash));
            prop_assert!(!matches(b"key", &[("vpc_Amount", other.as_str()), ("vpc_Version", "1")], &hash));
            prop_assert!(!matches(b"other", &[("vpc_Amount", value.as_str()), ("vpc_Version", "1")], &hash));
        }

        #[test]
        fn no_hash_and_no_members_panic(members: Vec<(String, String)>, given: String, key: Vec<u8>) {
            prop_assert!(!matches(&key, &members, &given));
        }
    }
}
