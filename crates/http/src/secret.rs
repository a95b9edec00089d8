//! Comparison with a configured secret.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Compares digests in constant time, which reveals neither text nor its length.
pub(crate) fn is_same(presented: &[u8], expected: &[u8]) -> bool {
    Sha256::digest(presented).as_slice().ct_eq(Sha256::digest(expected).as_slice()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_the_same() {
        assert!(is_same(b"abc", b"abc") && !is_same(b"ab", b"abc") && !is_same(b"", b"abc"));
    }
}
