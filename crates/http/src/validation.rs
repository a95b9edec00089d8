//! The rules of fields, with the codes and sentences of Spring's bean validation, which clients of
//! DIGIT know.

use std::borrow::Cow;
use std::fmt;

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::envelope::ErrorEntry;
use crate::error::ApiError;
use crate::json::Scalar;

/// What the original states where it sets no upper bound.
pub(crate) const UNBOUNDED: usize = 2_147_483_647;

/// How long a text may be, in characters, and what may be in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextRule {
    /// The least the contract asks for.
    pub(crate) min: usize,
    /// The most the contract allows, which it tells clients.
    pub(crate) stated_max: usize,
    /// The most we take.
    pub(crate) max: usize,
    /// Whether line breaks and tabs are taken. Other control characters never are.
    pub(crate) lines: bool,
}

impl TextRule {
    /// A single line of the length the contract states.
    pub(crate) const fn line(min: usize, max: usize) -> TextRule {
        TextRule { min, stated_max: max, max, lines: false }
    }

    /// A single line for which the contract states no upper bound, and we do.
    pub(crate) const fn at_least(min: usize, max: usize) -> TextRule {
        TextRule { min, stated_max: UNBOUNDED, max, lines: false }
    }

    /// The rule as a schema.
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

/// What is wrong with the fields of a request, in the order they were looked at.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<ErrorEntry>);

impl Violations {
    /// Notes that a field does not hold to a constraint.
    pub(crate) fn add(
        &mut self,
        constraint: &str,
        field: impl fmt::Display,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(ErrorEntry::new(format!("{constraint}.{field}"), message));
    }

    /// Notes something that is wrong under a code of our own.
    pub(crate) fn add_coded(&mut self, code: &'static str, message: &'static str) {
        self.0.push(ErrorEntry::new(code, message));
    }

    /// Notes that a field is missing.
    pub(crate) fn missing(&mut self, field: impl fmt::Display) {
        self.add("NotNull", field, "must not be null");
    }

    /// A text that must be there and keep to the rule.
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

    /// A text that must keep to the rule where it is there.
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

    /// Whether a size keeps to the rule.
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

    /// All that was found, as an error.
    pub(crate) fn into_error(self) -> ApiError {
        if self.0.is_empty() {
            ApiError::Internal("refused without a reason")
        } else {
            ApiError::Invalid(self.0)
        }
    }

    /// Whether nothing was found.
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
    fn a_field_is_told_the_one_rule_it_breaks() {
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
