//! The rules of refunds.

use std::collections::BTreeMap;
use std::time::Duration;

use payment_domain::{Currency, Money};
use payment_service::{CancelReceipt, RefundSettings};
use payment_settings::parser::{Parser, TEXT, days, millis, one_of, secs, text};
use payment_settings::{Optional, Reader, Setting, own, settings};

use crate::config::parsers::DISTANCES;

/// An amount in rupees.
const RUPEES: Parser<Money> = text(
    |text| Money::parse(text, Currency::INR).map_err(|error| error.to_string()),
    "an amount in rupees, such as `5000` or `99.50`",
);

settings! {
    /// Giving money back.
    pub(in crate::config) const REFUNDS;
    APPROVAL_ABOVE: Setting<Money> = own("refund.approval-above", RUPEES,
        "Refunds up to this amount need no second person. 0: every refund needs two people. Amounts in other \
         currencies always do.").or("0");
    SECOND_CHECKER_ABOVE: Optional<Money> = own("refund.second-checker-above", RUPEES,
        "Refunds above this amount, and all in other currencies, need a second checker.");
    TRUSTED_ROLE: Optional<String> = own("refund.trusted-role", TEXT,
        "The DIGIT role whose holder's request needs no second person, because the caller's own workflow has \
         approved it. Without it there is none.");
    WINDOW: Setting<Duration> = own("refund.window-days", days(0, 3_650),
        "For how many days after a payment its refund is requested; 0 for ever. The gateway may take less.")
        .or("180");
    LIMIT: Optional<Money> = own("refund.limit", RUPEES,
        "The largest refund. A tenant without an entry of its own has that of the tenant above it.")
        .per_tenant();
    DECIDED_WITHIN: Setting<Duration> = own("refund.decided-within-days", days(1, 365),
        "After how many days without a decision a request expires.").or("30");
    LIFE: Setting<Duration> = own("refund.life-days", days(1, 365),
        "For how many days the gateway is asked about a refund before it becomes a review case; after that it \
         is still asked.").or("10");
    QUIET_TIME: Setting<Duration> = own("refund.quiet-secs", secs(1, 86_400),
        "For how many seconds after a call \"no such refund\" is no answer yet. After that the call is repeated \
         with the same id, where the gateway takes none twice. Gateways' records lag: less risks nothing at a \
         gateway that keeps the rule, and proves nothing.").or("900");
    CANCEL_RECEIPT: Setting<CancelReceipt> = own("refund.cancel-receipt",
        one_of(&[("on-success", CancelReceipt::OnSuccess), ("on-approval", CancelReceipt::OnApproval),
            ("never", CancelReceipt::Never)]),
        "When the receipt of a payment that is given back whole is cancelled: when the money has gone back, \
         when the refund is approved, or never. Its bills can be paid again once the money has gone back and \
         the receipt is cancelled.").or("on-success");
    FOLLOW_UPS: Setting<Vec<Duration>> = own("refund.follow-ups", DISTANCES,
        "When the gateway is asked again about a refund that is under way: so long after the question before; \
         the last one repeats.").or("10s,1m,5m,15m,1h,6h");
    INTERVAL: Setting<Duration> = own("refund.interval-ms", millis(100, 3_600_000),
        "How often refunds that are due are taken up, in milliseconds.").or("5000");
    UPYOG_ACCEPTED_CODE: Setting<String> = own("refund.upyog.accepted-code", TEXT,
        "The `gatewayStatusCode` by which UPYOG's refund-services knows that its request for a refund was \
         accepted.").or("OTS0000");
}

pub(super) fn upyog_accepted_code(reader: &Reader<'_>) -> String {
    reader.get(&UPYOG_ACCEPTED_CODE)
}

pub(super) fn refunds(reader: &mut Reader<'_>) -> RefundSettings {
    let window = reader.get(&WINDOW);
    let limits: BTreeMap<String, Money> =
        reader.per_tenant(&LIMIT).into_iter().map(|(tenant, limit)| (tenant.to_owned(), limit)).collect();
    let settings = RefundSettings {
        approval_above: reader.get(&APPROVAL_ABOVE),
        second_checker_above: reader.set(&SECOND_CHECKER_ABOVE),
        trusted_role: reader.set(&TRUSTED_ROLE),
        window: (!window.is_zero()).then_some(window),
        limits,
        decided_within: reader.get(&DECIDED_WITHIN),
        life: reader.get(&LIFE),
        quiet_time: reader.get(&QUIET_TIME),
        cancel_receipt: reader.get(&CANCEL_RECEIPT),
        distances: reader.get(&FOLLOW_UPS),
    };
    if !settings.approval_above.is_zero() {
        let text =
            format!("is {}: refunds up to that need no second person", settings.approval_above.with_code());
        reader.doubt(&APPROVAL_ABOVE, text);
    }
    if let Some(role) = &settings.trusted_role {
        reader.doubt(&TRUSTED_ROLE, format!("is {role}: refunds of its holders need no second person"));
    }
    settings
}
