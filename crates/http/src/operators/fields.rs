//! Reading the fields of operators' requests.

use std::fmt;
use std::ops::RangeInclusive;

use payment_domain::{RequestInfo, TxnId};

use crate::error::ApiError;
use crate::json::Scalar;
use crate::validation::{TextRule, Violations};

/// Who acts.
pub(super) const BY: TextRule = TextRule::line(1, 128);

/// The name of a field in what is told to be wrong: `attention.limit`.
#[derive(Clone, Copy)]
pub(super) struct Field(pub(super) &'static str, pub(super) &'static str);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Which cases or runs are answered, when nothing is said.
pub(super) const USUAL_PAGE: u32 = 100;
/// The most rows one answer holds.
pub(super) const LARGEST_PAGE: u32 = 500;

/// A whole number within a range; the default where there is none.
pub(super) fn number<T>(
    found: &mut Violations,
    field: Field,
    value: Option<Scalar<'_>>,
    range: RangeInclusive<T>,
    default: T,
) -> T
where
    T: std::str::FromStr + PartialOrd + fmt::Display,
{
    let Some(Scalar(text)) = value else { return default };
    match text.trim().parse() {
        Ok(number) if range.contains(&number) => number,
        Ok(_) | Err(_) => {
            let message = format!("must be a number between {} and {}", range.start(), range.end());
            found.add("Range", field, message);
            default
        }
    }
}

/// How many rows are wanted.
pub(super) fn limit(found: &mut Violations, field: Field, value: Option<Scalar<'_>>) -> u32 {
    number(found, field, value, 1..=LARGEST_PAGE, USUAL_PAGE)
}

/// A transaction.
pub(super) fn txn_id(
    found: &mut Violations,
    field: Field,
    value: Option<Scalar<'_>>,
) -> Result<Option<TxnId>, ApiError> {
    let text = found.optional(field, value, TextRule::line(1, TxnId::MAX_CHARS));
    let widened = |_| ApiError::Internal("a rule admits what an id does not");
    text.map(TxnId::new).transpose().map_err(widened)
}

/// Who acts: who the body says, or else the user of the request.
pub(super) fn by(
    found: &mut Violations,
    field: Field,
    value: Option<Scalar<'_>>,
    info: &RequestInfo,
) -> Option<String> {
    let uuid = || info.user("uuid").map(Scalar);
    found.optional(field, value.or_else(uuid), BY).map(|by| by.into_owned())
}
