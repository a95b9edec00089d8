//! Personal data as a type that cannot be printed by accident.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// A name, a mobile number, an e-mail address. Its `Debug` shows three stars, there is no
/// `Display`, and the memory is cleared when it is dropped. It serializes as the plain text, for
/// answers and events whose purpose is to carry it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Personal {
    pub fn new(text: impl Into<String>) -> Personal {
        Personal(text.into())
    }

    /// The text itself; the caller is responsible for its use.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text with all but its edges starred: `9876543210` → `98******10`. Short texts are starred
    /// whole.
    pub fn masked(&self) -> String {
        let mut masked = String::with_capacity(self.0.len());
        mask_into(&self.0, &mut masked);
        masked
    }
}

/// Appends a personal text as [`Personal::masked`] shows it.
pub fn mask_into(text: &str, out: &mut String) {
    let count = text.chars().count();
    let shown = if count >= 8 { 2 } else { usize::from(count >= 4) };
    let is_edge = |at: usize| at < shown || at >= count - shown;
    out.extend(text.chars().enumerate().map(|(at, char)| if is_edge(at) { char } else { '*' }));
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Drop for Personal {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_printed() {
        assert_eq!(format!("{:?}", Personal::new("Asha Rani")), "***");
    }

    #[test]
    fn masks_all_but_the_edges() {
        for (text, masked) in
            [("9876543210", "98******10"), ("Asha", "A**a"), ("Li", "**"), ("", ""), ("ਗੁਰਪ੍ਰੀਤ", "ਗੁ****ੀਤ")]
        {
            assert_eq!(Personal::new(text).masked(), masked);
        }
    }
}
