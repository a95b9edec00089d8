//! Conversion of values to columns: bounded, without characters that PostgreSQL cannot hold, many rows in one
//! statement.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;

use bytes::BytesMut;
use payment_domain::Timestamp;
use serde_json::{Map, Value};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::failure::Failure;

/// One value of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parameter<'a> {
    Text(Option<Cow<'a, str>>),
    Number(Option<i64>),
    Bytes(&'a [u8]),
}

impl<'a> Parameter<'a> {
    /// A text, with a replacement for the character NUL, which PostgreSQL cannot hold.
    pub(crate) fn text(text: &'a str) -> Parameter<'a> {
        Parameter::Text(Some(storable(text)))
    }

    /// The same, or NULL.
    pub(crate) fn optional(text: Option<&'a str>) -> Parameter<'a> {
        Parameter::Text(text.map(storable))
    }

    /// A number.
    pub(crate) fn number(number: impl Into<i64>) -> Parameter<'a> {
        Parameter::Number(Some(number.into()))
    }

    /// A moment in milliseconds.
    pub(crate) fn moment(at: Timestamp) -> Parameter<'a> {
        Parameter::Number(Some(at.as_millis()))
    }

    /// The same, or NULL.
    pub(crate) fn optional_moment(at: Option<Timestamp>) -> Parameter<'a> {
        Parameter::Number(at.map(Timestamp::as_millis))
    }

    /// A text of our own making.
    pub(crate) fn owned(text: String) -> Parameter<'a> {
        Parameter::Text(Some(Cow::Owned(text)))
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Parameter::Text(text) => text.to_sql_checked(ty, out),
            Parameter::Number(number) => number.to_sql_checked(ty, out),
            Parameter::Bytes(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::TEXT, Type::INT8, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

/// The elements of arrays as rows `u`, to be joined with a table; the first array has texts. Statements whose
/// columns are fixed have the same written out.
///
/// PostgreSQL assumes ten elements of an array that is a parameter. A plan for any array, made while the table is
/// nearly empty, would read the whole table, and be kept when it has grown; with a larger table a plan for any
/// array would seem worse than one for each, and be made anew each time. Of a LIMIT that is a parameter PostgreSQL
/// assumes a tenth: for one row the table's index is best at any size.
pub(crate) fn element_rows(arrays: &str, columns: &str) -> String {
    format!("(SELECT * FROM unnest({arrays}) AS elements ({columns}) LIMIT cardinality($1::text[])) AS u")
}

/// Rows for one statement: a column of each becomes one array.
#[derive(Default)]
pub(crate) struct Rows<'a> {
    columns: Vec<Vec<Parameter<'a>>>,
}

impl<'a> Rows<'a> {
    /// Adds a row; all have as many parameters.
    pub(crate) fn push<const N: usize>(&mut self, row: [Parameter<'a>; N]) {
        self.columns.resize_with(N, Vec::new);
        for (column, parameter) in self.columns.iter_mut().zip(row) {
            column.push(parameter);
        }
    }

    /// Begins a row of so many parameters.
    pub(crate) fn row(&mut self, width: usize) -> NewRow<'_, 'a> {
        self.columns.resize_with(width, Vec::new);
        NewRow(self.columns.iter_mut())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The arrays, in the order of the parameters.
    pub(crate) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect()
    }
}

/// A row that gets its parameters one after the other.
pub(crate) struct NewRow<'r, 'a>(std::slice::IterMut<'r, Vec<Parameter<'a>>>);

impl<'a> NewRow<'_, 'a> {
    pub(crate) fn push(&mut self, parameter: Parameter<'a>) {
        if let Some(column) = self.0.next() {
            column.push(parameter);
        }
    }
}

/// A text as PostgreSQL can hold it.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The condition of a number or a greater one. With two ends: where it has no statistics, PostgreSQL believes a range
/// with one end to be a third of the table.
pub(crate) fn at_least(column: &str, number: &str) -> String {
    format!("{column} BETWEEN {number} AND {}", i64::MAX)
}

/// How many characters the columns of `eg_pg_transactions` hold, by name. Adopted databases need not
/// agree with each other.
#[derive(Debug, Default)]
pub(crate) struct ColumnLimits(HashMap<String, usize>);

impl ColumnLimits {
    pub(crate) fn new(by_column: impl IntoIterator<Item = (String, usize)>) -> ColumnLimits {
        ColumnLimits(by_column.into_iter().collect())
    }

    /// The text as the column holds it: cut where the column ends.
    pub(crate) fn cut<'a>(&self, column: &str, text: &'a str) -> Cow<'a, str> {
        let text = storable(text);
        let Some(end) = self.end(column, &text) else { return text };
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or(text)),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        }
    }

    /// The byte at which the text leaves its column; `None` when it fits.
    fn end(&self, column: &str, text: &str) -> Option<usize> {
        let width = *self.0.get(column)?;
        if text.len() <= width {
            return None;
        }
        text.char_indices().nth(width).map(|(at, _)| at)
    }

    /// Whether the text fits its column.
    fn holds(&self, column: &str, text: &str) -> bool {
        self.end(column, text).is_none()
    }
}

/// Cuts the texts of one row, and keeps those whole that were cut.
pub(crate) struct Truncation<'w> {
    column_limits: &'w ColumnLimits,
    whole: Map<String, Value>,
}

impl<'w> Truncation<'w> {
    pub(crate) fn new(column_limits: &'w ColumnLimits) -> Truncation<'w> {
        Truncation { column_limits, whole: Map::new() }
    }

    /// The text for this column.
    pub(crate) fn text<'a>(&mut self, column: &'static str, text: &'a str) -> Parameter<'a> {
        if !self.column_limits.holds(column, text) {
            self.whole.insert(column.to_owned(), Value::String(storable(text).into_owned()));
        }
        Parameter::Text(Some(self.column_limits.cut(column, text)))
    }

    /// The same, or NULL.
    pub(crate) fn optional<'a>(&mut self, column: &'static str, text: Option<&'a str>) -> Parameter<'a> {
        text.map_or(Parameter::Text(None), |text| self.text(column, text))
    }

    /// The truncated texts, whole, as a JSON object by column; NULL when there are none.
    pub(crate) fn whole_texts(self) -> Parameter<'static> {
        let whole = (!self.whole.is_empty()).then(|| Cow::Owned(Value::Object(self.whole).to_string()));
        Parameter::Text(whole)
    }
}

/// JSON as text, for a column of type `jsonb` and one beside it.
pub(crate) struct JsonText {
    /// As jsonb can hold it.
    pub(crate) searchable: String,
    /// The exact text, where jsonb would alter it: it knows no NUL character, and writes numbers
    /// without exponents.
    pub(crate) exact: Option<String>,
}

impl JsonText {
    pub(crate) fn of(value: &Value) -> JsonText {
        let text = value.to_string();
        if is_altered(value) {
            JsonText { searchable: searchable(value).to_string(), exact: Some(text) }
        } else {
            JsonText { searchable: text, exact: None }
        }
    }

    pub(crate) fn of_object(fields: &Map<String, Value>) -> Result<JsonText, Failure> {
        let text = serde_json::to_string(fields).map_err(|_| Failure::Unwritable)?;
        if fields.iter().any(|(name, value)| name.contains('\0') || is_altered(value)) {
            let searchable = searchable(&Value::Object(fields.clone())).to_string();
            Ok(JsonText { searchable, exact: Some(text) })
        } else {
            Ok(JsonText { searchable: text, exact: None })
        }
    }
}

fn is_altered(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        // An exponent is written out, and a zero loses its sign.
        Value::Number(number) => {
            let text = number.to_string();
            text.contains(['e', 'E']) || text.len() > LONGEST_NUMBER || is_negative_zero(&text)
        }
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(is_altered),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || is_altered(value)),
    }
}

fn is_negative_zero(number: &str) -> bool {
    number.strip_prefix('-').is_some_and(|digits| digits.bytes().all(|byte| matches!(byte, b'0' | b'.')))
}

/// Numbers with more digits are texts in jsonb, whose numbers have a bound.
const LONGEST_NUMBER: usize = 400;

/// Whether jsonb can be trusted to hold a number: it writes exponents out, and refuses the statement when
/// that takes too many digits.
fn is_moderate(number: &str) -> bool {
    let exponent = number.split_once(['e', 'E']).map_or(Ok(0), |(_, exponent)| exponent.parse::<i32>());
    number.len() <= LONGEST_NUMBER
        && exponent.is_ok_and(|exponent| exponent.unsigned_abs() as usize <= LONGEST_NUMBER)
}

/// The value without characters that jsonb cannot hold.
fn searchable(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => {
            let text = number.to_string();
            if is_moderate(&text) { value.clone() } else { Value::String(text) }
        }
        Value::String(text) => Value::String(storable(text).into_owned()),
        Value::Array(items) => items.iter().map(searchable).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (storable(name).into_owned(), searchable(value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column_limits() -> ColumnLimits {
        ColumnLimits::new([("name".to_owned(), 4)])
    }

    #[test]
    fn a_text_is_cut_at_the_column_by_characters_and_kept_whole_beside_it() {
        let column_limits = column_limits();
        let mut cutter = Truncation::new(&column_limits);
        assert_eq!(cutter.text("name", "ਗੁਰਪ੍ਰੀਤ"), Parameter::text("ਗੁਰਪ"));
        assert_eq!(cutter.text("unbounded", "ਗੁਰਪ੍ਰੀਤ"), Parameter::text("ਗੁਰਪ੍ਰੀਤ"));
        assert_eq!(cutter.whole_texts(), Parameter::owned(json!({ "name": "ਗੁਰਪ੍ਰੀਤ" }).to_string()));
        let mut cutter = Truncation::new(&column_limits);
        assert_eq!(cutter.text("name", "ਗੁਰਪ"), Parameter::text("ਗੁਰਪ"));
        assert_eq!(cutter.whole_texts(), Parameter::Text(None));
    }

    #[test]
    fn text_that_postgres_cannot_hold_is_replaced_within_its_limit() {
        let column_limits = column_limits();
        let mut cutter = Truncation::new(&column_limits);
        assert_eq!(cutter.text("name", "a\0b"), Parameter::text("a\u{fffd}b"));
        assert_eq!(cutter.whole_texts(), Parameter::Text(None));
        assert_eq!(column_limits.cut("name", "\0\0\0\0\0"), "\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn json_is_kept_beside_only_where_jsonb_would_alter_it() {
        for plain in [json!({ "a": [0.1, 1.0, u64::MAX, "text", null, true] }), json!(null)] {
            assert!(JsonText::of(&plain).exact.is_none(), "{plain}");
        }
        for awkward in [json!({ "a": [1e16] }), json!("\0"), json!({ "\0": 1 })] {
            let text = JsonText::of(&awkward);
            assert_eq!(text.exact, Some(awkward.to_string()));
            assert!(!text.searchable.contains("\\u0000"));
        }
        for (written, searchable) in [
            ("1e400000", "\"1e+400000\""),
            ("1e-400000", "\"1e-400000\""),
            ("-0", "-0"),
            ("1e99999999999999999999", "\"1e+99999999999999999999\""),
        ] {
            let text = JsonText::of(&serde_json::from_str(written).unwrap());
            assert_eq!(text.searchable, searchable);
            assert!(text.exact.is_some());
        }
    }
}
