//! The pattern of topics that the consumer reads.

use crate::topics::Topics;

/// The default pattern of the original service. It matches topics with a prefix and, by mistake, none without.
const ORIGINAL: &str = "(^[a-zA-Z]+-save-pg-txns|^[a-zA-Z]+-update-pg-txns)";

/// The topics whose names match a pattern, including those created later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern(String);

/// A pattern in Java's syntax alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the topic pattern must be an extended regular expression, without {0}")]
pub struct InvalidTopicPattern(&'static str);

impl TopicPattern {
    /// The topics of created and of changed transactions and of changed refunds, without and with a state's
    /// prefix.
    pub fn of(topics: &Topics) -> TopicPattern {
        let names = [&topics.save_transaction, &topics.update_transaction, &topics.update_refund];
        let escaped = names.map(|name| name.replace('.', "\\.")).join("|");
        TopicPattern(format!("^([a-zA-Z0-9_-]+-)?({escaped})$"))
    }

    /// A pattern of a Java service, which must match the whole name. The default of the original service means
    /// [`TopicPattern::of`].
    ///
    /// # Errors
    /// [`InvalidTopicPattern`] for syntax of Java alone.
    pub fn from_java(pattern: &str, topics: &Topics) -> Result<TopicPattern, InvalidTopicPattern> {
        let pattern = pattern.trim();
        if pattern.is_empty() || pattern == ORIGINAL {
            return Ok(TopicPattern::of(topics));
        }
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                ('(', Some('?')) => return Err(InvalidTopicPattern("groups that begin with '(?'")),
                ('*' | '+' | '?' | '}', Some('?' | '+')) => {
                    return Err(InvalidTopicPattern("reluctant or possessive repetitions"));
                }
                ('\\', Some(escaped)) if escaped.is_ascii_alphanumeric() => {
                    return Err(InvalidTopicPattern("classes such as '\\w'"));
                }
                ('\\', None) => return Err(InvalidTopicPattern("a backslash at its end")),
                // An escaped character has no special meaning.
                ('\\', Some(_)) => drop(chars.next()),
                (_, _) => {}
            }
        }
        Ok(TopicPattern(format!("^({pattern})$")))
    }

    /// In librdkafka's syntax.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_originals_pattern_means_what_it_was_meant_to_mean() {
        let all = TopicPattern::of(&Topics::default());
        assert_eq!(all.as_str(), "^([a-zA-Z0-9_-]+-)?(save-pg-txns|update-pg-txns|update-pg-refund-txns)$");
        for pattern in ["", ORIGINAL, " (^[a-zA-Z]+-save-pg-txns|^[a-zA-Z]+-update-pg-txns) "] {
            assert_eq!(TopicPattern::from_java(pattern, &Topics::default()).as_ref(), Ok(&all));
        }
        let named = Topics { save_transaction: "city.payments".to_owned(), ..Topics::default() };
        assert_eq!(
            TopicPattern::of(&named).as_str(),
            "^([a-zA-Z0-9_-]+-)?(city\\.payments|update-pg-txns|update-pg-refund-txns)$"
        );
    }

    #[test]
    fn a_pattern_matches_whole_names_as_it_does_in_java() {
        let own = TopicPattern::from_java("(in|pb)-update-pg-txns", &Topics::default()).unwrap();
        assert_eq!(own.as_str(), "^((in|pb)-update-pg-txns)$");
        assert!(TopicPattern::from_java(r"a\.b-(save|update)", &Topics::default()).is_ok());
    }

    #[test]
    fn a_pattern_that_only_java_understands_is_refused() {
        for pattern in ["(?:a|b)", r"\w+-save", "a+?b", "a*+", "a\\"] {
            assert!(TopicPattern::from_java(pattern, &Topics::default()).is_err(), "{pattern}");
        }
    }
}
