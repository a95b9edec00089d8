//! An attempt to log in: what a browser keeps between leaving for the provider and coming back.

use std::time::Duration;

use payment_domain::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How long an attempt can be completed.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(10 * 60);

/// Stays in the browser that began it, so that no other completes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    pub(crate) begun_at: Timestamp,
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// Of PKCE.
    pub(crate) verifier: String,
}

/// Without its contents, which are secret.
impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attempt(***)")
    }
}

impl Attempt {
    /// In letters that a cookie may have.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}.{}", self.begun_at.as_millis(), self.state, self.nonce, self.verifier)
    }

    pub fn from_text(text: &str) -> Option<Attempt> {
        let mut parts = text.split('.');
        let begun_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
        let mut secret = || {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            let part =
                parts.next().filter(|part| (16..=128).contains(&part.len()) && part.bytes().all(plain));
            part.map(str::to_owned)
        };
        let attempt = Attempt { begun_at, state: secret()?, nonce: secret()?, verifier: secret()? };
        parts.next().is_none().then_some(attempt)
    }

    /// Whether it can be completed at this moment by an answer to this state.
    pub fn is_answered_by(&self, state: &str, now: Timestamp) -> bool {
        let is_fresh = self.begun_at <= now && now.since(self.begun_at) < ATTEMPT_LIFE;
        is_fresh && bool::from(self.state.as_bytes().ct_eq(state.as_bytes()))
    }

    /// Names it, so that it is completed once.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.state).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_read_back_and_answered_in_its_time_by_its_own_state_alone() {
        let at = Timestamp::from_millis;
        let secret = |char: char| char.to_string().repeat(22);
        let attempt =
            Attempt { begun_at: at(1_000), state: secret('s'), nonce: secret('n'), verifier: secret('v') };
        assert_eq!(Attempt::from_text(&attempt.to_text()), Some(attempt.clone()));
        let life = i64::try_from(ATTEMPT_LIFE.as_millis()).unwrap();
        for (state, now, is_answered) in [
            (secret('s'), 1_000, true),
            (secret('s'), 999 + life, true),
            (secret('s'), 1_000 + life, false),
            (secret('s'), 999, false),
            (secret('n'), 1_000, false),
            (String::new(), 1_000, false),
        ] {
            assert_eq!(attempt.is_answered_by(&state, at(now)), is_answered, "{state} {now}");
        }
        for wrong in
            ["", "1", "1.a.b.c", &format!("x{}", attempt.to_text()), &format!("{}.x", attempt.to_text())]
        {
            assert_eq!(Attempt::from_text(wrong), None, "{wrong}");
        }
    }
}
