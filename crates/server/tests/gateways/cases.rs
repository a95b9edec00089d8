//! Cases of a payment, and their expected outcomes.

use payment_domain::AttentionKind;
use payment_simulator::providers::{Choice, Fault, Strike, Twist};

/// How a fault comes to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relief {
    /// It does not, or there is none.
    None,
    /// The provider is well again.
    Ends,
    /// A delayed decision comes.
    Elapses,
    /// Both.
    EndsAndElapses,
}

/// One payment.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) fault: Option<Fault>,
    pub(crate) choice: Choice,
    /// Whether the provider sends the browser back.
    pub(crate) comes_back: bool,
    /// The possible answers to the returning browser.
    pub(crate) returned: &'static [u16],
    /// Where the transaction may stand while the fault lasts.
    pub(crate) meanwhile: &'static [&'static str],
    pub(crate) relief: Relief,
    /// Its final status.
    pub(crate) finally: &'static str,
    pub(crate) attention: Option<AttentionKind>,
}

impl Case {
    /// This payment, and two with the same fault: one that is declined, and one whose payer leaves.
    pub(crate) fn with_other_choices(&self) -> [Case; 3] {
        let declined = match self.fault {
            Some(Fault::Call(Strike::ServerError | Strike::Cut | Strike::Garbage | Strike::Hang))
            | Some(Fault::Order(Twist::UnknownCode | Twist::NotFound)) => &["PENDING"][..],
            Some(Fault::Order(Twist::WrongSignature)) => &["PENDING", "FAILURE"],
            Some(_) | None => &["FAILURE"],
        };
        // An unpaid order has no delayed decision.
        let relief = if self.relief == Relief::Elapses { Relief::None } else { self.relief };
        let other = Case { relief, attention: None, ..*self };
        [
            *self,
            Case { choice: Choice::Decline, meanwhile: declined, finally: "FAILURE", ..other },
            Case {
                choice: Choice::Leave,
                comes_back: false,
                meanwhile: &["PENDING"],
                finally: "PENDING",
                ..other
            },
        ]
    }

    /// The same where a declined payment may be tried once more while its page lasts.
    pub(crate) fn with_retries(self) -> Case {
        match (self.fault, self.choice) {
            (_, Choice::Decline) => {
                let relief = match self.relief {
                    Relief::None | Relief::Elapses => Relief::Elapses,
                    Relief::Ends | Relief::EndsAndElapses => Relief::EndsAndElapses,
                };
                Case { meanwhile: &["PENDING"], relief, ..self }
            }
            (Some(Fault::Order(Twist::PaidAfterDeclined { .. })), Choice::Pay) => {
                Case { meanwhile: &["PENDING"], finally: "SUCCESS", attention: None, ..self }
            }
            (_, _) => self,
        }
    }
}

const PAID: Case = Case {
    name: "paid",
    fault: None,
    choice: Choice::Pay,
    comes_back: true,
    returned: &[303],
    meanwhile: &["SUCCESS"],
    relief: Relief::None,
    finally: "SUCCESS",
    attention: None,
};

/// Paid, while the provider's server gives no usable answer.
const fn unheard(name: &'static str, strike: Strike) -> Case {
    Case { name, fault: Some(Fault::Call(strike)), meanwhile: &["PENDING"], relief: Relief::Ends, ..PAID }
}

/// Later than any test runs: it comes when it is called.
const LATER: u64 = 3_600;

/// Each is played with a payer who pays, one who declines and one who leaves.
pub(crate) const CASES: &[Case] = &[
    PAID,
    Case { name: "slow", fault: Some(Fault::Call(Strike::Slow { ms: 200 })), ..PAID },
    unheard("server error", Strike::ServerError),
    unheard("cut", Strike::Cut),
    unheard("garbage", Strike::Garbage),
    unheard("hang", Strike::Hang),
    Case {
        name: "wrong amount",
        fault: Some(Fault::Order(Twist::WrongAmount)),
        // A signed notification of another amount is refused; the status request finds it.
        returned: &[303, 400],
        meanwhile: &["FAILURE"],
        finally: "FAILURE",
        attention: Some(AttentionKind::AmountMismatch),
        ..PAID
    },
    Case {
        name: "wrong currency",
        fault: Some(Fault::Order(Twist::WrongCurrency)),
        returned: &[303, 400],
        meanwhile: &["FAILURE"],
        finally: "FAILURE",
        attention: Some(AttentionKind::AmountMismatch),
        ..PAID
    },
    Case {
        name: "wrong signature",
        fault: Some(Fault::Order(Twist::WrongSignature)),
        returned: &[303, 400],
        // Some providers do not sign answers to status requests.
        meanwhile: &["PENDING", "SUCCESS"],
        relief: Relief::Ends,
        ..PAID
    },
    Case {
        name: "pending",
        fault: Some(Fault::Order(Twist::Pending { seconds: LATER })),
        meanwhile: &["PENDING"],
        relief: Relief::Elapses,
        ..PAID
    },
    Case {
        name: "paid after declined",
        fault: Some(Fault::Order(Twist::PaidAfterDeclined { seconds: LATER })),
        meanwhile: &["FAILURE"],
        relief: Relief::Elapses,
        finally: "FAILURE",
        attention: Some(AttentionKind::LateSuccess),
        ..PAID
    },
    Case {
        name: "unknown code",
        fault: Some(Fault::Order(Twist::UnknownCode)),
        meanwhile: &["PENDING"],
        relief: Relief::Ends,
        ..PAID
    },
    Case {
        name: "not found",
        fault: Some(Fault::Order(Twist::NotFound)),
        meanwhile: &["PENDING"],
        relief: Relief::Ends,
        ..PAID
    },
    Case { name: "duplicate webhooks", fault: Some(Fault::Order(Twist::DuplicateWebhooks)), ..PAID },
    Case { name: "silent", fault: Some(Fault::Order(Twist::Silent)), comes_back: false, ..PAID },
];
