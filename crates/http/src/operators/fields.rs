//! Fields of operators' requests.

use std::fmt;
use std::ops::RangeInclusive;

use payment_domain::{RequestInfo, TxnId};

use crate::error::ApiError;
use crate::json::Scalar;
use crate::validation::{Field, TextRule, Violations};

/// The operator.
pub(super) const BY: TextRule = TextRule::line(1, 128);

/// Default number of rows.
pub(super) const USUAL_PAGE: u32 = 100;
pub(super) const LARGEST_PAGE: u32 = 500;

pub(crate) fn number<T>(
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

pub(super) fn limit(found: &mut Violations, field: Field, value: Option<Scalar<'_>>) -> u32 {
    number(found, field, value, 1..=LARGEST_PAGE, USUAL_PAGE)
}

pub(crate) fn txn_id(
    found: &mut Violations,
    field: Field,
    value: Option<Scalar<'_>>,
) -> Result<Option<TxnId>, ApiError> {
    let text = found.optional(field, value, TextRule::line(1, TxnId::MAX_CHARS));
    let widened = |_| ApiError::Internal("a rule admits what an id does not");
    text.map(TxnId::new).transpose().map_err(widened)
}

/// The operator: the one the body names, or else the user of the request.
pub(super) fn by(
    found: &mut Violations,
    field: Field,
    value: Option<Scalar<'_>>,
    info: &RequestInfo,
) -> Option<String> {
    let uuid = || info.user("uuid").map(Scalar);
    found.optional(field, value.or_else(uuid), BY).map(|by| by.into_owned())
}
