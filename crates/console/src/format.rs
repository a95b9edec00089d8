//! Amounts, moments and states for people.

use jiff::tz::TimeZone;
use payment_digit::embedded::indian_standard_time;
use payment_domain::{
    AccountState, CredentialState, Currency, Money, RefundReceipt, RefundStatus, StatusName, Timestamp,
    Transaction, Waiver,
};
use payment_service::figures::Days;
use payment_service::{RunState, UPSTREAM};

use crate::context::Context;
use crate::language::{Language, Texts, fill};

/// `₹1,23,45,678.00`; another currency by its code.
pub(crate) fn money(amount: Money) -> String {
    sum(amount.minor(), amount.currency())
}

/// The same of a sum in minor units, which may be negative, or larger than one amount.
pub(crate) fn sum(minor: i64, currency: Currency) -> String {
    let decimals = usize::from(currency.decimals());
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, decimals) = digits.split_at(digits.len() - decimals);
    let point = if decimals.is_empty() { "" } else { "." };
    let sign = if minor < 0 { "−" } else { "" };
    match currency == Currency::INR {
        true => format!("{sign}₹{}{point}{decimals}", grouped(whole, 2)),
        false => format!("{sign}{} {}{point}{decimals}", currency.code(), grouped(whole, 3)),
    }
}

/// `1,23,456`
pub(crate) fn count(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", grouped(&number.unsigned_abs().to_string(), 2))
}

/// `97.5 %`; nothing of nothing.
pub(crate) fn percent(part: i64, whole: i64) -> Option<String> {
    per_thousand(part, whole).map(|tenths| format!("{}.{} %", tenths / 10, tenths % 10))
}

pub(crate) fn per_thousand(part: i64, whole: i64) -> Option<i64> {
    (whole > 0).then(|| {
        let share = i128::from(part.clamp(0, whole)) * 1_000 / i128::from(whole);
        i64::try_from(share).unwrap_or(0)
    })
}

/// The last three digits are a group; those before it in groups of `width`.
fn grouped(digits: &str, width: usize) -> String {
    let mut out = Vec::new();
    for (nth, digit) in digits.chars().rev().enumerate() {
        if nth == 3 || (nth > 3 && (nth - 3).is_multiple_of(width)) {
            out.push(',');
        }
        out.push(digit);
    }
    out.into_iter().rev().collect()
}

/// Also of a row of an earlier service whose amount is unknown.
pub(crate) fn amount(txn: &Transaction) -> String {
    let unknown =
        txn.unknown.as_ref().is_some_and(|values| values.amount.is_some() || values.currency.is_some());
    match unknown {
        true => format!("{} {}", txn.currency_code(), txn.amount_text().unwrap_or_default()),
        false => money(txn.amount),
    }
}

/// `30-11-2026 16:05:09 IST`
pub(crate) fn moment(context: &Context, at: Timestamp) -> String {
    shown(&context.payments().ports.settings.time_zone, at)
}

fn shown(zone: &TimeZone, at: Timestamp) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return String::new() };
    // India's is a fixed offset, which has no name of its own.
    let form = match *zone == indian_standard_time() {
        true => "%d-%m-%Y %H:%M:%S IST",
        false => "%d-%m-%Y %H:%M:%S %Z",
    };
    instant.to_zoned(zone.clone()).strftime(form).to_string()
}

/// `16:05`, or `30-11 16:05`.
pub(crate) fn hour(context: &Context, at: Timestamp, with_day: bool) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return String::new() };
    let zoned = instant.to_zoned(context.payments().ports.settings.time_zone.clone());
    zoned.strftime(if with_day { "%d-%m %H:%M" } else { "%H:%M" }).to_string()
}

/// `20261130-160509`
pub(crate) fn file_stamp(context: &Context) -> String {
    let ports = &context.payments().ports;
    let Ok(now) = jiff::Timestamp::from_millisecond(ports.clock.now().as_millis()) else {
        return String::new();
    };
    now.to_zoned(ports.settings.time_zone.clone()).strftime("%Y%m%d-%H%M%S").to_string()
}

/// How long ago, in the largest unit.
pub(crate) fn age(context: &Context, at: Timestamp) -> String {
    let t = context.language.texts();
    let minutes = context.payments().ports.clock.now().since(at).as_secs() / 60;
    let (text, number) = match minutes {
        ..60 => (t.words.minutes_ago, minutes),
        60..2_880 => (t.words.hours_ago, minutes / 60),
        2_880.. => (t.words.days_ago, minutes / 1_440),
    };
    fill(text, [&number.to_string()])
}

/// The first millisecond of a day, `2026-11-30`, in a zone.
pub(crate) fn day(zone: &TimeZone, text: &str) -> Option<(Timestamp, Timestamp)> {
    Days::of(zone.clone()).span(text).map(|day| (day.from, day.to))
}

/// `30-11-2026` of `2026-11-30`.
pub(crate) fn day_shown(text: &str) -> String {
    let date: Result<jiff::civil::Date, _> = text.parse();
    date.map_or_else(|_| text.to_owned(), |date| date.strftime("%d-%m-%Y").to_string())
}

/// A state: by its sign and word, never by colour alone.
pub(crate) struct Tag {
    pub(crate) class: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) word: String,
}

fn tag(class: &'static str, sign: &'static str, word: impl Into<String>) -> Tag {
    Tag { class, sign, word: word.into() }
}

pub(crate) const GOOD: (&str, &str) = ("good", "✓");
pub(crate) const WAITS: (&str, &str) = ("waits", "…");
pub(crate) const BAD: (&str, &str) = ("bad", "✗");

pub(crate) fn status_word(t: &Texts, status: StatusName) -> &'static str {
    match status {
        StatusName::Pending => t.words.pending,
        StatusName::Success => t.words.paid,
        StatusName::Failure => t.words.failure,
    }
}

pub(crate) fn status_tag(language: Language, txn: &Transaction) -> Tag {
    let t = language.texts();
    if txn.unknown.as_ref().is_some_and(|unknown| unknown.status.is_some()) {
        return tag("waits", "?", txn.status_text().unwrap_or_default());
    }
    let (class, sign) = match txn.status.name() {
        StatusName::Pending => WAITS,
        StatusName::Success => GOOD,
        StatusName::Failure => BAD,
    };
    tag(class, sign, status_word(t, txn.status.name()))
}

pub(crate) fn refund_word(t: &Texts, status: RefundStatus) -> &'static str {
    match status {
        RefundStatus::Requested => t.refunds.refund_requested,
        RefundStatus::Approved => t.refunds.refund_approved,
        RefundStatus::Sent => t.refunds.refund_sent,
        RefundStatus::Succeeded => t.refunds.refund_succeeded,
        RefundStatus::Failed => t.refunds.refund_failed,
        RefundStatus::Rejected => t.refunds.refund_rejected,
        RefundStatus::Withdrawn => t.refunds.refund_withdrawn,
        RefundStatus::Expired => t.refunds.refund_expired,
    }
}

pub(crate) fn waiver_word(t: &Texts, waiver: Waiver) -> &'static str {
    match waiver {
        Waiver::SmallAmount => t.refunds.waiver_small,
        Waiver::TrustedRole => t.refunds.waiver_trusted,
    }
}

/// The receipt's part in a refund.
pub(crate) fn receipt_word(t: &Texts, receipt: RefundReceipt) -> &'static str {
    match receipt {
        RefundReceipt::None => t.refunds.receipt_none,
        RefundReceipt::Kept => t.refunds.receipt_kept,
        RefundReceipt::NotCancellable => t.refunds.receipt_not_cancellable,
        RefundReceipt::ToCancel => t.refunds.receipt_to_cancel,
        RefundReceipt::Cancelled => t.refunds.receipt_cancelled,
        RefundReceipt::NeedsAdjustment => t.refunds.receipt_adjust,
    }
}

/// A code of the form's list by its word; that of another client as it is.
pub(crate) fn reason_code<'a>(t: &'static Texts, code: &'a str) -> &'a str {
    if code == UPSTREAM {
        return t.refunds.reason_upstream;
    }
    reason_codes(t).into_iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word)
}

/// The codes that the form of a refund offers.
pub(crate) fn reason_codes(t: &'static Texts) -> [(&'static str, &'static str); 5] {
    [
        ("PAID_TWICE", t.refunds.reason_paid_twice),
        ("WRONG_AMOUNT", t.refunds.reason_wrong_amount),
        ("WRONG_BILL", t.refunds.reason_wrong_bill),
        ("SERVICE_NOT_GIVEN", t.refunds.reason_service),
        ("OTHER", t.refunds.reason_other),
    ]
}

pub(crate) fn refund_tag(language: Language, status: RefundStatus) -> Tag {
    let (class, sign) = match status {
        RefundStatus::Requested | RefundStatus::Approved | RefundStatus::Sent => WAITS,
        RefundStatus::Succeeded => GOOD,
        RefundStatus::Failed | RefundStatus::Rejected | RefundStatus::Withdrawn | RefundStatus::Expired => {
            BAD
        }
    };
    tag(class, sign, refund_word(language.texts(), status))
}

pub(crate) fn run_tag(language: Language, state: RunState) -> Tag {
    let t = language.texts();
    match state {
        RunState::Running => tag(WAITS.0, WAITS.1, t.operations.run_running),
        RunState::Finished => tag(GOOD.0, GOOD.1, t.operations.run_finished),
        RunState::Cancelled => tag(BAD.0, BAD.1, t.operations.run_cancelled),
        RunState::Failed => tag(BAD.0, BAD.1, t.operations.run_failed),
        RunState::TakenOver => tag(BAD.0, BAD.1, t.operations.run_taken_over),
    }
}

pub(crate) fn account_tag(language: Language, state: AccountState) -> Tag {
    let t = language.texts();
    match state {
        AccountState::Open => tag(GOOD.0, GOOD.1, t.cases.open),
        AccountState::Retired => tag(BAD.0, BAD.1, t.accounts.step_retired),
    }
}

pub(crate) fn credential_word(t: &Texts, state: CredentialState) -> &'static str {
    match state {
        CredentialState::Created => t.accounts.step_created,
        CredentialState::Entered => t.accounts.step_entered,
        CredentialState::Verified => t.accounts.step_verified,
        CredentialState::Active => t.accounts.step_active,
        CredentialState::Retired => t.accounts.step_retired,
        CredentialState::Wiped => t.accounts.step_wiped,
    }
}

pub(crate) fn credential_tag(language: Language, state: CredentialState) -> Tag {
    let (class, sign) = match state {
        CredentialState::Created | CredentialState::Entered | CredentialState::Verified => WAITS,
        CredentialState::Active => GOOD,
        CredentialState::Retired | CredentialState::Wiped => BAD,
    };
    tag(class, sign, credential_word(language.texts(), state))
}

/// Of a step that is done or not.
pub(crate) fn step_tag(language: Language, is_done: bool) -> Tag {
    let t = language.texts();
    let ((class, sign), word) =
        if is_done { (GOOD, t.accounts.step_done) } else { (WAITS, t.accounts.step_open) };
    tag(class, sign, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rupees_are_grouped_as_in_india() {
        for (minor, text) in [
            (0, "₹0.00"),
            (99_999, "₹999.99"),
            (100_000, "₹1,000.00"),
            (9_999_999, "₹99,999.99"),
            (10_000_000, "₹1,00,000.00"),
            (1_234_567_800, "₹1,23,45,678.00"),
            (999_999_999_999_999, "₹99,99,99,99,99,999.99"),
        ] {
            assert_eq!(money(Money::from_minor(minor, Currency::INR).unwrap()), text);
        }
        let dollars = Currency::from_code("USD").unwrap();
        assert_eq!(money(Money::from_minor(123_456_789, dollars).unwrap()), "USD 1,234,567.89");
        let yen = Currency::from_code("JPY").unwrap();
        assert_eq!(money(Money::from_minor(1_234, yen).unwrap()), "JPY 1,234");
        assert_eq!(sum(-12_345_678_900, Currency::INR), "−₹12,34,56,789.00");
        assert_eq!(sum(i64::MAX, yen), "JPY 9,223,372,036,854,775,807");
        assert_eq!((count(1_234_567), count(-1_000)), ("12,34,567".to_owned(), "−1,000".to_owned()));
        assert_eq!((percent(39, 40).as_deref(), percent(0, 0)), (Some("97.5 %"), None));
    }

    #[test]
    fn a_moment_names_its_zone_and_a_day_has_its_own_midnights() {
        let india = TimeZone::get("Asia/Kolkata").unwrap();
        let at = Timestamp::from_millis(1_795_343_400_000);
        let as_set = indian_standard_time();
        let nepal = TimeZone::get("Asia/Kathmandu").unwrap();
        for (zone, named) in [
            (&india, "22-11-2026 16:00:00 IST"),
            (&as_set, "22-11-2026 16:00:00 IST"),
            (&TimeZone::UTC, "22-11-2026 10:30:00 UTC"),
            (&nepal, "22-11-2026 16:15:00 +0545"),
        ] {
            assert_eq!(shown(zone, at), named);
        }
        let (from, to) = day(&india, "2026-11-22").unwrap();
        assert_eq!(shown(&india, from), "22-11-2026 00:00:00 IST");
        assert_eq!(to.since(from).as_secs(), 86_400);
        assert_eq!(day_shown("2026-11-22"), "22-11-2026");
        assert!(day(&india, "22-11-2026").is_none() && day(&india, "2026-02-30").is_none());
    }
}
