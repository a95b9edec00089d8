//! Tokens of forms: each proves that a page of the session has shown the form, and numbers it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::failure::Failure;

const NUMBER_BYTES: usize = 16;

/// The tokens of a session. `{number}.{proof}`: who has one has seen a page of that session.
pub(crate) struct FormTokens {
    /// Of fixed length, as the number is: no proof extends another.
    key: [u8; 32],
}

impl FormTokens {
    /// Those of the session with this secret.
    pub(crate) fn of(secret: &str) -> FormTokens {
        FormTokens {
            key: Sha256::new().chain_update(b"pg-console-form\0").chain_update(secret).finalize().into(),
        }
    }

    /// A token of a page that is about to be shown.
    ///
    /// # Errors
    /// [`Failure::Internal`] when the system yields no random bytes.
    pub(crate) fn fresh(&self) -> Result<String, Failure> {
        let mut random = [0; NUMBER_BYTES];
        getrandom::fill(&mut random).map_err(|_| Failure::Internal("no random bytes"))?;
        let number = URL_SAFE_NO_PAD.encode(random);
        Ok(format!("{number}.{}", self.proof(&number)))
    }

    /// The number of a token, if it is one of this session.
    pub(crate) fn number_of<'a>(&self, token: &'a str) -> Option<&'a str> {
        let (number, proof) = token.split_once('.')?;
        let is_number = matches!(URL_SAFE_NO_PAD.decode(number), Ok(bytes) if bytes.len() == NUMBER_BYTES);
        let is_proven = bool::from(proof.as_bytes().ct_eq(self.proof(number).as_bytes()));
        (is_number && is_proven).then_some(number)
    }

    fn proof(&self, number: &str) -> String {
        hex::encode(Sha256::new().chain_update(self.key).chain_update(number).finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_its_session_and_numbers_its_page() {
        let (mine, other) = (FormTokens::of("secret-1"), FormTokens::of("secret-2"));
        let (one, two) = (mine.fresh().unwrap(), mine.fresh().unwrap());
        assert_ne!(mine.number_of(&one).unwrap(), mine.number_of(&two).unwrap());
        assert_eq!(other.number_of(&one), None);
        let (number, proof) = one.split_once('.').unwrap();
        for forged in
            ["", ".", number, &format!(".{proof}"), &format!("{number}."), &format!("A{number}.{proof}")]
        {
            assert_eq!(mine.number_of(forged), None, "{forged}");
        }
    }
}
