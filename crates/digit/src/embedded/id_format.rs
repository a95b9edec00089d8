//! The format of transaction ids, in the notation of DIGIT's id generator:
//! `PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]`.

use std::fmt::Write as _;
use std::str::FromStr;

use jiff::civil::DateTime;
use payment_domain::{TenantId, TxnId};

use super::calendar::financial_year_start;

/// Sequence numbers are padded with zeros to this many digits; larger ones take the room they need.
const SEQUENCE_DIGITS: usize = 6;
const MAX_SEQUENCE_NAME: usize = 63;
/// The most random digits of one placeholder: the capacity of a u64.
const MAX_RANDOM_DIGITS: u8 = 18;

/// The reason a text is not a format of transaction ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdFormat {
    #[error(
        "unknown placeholder [{0}]; allowed are [cy:…] with yyyy yy MM dd HH mm ss, [fy:yyyy-yy], [SEQ_NAME], \
         [d{{n}}] with n from 1 to 18, [city] and [tenantid]"
    )]
    UnknownPlaceholder(String),
    /// A date pattern with letters that mean nothing.
    #[error("unknown letters {letters:?} in [{placeholder}]; allowed are {allowed}")]
    UnknownPattern {
        placeholder: String,
        /// The letters in it that are not known.
        letters: String,
        allowed: &'static str,
    },
    /// A `[` without its `]`.
    #[error("the placeholder that begins at {0:?} is never closed with ]")]
    Unclosed(String),
    /// Nothing in it counts, so that ids would repeat.
    #[error("the format needs a sequence such as [SEQ_EG_PG_TXN], or ids would repeat")]
    NoSequence,
    /// Ids of this format could have more characters than an id may have.
    #[error("ids of this format could have {0} characters; at most 128 are allowed")]
    TooLong(usize),
    /// A control character among the literal text.
    #[error("the format must not contain control characters")]
    ControlCharacter,
}

/// One element of a date: a field, for a run of equal letters, or literal text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DatePart {
    Year4,
    Year2,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Text(char),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Date(Vec<DatePart>),
    /// The first year in the pattern is the one the financial year begins in, the second the next.
    FinancialYear(Vec<DatePart>),
    /// The place of the sequence's name in [`IdFormat::sequences`].
    Sequence(usize),
    RandomDigits(u8),
    City,
    Tenant,
}

/// A parsed format of transaction ids. It renders valid [`TxnId`]s only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdFormat {
    parts: Vec<Part>,
    sequences: Vec<String>,
}

pub(super) struct Ingredients<'a> {
    pub(super) now: DateTime,
    pub(super) tenant: &'a TenantId,
    /// A number for each of [`IdFormat::sequences`].
    pub(super) numbers: &'a [u64],
    pub(super) random: &'a mut dyn FnMut() -> u64,
}

/// The original's, with a longer random part: no id follows from another. With up to eight digits of the
/// sequence they are short enough for the orders of every gateway.
impl Default for IdFormat {
    fn default() -> IdFormat {
        let separator = || DatePart::Text('_');
        let date = vec![DatePart::Year4, separator(), DatePart::Month, separator(), DatePart::Day];
        let text = |text: &str| Part::Text(text.to_owned());
        IdFormat {
            parts: vec![
                text("PB_PG_"),
                Part::Date(date),
                text("_"),
                Part::Sequence(0),
                text("_"),
                Part::RandomDigits(9),
            ],
            sequences: vec!["SEQ_EG_PG_TXN".to_owned()],
        }
    }
}

impl IdFormat {
    /// The number of random digits of an id.
    pub fn random_digits(&self) -> u32 {
        let digits = |part: &Part| match part {
            Part::RandomDigits(count) => u32::from(*count),
            Part::Text(_)
            | Part::Date(_)
            | Part::FinancialYear(_)
            | Part::Sequence(_)
            | Part::City
            | Part::Tenant => 0,
        };
        self.parts.iter().map(digits).sum()
    }

    /// The names of the sequences that the format counts with, each once.
    pub fn sequences(&self) -> &[String] {
        &self.sequences
    }

    /// The id made from `from`; `None` only if it were not a valid id, which parsing rules out.
    pub(super) fn render(&self, from: &mut Ingredients<'_>) -> Option<TxnId> {
        let mut id = String::with_capacity(64);
        for part in &self.parts {
            match part {
                Part::Text(text) => id.push_str(text),
                Part::Date(pattern) => push_date(&mut id, pattern, from.now),
                Part::FinancialYear(pattern) => push_financial_year(&mut id, pattern, from.now),
                Part::Sequence(at) => {
                    let number = from.numbers.get(*at)?;
                    let _ = write!(id, "{number:0SEQUENCE_DIGITS$}");
                }
                Part::RandomDigits(count) => {
                    let number = (from.random)() % 10_u64.pow(u32::from(*count));
                    let _ = write!(id, "{number:0width$}", width = usize::from(*count));
                }
                Part::City => {
                    push_tenant(&mut id, from.tenant.as_str().rsplit('.').next().unwrap_or_default())
                }
                Part::Tenant => push_tenant(&mut id, from.tenant.as_str()),
            }
        }
        TxnId::new(id).ok()
    }

    /// The number of characters of the longest id this can render.
    fn longest(&self) -> usize {
        let date = |pattern: &[DatePart]| {
            pattern
                .iter()
                .map(|part| match part {
                    DatePart::Year4 => 4,
                    DatePart::Text(_) => 1,
                    DatePart::Year2
                    | DatePart::Month
                    | DatePart::Day
                    | DatePart::Hour
                    | DatePart::Minute
                    | DatePart::Second => 2,
                })
                .sum::<usize>()
        };
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.chars().count(),
                Part::Date(pattern) | Part::FinancialYear(pattern) => date(pattern),
                Part::Sequence(_) => u64::MAX.to_string().len(),
                Part::RandomDigits(count) => usize::from(*count),
                Part::City | Part::Tenant => TenantId::MAX_CHARS,
            })
            .sum()
    }

    fn placeholder(&mut self, inside: &str) -> Result<Part, InvalidIdFormat> {
        let unknown = || InvalidIdFormat::UnknownPlaceholder(inside.to_owned());
        if let Some(pattern) = inside.strip_prefix("cy:") {
            return Ok(Part::Date(date_pattern(inside, pattern)?));
        }
        if let Some(pattern) = inside.strip_prefix("fy:") {
            return Ok(Part::FinancialYear(financial_year_pattern(inside, pattern)?));
        }
        if let Some(count) = inside.strip_prefix("d{").and_then(|rest| rest.strip_suffix('}')) {
            let count = count.parse().map_err(|_| unknown())?;
            return if (1..=MAX_RANDOM_DIGITS).contains(&count) {
                Ok(Part::RandomDigits(count))
            } else {
                Err(unknown())
            };
        }
        if inside.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SEQ_")) {
            let printable = inside.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !printable || inside.len() == 4 || inside.len() > MAX_SEQUENCE_NAME {
                return Err(unknown());
            }
            let known = self.sequences.iter().position(|name| name == inside);
            return Ok(Part::Sequence(known.unwrap_or_else(|| {
                self.sequences.push(inside.to_owned());
                self.sequences.len() - 1
            })));
        }
        match inside {
            "city" => Ok(Part::City),
            "tenantid" => Ok(Part::Tenant),
            _ => Err(unknown()),
        }
    }
}

impl FromStr for IdFormat {
    type Err = InvalidIdFormat;

    fn from_str(text: &str) -> Result<IdFormat, InvalidIdFormat> {
        if text.chars().any(char::is_control) {
            return Err(InvalidIdFormat::ControlCharacter);
        }
        let mut format = IdFormat { parts: Vec::new(), sequences: Vec::new() };
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('[') {
            let Some((inside, after)) = behind.split_once(']') else {
                return Err(InvalidIdFormat::Unclosed(format!("[{behind}")));
            };
            if !literal.is_empty() {
                format.parts.push(Part::Text(literal.to_owned()));
            }
            let part = format.placeholder(inside)?;
            format.parts.push(part);
            rest = after;
        }
        if !rest.is_empty() {
            format.parts.push(Part::Text(rest.to_owned()));
        }
        if format.sequences.is_empty() {
            return Err(InvalidIdFormat::NoSequence);
        }
        match format.longest() {
            length if length > TxnId::MAX_CHARS => Err(InvalidIdFormat::TooLong(length)),
            _ => Ok(format),
        }
    }
}

/// Cuts a pattern into runs of equal letters and single other characters.
fn runs(pattern: &str) -> impl Iterator<Item = &str> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = if first.is_alphabetic() {
            rest.find(|c| c != first).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (run, behind) = rest.split_at(length);
        rest = behind;
        Some(run)
    })
}

fn date_pattern(placeholder: &str, pattern: &str) -> Result<Vec<DatePart>, InvalidIdFormat> {
    runs(pattern)
        .map(|run| match (run, run.chars().next()) {
            ("yyyy", _) => Ok(DatePart::Year4),
            ("yy", _) => Ok(DatePart::Year2),
            ("MM", _) => Ok(DatePart::Month),
            ("dd", _) => Ok(DatePart::Day),
            ("HH", _) => Ok(DatePart::Hour),
            ("mm", _) => Ok(DatePart::Minute),
            ("ss", _) => Ok(DatePart::Second),
            (_, Some(other)) if !other.is_alphabetic() => Ok(DatePart::Text(other)),
            (letters, _) => Err(InvalidIdFormat::UnknownPattern {
                placeholder: placeholder.to_owned(),
                letters: letters.to_owned(),
                allowed: "yyyy, yy, MM, dd, HH, mm and ss",
            }),
        })
        .collect()
}

fn financial_year_pattern(placeholder: &str, pattern: &str) -> Result<Vec<DatePart>, InvalidIdFormat> {
    let parts = date_pattern(placeholder, pattern);
    let years = |parts: &[DatePart]| {
        parts.iter().filter(|part| matches!(part, DatePart::Year4 | DatePart::Year2)).count()
    };
    let only_years = |parts: &[DatePart]| {
        parts.iter().all(|part| matches!(part, DatePart::Year4 | DatePart::Year2 | DatePart::Text(_)))
    };
    match parts {
        Ok(parts) if only_years(&parts) && (1..=2).contains(&years(&parts)) => Ok(parts),
        Ok(_) | Err(_) => Err(InvalidIdFormat::UnknownPattern {
            placeholder: placeholder.to_owned(),
            letters: pattern.to_owned(),
            allowed: "one or two years written yyyy or yy",
        }),
    }
}

fn push_date(id: &mut String, pattern: &[DatePart], now: DateTime) {
    for part in pattern {
        // Writing into a String cannot fail.
        let _ = match part {
            DatePart::Year4 => write!(id, "{:04}", now.year()),
            DatePart::Year2 => write!(id, "{:02}", now.year().rem_euclid(100)),
            DatePart::Month => write!(id, "{:02}", now.month()),
            DatePart::Day => write!(id, "{:02}", now.day()),
            DatePart::Hour => write!(id, "{:02}", now.hour()),
            DatePart::Minute => write!(id, "{:02}", now.minute()),
            DatePart::Second => write!(id, "{:02}", now.second()),
            DatePart::Text(text) => write!(id, "{text}"),
        };
    }
}

fn push_financial_year(id: &mut String, pattern: &[DatePart], now: DateTime) {
    let mut year = financial_year_start(now);
    for part in pattern {
        let _ = match part {
            DatePart::Year4 => write!(id, "{year:04}"),
            DatePart::Year2 => write!(id, "{:02}", year.rem_euclid(100)),
            DatePart::Text(text) => write!(id, "{text}"),
            // Parsing lets none of these through.
            DatePart::Month | DatePart::Day | DatePart::Hour | DatePart::Minute | DatePart::Second => Ok(()),
        };
        if matches!(part, DatePart::Year4 | DatePart::Year2) {
            year = year.saturating_add(1);
        }
    }
}

/// A tenant as part of an id: `pb.amritsar` → `PB_AMRITSAR`, one character for each.
fn push_tenant(id: &mut String, tenant: &str) {
    id.extend(tenant.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn render(format: &str, numbers: &[u64]) -> String {
        let format: IdFormat = format.parse().unwrap();
        let mut ingredients = Ingredients {
            now: "2027-02-03T04:05:06".parse().unwrap(),
            tenant: &TenantId::new("pb.amritsar").unwrap(),
            numbers,
            random: &mut || 987_654_321_007,
        };
        format.render(&mut ingredients).unwrap().as_str().to_owned()
    }

    fn refusal(format: &str) -> InvalidIdFormat {
        format.parse::<IdFormat>().unwrap_err()
    }

    #[test]
    fn digits_default_format_renders_as_documented() {
        assert_eq!(
            render("PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]", &[72]),
            "PB_PG_2027_02_03_000072_07"
        );
    }

    #[test]
    fn ids_of_our_own_cannot_be_counted_through() {
        let default = IdFormat::default();
        assert_eq!("PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{9}]".parse(), Ok(default.clone()));
        assert_eq!(default.random_digits(), 9);
        assert_eq!("[d{4}]-[SEQ_A]-[city]-[d{5}]".parse::<IdFormat>().unwrap().random_digits(), 9);
    }

    #[test]
    fn every_placeholder_has_its_meaning() {
        for (format, id) in [
            ("[SEQ_A]", "000007"),
            ("[cy:yy/MM/dd HH:mm:ss]-[SEQ_A]", "27/02/03 04:05:06-000007"),
            ("[fy:yyyy-yy]/[SEQ_A]", "2026-27/000007"),
            ("[fy:yyyy]/[SEQ_A]", "2026/000007"),
            ("[fy:yy-yyyy]/[SEQ_A]", "26-2027/000007"),
            ("[city]-[tenantid]-[seq_a]", "AMRITSAR-PB_AMRITSAR-000007"),
            ("[d{1}][d{12}][SEQ_A]", "7987654321007000007"),
            ("[SEQ_A]-[SEQ_A]]", "000007-000007]"),
        ] {
            assert_eq!(render(format, &[7]), id, "{format}");
        }
        assert_eq!(render("[SEQ_A]-[SEQ_B]", &[1, 22]), "000001-000022");
    }

    #[test]
    fn a_large_number_grows_beyond_its_padding() {
        assert_eq!(render("[SEQ_A]", &[u64::MAX]), "18446744073709551615");
    }

    #[test]
    fn an_unknown_placeholder_is_named_with_what_is_allowed() {
        for inside in ["cy", "d{0}", "d{19}", "d{x}", "d{}", "SEQ_", "SEQ_A B", "", "CITY", "yyyy"] {
            let error = refusal(&format!("X[{inside}]-[SEQ_A]"));
            assert_eq!(error, InvalidIdFormat::UnknownPlaceholder(inside.to_owned()));
            assert!(error.to_string().contains("[SEQ_NAME]"), "{error}");
        }
        assert_eq!(
            refusal("[cy:YYYY_MM]_[SEQ_A]").to_string(),
            r#"unknown letters "YYYY" in [cy:YYYY_MM]; allowed are yyyy, yy, MM, dd, HH, mm and ss"#
        );
        assert!(matches!(refusal("[fy:MM]_[SEQ_A]"), InvalidIdFormat::UnknownPattern { .. }));
        assert!(matches!(refusal("[fy:yy-yy-yy]_[SEQ_A]"), InvalidIdFormat::UnknownPattern { .. }));
    }

    #[test]
    fn a_format_that_cannot_keep_its_promise_is_refused() {
        assert_eq!(refusal("PB_[cy:yyyy]_[d{18}]"), InvalidIdFormat::NoSequence);
        assert_eq!(refusal(""), InvalidIdFormat::NoSequence);
        assert_eq!(refusal("PB_[SEQ_A"), InvalidIdFormat::Unclosed("[SEQ_A".to_owned()));
        assert_eq!(refusal("a\n[SEQ_A]"), InvalidIdFormat::ControlCharacter);
        assert_eq!(refusal(&format!("{}[SEQ_A]", "x".repeat(109))), InvalidIdFormat::TooLong(129));
    }

    proptest! {
        #[test]
        fn any_accepted_format_renders_a_valid_id(
            format in r"(\[cy:[yMdHms_:-]{0,8}\]|\[fy:yyyy-yy\]|\[d\{[0-9]{1,2}\}\]|\[city\]|\[tenantid\]|\[SEQ_[A-Z]{0,5}\]|\PC{0,6}){0,8}",
            tenant in "\\PC{1,50}", number: u64, random: u64,
        ) {
            if let Ok(format) = format.parse::<IdFormat>() {
                let numbers = vec![number; format.sequences().len()];
                let id = format.render(&mut Ingredients {
                    now: "2026-11-22T10:20:30".parse().unwrap(),
                    tenant: &TenantId::new(tenant).unwrap(),
                    numbers: &numbers,
                    random: &mut || random,
                });
                prop_assert!(id.is_some());
            }
        }
    }
}
