//! Validation of fields, with the codes and sentences of Spring's bean validation, which DIGIT's clients know.

use std::borrow::Cow;
use std::fmt;

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::envelope::ErrorEntry;
use crate::error::ApiError;
use crate::json::Scalar;

/// The upper bound that egov-pg-service states where it sets none.
pub(crate) const UNBOUNDED: usize = 2_147_483_647;

/// Length of a text, in characters, and its characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextRule {
    pub(crate) min: usize,
    /// The upper bound of the contract, which messages state.
    pub(crate) stated_max: usize,
    /// The upper bound that is enforced.
    pub(crate) max: usize,
    /// Whether line breaks and tabs are allowed. Other control characters never are.
    pub(crate) lines: bool,
}

impl TextRule {
    /// A single line with the contract's bounds.
    pub(crate) const fn line(min: usize, max: usize) -> TextRule {
        TextRule { min, stated_max: max, max, lines: false }
    }

    /// A single line for which the contract has no upper bound.
    pub(crate) const fn at_least(min: usize, max: usize) -> TextRule {
        TextRule { min, stated_max: UNBOUNDED, max, lines: false }
    }

    pub(crate) fn schema(&self, description: &str, example: &str) -> Object {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]))
            .min_length(Some(self.min))
            .max_length(Some(self.max))
            .description(Some(description))
            .examples([example])
            .build()
    }

    fn admits(&self, char: char) -> bool {
        !char.is_control() || self.lines && matches!(char, '\n' | '\r' | '\t')
    }
}

/// A field's name in the codes of violations: path and name, `attention.limit`.
#[derive(Clone, Copy)]
pub(crate) struct Field(pub(crate) &'static str, pub(crate) &'static str);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Violations of rules, in the order of the checks.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<ErrorEntry>);

impl Violations {
    pub(crate) fn add(
        &mut self,
        constraint: &str,
        field: impl fmt::Display,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(ErrorEntry::new(format!("{constraint}.{field}"), message));
    }

    /// Adds a violation with a code of our own.
    pub(crate) fn add_coded(&mut self, code: &'static str, message: impl Into<Cow<'static, str>>) {
        self.0.push(ErrorEntry::new(code, message));
    }

    pub(crate) fn missing(&mut self, field: impl fmt::Display) {
        self.add("NotNull", field, "must not be null");
    }

    pub(crate) fn required<'a>(
        &mut self,
        field: impl fmt::Display,
        value: Option<Scalar<'a>>,
        rule: TextRule,
    ) -> Option<Cow<'a, str>> {
        if value.is_none() {
            self.missing(&field);
        }
        self.optional(field, value, rule)
    }

    pub(crate) fn optional<'a>(
        &mut self,
        field: impl fmt::Display,
        value: Option<Scalar<'a>>,
        rule: TextRule,
    ) -> Option<Cow<'a, str>> {
        let Scalar(text) = value?;
        if !self.size(&field, text.chars().count(), rule) {
            return None;
        }
        if !text.chars().all(|char| rule.admits(char)) {
            self.add("Pattern", field, "must not contain control characters");
            return None;
        }
        Some(text)
    }

    /// Checks a size; `false` when it breaks the rule.
    pub(crate) fn size(&mut self, field: impl fmt::Display, size: usize, rule: TextRule) -> bool {
        let TextRule { min, stated_max, max, .. } = rule;
        let broken = if size < min || size > stated_max {
            stated_max
        } else if size > max {
            max
        } else {
            return true;
        };
        self.add("Size", field, format!("size must be between {min} and {broken}"));
        false
    }

    pub(crate) fn into_error(self) -> ApiError {
        if self.0.is_empty() {
            ApiError::Internal("refused without a reason")
        } else {
            ApiError::Invalid(self.0)
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: Option<&str>, rule: TextRule) -> Vec<(String, String)> {
        let mut violations = Violations::default();
        let value = text.map(|text| Scalar(Cow::Borrowed(text)));
        let taken = violations.required("a.b", value, rule);
        assert_eq!(taken.is_some(), violations.is_empty());
        violations.0.into_iter().map(|entry| (entry.code.into_owned(), entry.message.into_owned())).collect()
    }

    fn one(code: &str, message: &str) -> Vec<(String, String)> {
        vec![(code.to_owned(), message.to_owned())]
    }

    #[test]
    fn a_field_is_reported_with_the_rule_it_breaks() {
        let rule = TextRule::at_least(2, 5);
        assert_eq!(found(Some("ab"), rule), []);
        assert_eq!(found(Some("ਪੰਪੰ"), rule), [], "characters are counted");
        assert_eq!(found(None, rule), one("NotNull.a.b", "must not be null"));
        assert_eq!(found(Some("a"), rule), one("Size.a.b", "size must be between 2 and 2147483647"));
        assert_eq!(found(Some("abcdef"), rule), one("Size.a.b", "size must be between 2 and 5"));
        assert_eq!(found(Some("abc"), TextRule::line(1, 2)), one("Size.a.b", "size must be between 1 and 2"));
        assert_eq!(found(Some("a\nb"), rule), one("Pattern.a.b", "must not contain control characters"));
        assert_eq!(found(Some("a\nb"), TextRule { lines: true, ..rule }), []);
        assert_eq!(found(Some("a\0b"), TextRule { lines: true, ..rule }).len(), 1);
    }
}
