//! Faults of a provider, and the calls and orders they strike.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};
use sha2::{Digest, Sha256};

use super::provider::Provider;
use super::refunds::RefundTwist;

/// The longest delay, in milliseconds, and the longest wait of a payment, in seconds.
const MAX_MS: u64 = 600_000;
const MAX_SECONDS: u64 = 604_800;
const DEFAULT_MS: u64 = 2_000;
const DEFAULT_SECONDS: u64 = 20;

/// A fault of one server-to-server call. The work of the call is done: only the answer suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    Slow {
        /// By how much, in milliseconds.
        ms: u64,
    },
    /// HTTP status 500.
    ServerError,
    /// The connection is closed without an answer.
    Cut,
    /// No answer comes, until the caller gives up.
    Hang,
    /// HTTP status 200 with something that is no answer.
    Garbage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    /// Another amount than the requested one is taken and reported, once the payer pays.
    WrongAmount,
    /// The same digits in another currency are taken and reported, where the provider takes several
    /// ([`Protocol::has_currencies`](super::Protocol::has_currencies)).
    WrongCurrency,
    /// Everything the provider signs is signed wrongly.
    WrongSignature,
    /// Once the payer pays the payment is pending for this time, then paid.
    Pending {
        /// For how long, in seconds.
        seconds: u64,
    },
    /// Once the payer pays the payment is first declined, and paid after this time.
    PaidAfterDeclined {
        /// After how long, in seconds.
        seconds: u64,
    },
    /// The state is reported by a code that is in no documentation.
    UnknownCode,
    NotFound,
    /// Every webhook is sent twice, even when it was answered.
    DuplicateWebhooks,
    /// No webhook, and the browser stays: only a status call finds out.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Call(Strike),
    Order(Twist),
    Refund(RefundTwist),
}

impl Fault {
    /// The faults of calls and orders, with the default times.
    pub const ALL: [Fault; 14] = [
        Fault::Call(Strike::Slow { ms: DEFAULT_MS }),
        Fault::Call(Strike::ServerError),
        Fault::Call(Strike::Cut),
        Fault::Call(Strike::Hang),
        Fault::Call(Strike::Garbage),
        Fault::Order(Twist::WrongAmount),
        Fault::Order(Twist::WrongCurrency),
        Fault::Order(Twist::WrongSignature),
        Fault::Order(Twist::Pending { seconds: DEFAULT_SECONDS }),
        Fault::Order(Twist::PaidAfterDeclined { seconds: DEFAULT_SECONDS }),
        Fault::Order(Twist::UnknownCode),
        Fault::Order(Twist::NotFound),
        Fault::Order(Twist::DuplicateWebhooks),
        Fault::Order(Twist::Silent),
    ];

    /// Its word in requests.
    pub fn word(self) -> &'static str {
        match self {
            Fault::Call(Strike::Slow { .. }) => "slow",
            Fault::Call(Strike::ServerError) => "http-500",
            Fault::Call(Strike::Cut) => "cut",
            Fault::Call(Strike::Hang) => "hang",
            Fault::Call(Strike::Garbage) => "garbage",
            Fault::Order(Twist::WrongAmount) => "wrong-amount",
            Fault::Order(Twist::WrongCurrency) => "wrong-currency",
            Fault::Order(Twist::WrongSignature) => "wrong-signature",
            Fault::Order(Twist::Pending { .. }) => "pending",
            Fault::Order(Twist::PaidAfterDeclined { .. }) => "paid-after-declined",
            Fault::Order(Twist::UnknownCode) => "unknown-code",
            Fault::Order(Twist::NotFound) => "not-found",
            Fault::Order(Twist::DuplicateWebhooks) => "duplicate-webhooks",
            Fault::Order(Twist::Silent) => "silent",
            Fault::Refund(twist) => twist.word(),
        }
    }

    pub fn from_word(word: &str) -> Option<Fault> {
        let of_refunds = RefundTwist::ALL.into_iter().map(Fault::Refund);
        Fault::ALL.into_iter().chain(of_refunds).find(|fault| fault.word() == word)
    }

    fn as_members(self) -> Map<String, Value> {
        let mut members = Map::from_iter([("fault".to_owned(), json!(self.word()))]);
        match self {
            Fault::Call(Strike::Slow { ms }) => {
                members.insert("ms".to_owned(), json!(ms));
            }
            Fault::Order(Twist::Pending { seconds } | Twist::PaidAfterDeclined { seconds }) => {
                members.insert("seconds".to_owned(), json!(seconds));
            }
            Fault::Refund(twist) => {
                let seconds = twist.seconds().map(|seconds| ("seconds".to_owned(), json!(seconds)));
                members.extend(seconds);
            }
            Fault::Call(Strike::ServerError | Strike::Cut | Strike::Hang | Strike::Garbage)
            | Fault::Order(
                Twist::WrongAmount
                | Twist::WrongCurrency
                | Twist::WrongSignature
                | Twist::UnknownCode
                | Twist::NotFound
                | Twist::DuplicateWebhooks
                | Twist::Silent,
            ) => {}
        }
        members
    }
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_members().serialize(serializer)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    pub const ALWAYS: Rate = Rate(1_000_000);

    /// A share between `0` and `1` with at most six decimals, e.g. `0.01`.
    pub fn parse(text: &str) -> Option<Rate> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{decimals:0<6}");
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 1 || decimals.len() > 6 || !plain {
            return None;
        }
        digits.parse().ok().filter(|millionths| *millionths <= 1_000_000).map(Rate)
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A fault of some of a provider's calls or orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub fault: Fault,
    pub rate: Rate,
    /// The same seed picks the same ones of the same sequence.
    pub seed: u64,
}

impl Rule {
    pub fn always(fault: Fault) -> Rule {
        Rule { fault, rate: Rate::ALWAYS, seed: 0 }
    }

    /// Whether it applies to the provider's call or order of that number. Every number is drawn by itself,
    /// and every seed draws differently.
    pub(crate) fn strikes(&self, provider: Provider, number: u64) -> bool {
        let drawn = format!("{}|{}|{}|{number}", self.seed, provider.name(), self.fault.word());
        let digest = Sha256::digest(drawn);
        let lot = digest.iter().take(4).fold(0u32, |lot, byte| (lot << 8) | u32::from(*byte));
        // 2³² is no multiple of a million; the unevenness is below three in ten thousand.
        lot % 1_000_000 < self.rate.0
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = self.fault.as_members();
        members.insert("rate".to_owned(), json!(self.rate.to_string()));
        members.insert("seed".to_owned(), json!(self.seed));
        members.serialize(serializer)
    }
}

/// A request for a fault: `{"fault":"pending","seconds":20}`, for a whole provider also with `"rate"` and
/// `"seed"`. The word `none` removes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultRequest {
    fault: String,
    ms: Option<u64>,
    seconds: Option<u64>,
    rate: Option<RateText>,
    seed: Option<u64>,
}

/// A rate as a number or as text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RateText {
    Number(Number),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFault {
    #[error("there is no such fault")]
    Word,
    /// A time that does not belong to the fault, or is too long.
    #[error("ms belongs to slow (at most 600000), seconds to faults that end later (at most 604800)")]
    Time,
    #[error("rate must lie between 0 and 1, with at most six decimals")]
    Rate,
    #[error("rate and seed are for a whole provider")]
    RateOfOne,
}

impl FaultRequest {
    /// The fault for one order; `None` for no fault.
    pub(crate) fn for_order(&self) -> Result<Option<Fault>, BadFault> {
        if self.rate.is_some() || self.seed.is_some() {
            return Err(BadFault::RateOfOne);
        }
        self.fault()
    }

    /// The rule for a provider; `None` when there are to be none.
    pub(crate) fn for_provider(&self) -> Result<Option<Rule>, BadFault> {
        let rate = match &self.rate {
            None => Some(Rate::ALWAYS),
            Some(RateText::Number(number)) => Rate::parse(&number.to_string()),
            Some(RateText::Text(text)) => Rate::parse(text),
        };
        let rate = rate.ok_or(BadFault::Rate)?;
        Ok(self.fault()?.map(|fault| Rule { fault, rate, seed: self.seed.unwrap_or(0) }))
    }

    fn fault(&self) -> Result<Option<Fault>, BadFault> {
        let fault = match self.fault.as_str() {
            "none" => None,
            word => Some(Fault::from_word(word).ok_or(BadFault::Word)?),
        };
        let timed = match (fault, self.ms, self.seconds) {
            (Some(Fault::Call(Strike::Slow { .. })), Some(ms), None) if ms <= MAX_MS => {
                Some(Fault::Call(Strike::Slow { ms }))
            }
            (Some(Fault::Order(Twist::Pending { .. })), None, Some(seconds)) if seconds <= MAX_SECONDS => {
                Some(Fault::Order(Twist::Pending { seconds }))
            }
            (Some(Fault::Order(Twist::PaidAfterDeclined { .. })), None, Some(seconds))
                if seconds <= MAX_SECONDS =>
            {
                Some(Fault::Order(Twist::PaidAfterDeclined { seconds }))
            }
            (Some(Fault::Refund(twist)), None, Some(seconds)) if seconds <= MAX_SECONDS => {
                Some(Fault::Refund(twist.after(seconds).ok_or(BadFault::Time)?))
            }
            (untimed, None, None) => untimed,
            (Some(_) | None, _, _) => return Err(BadFault::Time),
        };
        Ok(timed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: Value) -> FaultRequest {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_fault_has_a_word_and_is_found_by_it() {
        let of_refunds = RefundTwist::ALL.into_iter().map(Fault::Refund);
        for fault in Fault::ALL.into_iter().chain(of_refunds) {
            assert_eq!(Fault::from_word(fault.word()), Some(fault));
            let asked = request(Value::Object(fault.as_members()));
            assert_eq!(asked.for_order(), Ok(Some(fault)), "{}", fault.word());
        }
        assert_eq!(request(json!({"fault": "none"})).for_order(), Ok(None));
        assert_eq!(request(json!({"fault": "none"})).for_provider(), Ok(None));
    }

    #[test]
    fn an_impossible_value_is_refused() {
        for (asked, why) in [
            (json!({"fault": "earthquake"}), BadFault::Word),
            (json!({"fault": "slow", "seconds": 1}), BadFault::Time),
            (json!({"fault": "slow", "ms": 600_001}), BadFault::Time),
            (json!({"fault": "hang", "ms": 1}), BadFault::Time),
            (json!({"fault": "none", "ms": 1}), BadFault::Time),
            (json!({"fault": "hang", "rate": 0.5}), BadFault::RateOfOne),
        ] {
            assert_eq!(request(asked.clone()).for_order(), Err(why), "{asked}");
        }
        for rate in [json!(-1), json!(1.5), json!(1e-9), json!("half"), json!("1.0000001"), json!("")] {
            let asked = request(json!({"fault": "hang", "rate": rate}));
            assert_eq!(asked.for_provider(), Err(BadFault::Rate), "{rate}");
        }
        assert!(serde_json::from_value::<FaultRequest>(json!({"fault": "hang", "rates": 1})).is_err());
    }

    #[test]
    fn rates_are_exact() {
        for (text, shown) in
            [("0", "0.000000"), ("1", "1.000000"), ("0.01", "0.010000"), ("0.000001", "0.000001")]
        {
            assert_eq!(Rate::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_rate_strikes_about_as_many_as_it_says_and_a_seed_always_the_same() {
        let rule = |rate: &str, seed| Rule {
            fault: Fault::Call(Strike::Hang),
            rate: Rate::parse(rate).unwrap(),
            seed,
        };
        let struck =
            |rule: Rule| (0..10_000).filter(|n| rule.strikes(Provider::Payu, *n)).collect::<Vec<u64>>();
        let some = struck(rule("0.1", 1));
        assert!((900..1_100).contains(&some.len()), "{}", some.len());
        assert_eq!(some, struck(rule("0.1", 1)));
        assert_ne!(some, struck(rule("0.1", 2)));
        assert_eq!(struck(rule("0", 1)).len(), 0);
        assert_eq!(struck(rule("1", 1)).len(), 10_000);
    }
}
