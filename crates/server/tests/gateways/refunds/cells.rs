//! The faults of a refund, and their outcomes.

use std::time::Duration;

use payment_simulator::providers::{Fault, RefundTwist, Strike, Twist};

use crate::support::account::Account;

/// Later than any test runs: it comes when it is called.
const LATER: u64 = 3_600;

/// The end of a refund at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Refused,
    /// Its only request never arrived.
    Lost,
}

/// One refund.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    /// A fault of the payment's calls and statements, from the approval on.
    pub(super) on_payment: Option<Fault>,
    /// A fault of the refund's.
    pub(super) on_refund: Option<Fault>,
}

const STRIKES: [Strike; 5] =
    [Strike::Hang, Strike::Slow { ms: 200 }, Strike::ServerError, Strike::Cut, Strike::Garbage];

/// The end of a refund (done, refused, or decided later) while no answer about it is usable.
const ENDS: [Option<RefundTwist>; 3] =
    [None, Some(RefundTwist::Refused), Some(RefundTwist::Pending { seconds: LATER })];

/// The cells of a gateway, the slow ones first.
pub(super) fn cells(account: Account) -> impl Iterator<Item = Cell> {
    let unheard = STRIKES.into_iter().flat_map(|strike| {
        ENDS.map(|end| Cell { on_payment: end.map(Fault::Refund), on_refund: Some(Fault::Call(strike)) })
    });
    let of_refund = RefundTwist::ALL.into_iter().map(|twist| {
        let later = match twist {
            RefundTwist::Pending { .. } => RefundTwist::Pending { seconds: LATER },
            RefundTwist::RefusedLater { .. } => RefundTwist::RefusedLater { seconds: LATER },
            RefundTwist::Returned { .. } => RefundTwist::Returned { seconds: LATER },
            RefundTwist::Refused
            | RefundTwist::NoBalance
            | RefundTwist::AnswerLost
            | RefundTwist::RequestLost
            | RefundTwist::WrongAmount
            | RefundTwist::WrongSignature
            | RefundTwist::UnknownCode
            | RefundTwist::NotFound
            | RefundTwist::Silent => twist,
        };
        Cell { on_payment: None, on_refund: Some(Fault::Refund(later)) }
    });
    let of_payment = Fault::ALL.into_iter().filter(move |fault| match fault {
        Fault::Order(Twist::WrongCurrency) => account.protocol().has_currencies(),
        Fault::Order(_) => true,
        Fault::Call(_) | Fault::Refund(_) => false,
    });
    let of_payment = of_payment.map(|fault| Cell { on_payment: Some(fault), on_refund: None });
    unheard.chain(of_refund).chain(of_payment)
}

impl Cell {
    fn twist(self) -> Option<RefundTwist> {
        [self.on_payment, self.on_refund].into_iter().flatten().find_map(|fault| match fault {
            Fault::Refund(twist) => Some(twist),
            Fault::Call(_) | Fault::Order(_) => None,
        })
    }

    fn strike(self) -> Option<Strike> {
        match self.on_refund {
            Some(Fault::Call(strike)) => Some(strike),
            Some(Fault::Order(_) | Fault::Refund(_)) | None => None,
        }
    }

    /// Whether its payment's statements suffer, so that it may never leave meanwhile.
    pub(super) fn is_of_payment(self) -> bool {
        matches!(self.on_payment, Some(Fault::Order(_)))
    }

    /// How long the fault lasts at least.
    pub(super) fn lasts(self) -> Duration {
        match self.twist() {
            // Longer than "no such refund" is no answer.
            Some(RefundTwist::NotFound | RefundTwist::RequestLost) => Duration::from_millis(1500),
            Some(_) | None => Duration::ZERO,
        }
    }

    /// Whether its end cannot be known while the fault lasts.
    pub(super) fn is_blinding(self, account: Account) -> bool {
        match (self.on_payment, self.on_refund) {
            // CCAVENUE is asked about the order, whose calls are not struck.
            (_, Some(Fault::Call(strike))) => {
                account != Account::Ccavenue && !matches!(strike, Strike::Slow { .. })
            }
            (_, Some(Fault::Refund(twist))) => matches!(
                twist,
                RefundTwist::Pending { .. }
                    | RefundTwist::RefusedLater { .. }
                    | RefundTwist::WrongAmount
                    | RefundTwist::UnknownCode
            ),
            // Another amount is taken when the payer pays, and not later.
            (Some(Fault::Order(twist)), _) => matches!(twist, Twist::UnknownCode | Twist::NotFound),
            (Some(Fault::Call(_) | Fault::Refund(_)) | None, Some(Fault::Order(_)) | None) => false,
        }
    }

    /// Its end in the provider's books.
    pub(super) fn end(self, account: Account) -> End {
        match self.twist() {
            Some(RefundTwist::Refused | RefundTwist::RefusedLater { .. }) => End::Refused,
            Some(RefundTwist::NoBalance) if refuses_without_balance(account) => End::Refused,
            Some(RefundTwist::RequestLost) if is_doubling(account) => End::Lost,
            Some(_) | None => End::Done,
        }
    }

    pub(super) fn is_returned(self) -> bool {
        matches!(self.twist(), Some(RefundTwist::Returned { .. }))
    }
}

/// Whether a second request with one id is a second refund.
fn is_doubling(account: Account) -> bool {
    matches!(account, Account::Axis | Account::Ccavenue | Account::PhonepeV2)
}

/// Whether a refund for which the balance does not suffice is refused, and does not wait.
fn refuses_without_balance(account: Account) -> bool {
    let is_phonepe = matches!(account, Account::PhonepeLegacy | Account::PhonepeV1 | Account::PhonepeV2);
    !is_phonepe && !matches!(account, Account::Payu | Account::Stripe)
}

/// Whether the provider says of a refund that its money has come back.
pub(super) fn tells_returns(account: Account) -> bool {
    !matches!(account, Account::Ccavenue | Account::Hyperswitch | Account::Payu | Account::Razorpay)
}

/// Whether the provider reports the refusal: CCAVENUE does so in the answer to the request alone.
pub(super) fn knows_refusals(account: Account, cell: Cell) -> bool {
    let is_heard = matches!(cell.strike(), None | Some(Strike::Slow { .. }));
    account != Account::Ccavenue
        || (is_heard && !matches!(cell.twist(), Some(RefundTwist::RefusedLater { .. })))
}

/// Whether the provider reports that it does not know a refund. CCAVENUE's status request is about the order:
/// an unknown refund looks like one under way.
pub(super) fn tells_of_none(account: Account) -> bool {
    account != Account::Ccavenue
}
