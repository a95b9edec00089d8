//! The parameters of queries and forms.

/// In order; the first of a name counts. Never printed: a form may hold secrets.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

/// The most parameters that are read.
const MOST: usize = 100;

impl Fields {
    pub(crate) fn parse(encoded: &[u8]) -> Fields {
        let pairs = form_urlencoded::parse(encoded).take(MOST);
        Fields(pairs.map(|(name, value)| (readable(&name), readable(&value))).collect())
    }

    /// The trimmed value of a parameter; an empty one counts as missing.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// All names and values.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value as it was typed: a password may begin with a blank.
    pub(crate) fn typed(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }
}

/// Without control characters, which no page can show again.
fn readable(text: &str) -> String {
    text.chars().filter(|char| !char.is_control() || matches!(char, '\t' | '\n' | '\r')).collect()
}
