//! The sandbox gateway.

use std::time::Duration;

use payment_gateways::account::{Common, calls_at_once, calls_per_second, order_life};
use payment_settings::parser::{self, FLAG, TEXT, secs};
use payment_settings::{Optional, Reader, Setting, own, settings};
use secrecy::{ExposeSecret, SecretString};

use super::database;
use super::gateways::is_any_configured;
use super::kafka::has_brokers;
use super::services::{COLLECTIONS_HOST, digit_is_there};

settings! {
    pub(in crate::config) const SANDBOX;
    ACTIVE: Optional<bool> = own("sandbox.active", FLAG,
        "Whether the SANDBOX gateway is offered, with its pay page. No money moves in it.")
        .or_worked_out("`true` while nothing real is configured: no service of DIGIT, no database, no broker and no other gateway, not even one that is switched off. `true` is refused by a program built without the sandbox, such as the production image");
    BESIDE_DIGIT: Setting<bool> = own("sandbox.beside-digit", FLAG,
        "Whether the sandbox may be offered while receipts are issued by a collection service \
         (`egov.collectionservice.host`), which is refused otherwise. For trials: what is paid in the \
         sandbox carries `\"sandbox\": true` in the `additionalDetails` of its receipt.").or("false");
    SECRET: Optional<SecretString> = own("sandbox.secret", parser::SECRET,
        "The key with which the sandbox and its adapter sign what they tell each other.")
        .secret().or_worked_out("generated once and kept in the data folder");
    MERCHANT: Setting<String> = own("sandbox.merchant", TEXT,
        "The name by which the sandbox knows this service.").or("pg-service");
    URL: Optional<String> = own("sandbox.url", parser::URL,
        "Where a sandbox stands that is not the built-in one.")
        .or_worked_out("the built-in one, at `<server.public-url>/sandbox`");
    LATE_AFTER: Setting<Duration> = own("sandbox.late-secs", secs(0, 86_400),
        "How many seconds the built-in sandbox takes when the payer chooses a late answer.").or("20");
    ORDER_LIFE: Optional<Duration> = order_life("sandbox.order.life-mins");
    CALLS_AT_ONCE: Optional<usize> = calls_at_once("sandbox.reconciliation.calls-at-once");
    CALLS_PER_SECOND: Optional<u32> = calls_per_second("sandbox.reconciliation.calls-per-second");
}

/// The settings that every gateway has. Whether this one is active is worked out: [`is_active`].
pub(super) const COMMON: Common = Common {
    active: own("sandbox.active", FLAG, "").or("false"),
    order_life: ORDER_LIFE,
    calls_at_once: CALLS_AT_ONCE,
    calls_per_second: CALLS_PER_SECOND,
};

/// The sandbox gateway.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Whether it is offered.
    pub active: bool,
    /// The key it signs with; `None` for one that is generated.
    pub secret: Option<SecretString>,
    /// The name by which it knows this service.
    pub merchant: String,
    /// The address of one that is not the built-in one.
    pub url: Option<String>,
    /// How long the built-in one takes for a late answer.
    pub late_after: Duration,
}

/// The refusal of a program built without the sandbox.
pub(crate) const WITHOUT_SANDBOX: &str =
    "this program was built without the sandbox, the simulator and the demo";
/// How to get one with it.
pub(crate) const WITH_SANDBOX: &str = "for a trial build the image with `--target sandbox`, or the program with its default features: `cargo build --package pg-service`";

/// The shortest key, in bytes: that of the digest it signs with.
const SHORTEST_SECRET: usize = 32;

pub(super) fn sandbox(reader: &mut Reader<'_>) -> Sandbox {
    let (secret, url) = (reader.set(&SECRET), reader.set(&URL));
    if secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < SHORTEST_SECRET) {
        reader.problem(
            &SECRET,
            "is too short to sign with",
            format!("give at least {SHORTEST_SECRET} characters, or leave it out: one is generated"),
        );
    }
    if url.is_some() && secret.is_none() {
        let fix = "set the key that is set there";
        reader.problem(&SECRET, "must be set when the sandbox stands elsewhere", fix);
    }
    let active = is_active(reader);
    if active && !cfg!(feature = "sandbox") {
        reader.problem(&ACTIVE, WITHOUT_SANDBOX, format!("set sandbox.active=false; {WITH_SANDBOX}"));
    }
    if active && reader.is_set(&COLLECTIONS_HOST) && !reader.get(&BESIDE_DIGIT) {
        reader.problem(
            &ACTIVE,
            "the sandbox moves no money, and the collection service would issue receipts for what is paid in it",
            format!(
                "set sandbox.active=false; for a trial where receipts do not count, {}=true",
                BESIDE_DIGIT.key
            ),
        );
    }
    Sandbox { active, secret, merchant: reader.get(&MERCHANT), url, late_after: reader.get(&LATE_AFTER) }
}

/// Whether the sandbox is offered: when a setting says so, and by default where nothing real is configured.
/// Beside anything real it would settle bills without money.
pub(in crate::config) fn is_active(reader: &Reader<'_>) -> bool {
    if reader.is_set(&ACTIVE) {
        return reader.set(&ACTIVE).unwrap_or_default();
    }
    let is_real = !cfg!(feature = "sandbox")
        || digit_is_there(reader)
        || reader.is_set(&database::URL)
        || has_brokers(reader)
        || is_any_configured(reader);
    !is_real
}
