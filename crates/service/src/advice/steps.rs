//! The sentences of a recommendation, as values: a command and an endpoint have them in English, a page in the
//! language of its reader.

use std::fmt;

use payment_domain::{AttentionKind, Money, RefundId, RefundStatus, TxnId};

/// A sentence of a recommendation. Ids of several payments or bills stand with commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdviceStep {
    /// The other payments of its bills could not be read.
    Unread,
    /// The recommendation of the kind alone.
    OfKind(AttentionKind),
    /// The transaction has succeeded since.
    SucceededSince,
    /// The bill was paid by another transaction.
    PaidByAnother {
        paid: String,
        /// Whether this one was paid has to be asked first.
        is_doubtful: bool,
    },
    OtherPending {
        pending: String,
    },
    /// Another failed payment holds the bill.
    OtherFailed {
        failed: String,
    },
    /// The case keeps the bills from being paid.
    BillsHeld {
        bills: String,
    },
    /// The bills can be paid once more meanwhile.
    BillsFree {
        bills: String,
    },
    /// The refund of the case is under way.
    RefundUnderWay {
        refund: RefundId,
        amount: Money,
        status: RefundStatus,
    },
    RefundProposed {
        amount: Money,
        txn: TxnId,
        case: i64,
    },
}

impl fmt::Display for AdviceStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdviceStep::Unread => {
                f.write_str("What else was paid of its bills could not be read: see to that first.")
            }
            AdviceStep::OfKind(kind) => f.write_str(kind.recommended_action()),
            AdviceStep::SucceededSince => f.write_str(
                "The transaction has succeeded since, and has its receipt or gets it by itself: do not register \
                 it by hand.",
            ),
            AdviceStep::PaidByAnother { paid, is_doubtful } => {
                let refund = match is_doubtful {
                    true => {
                        "Ask the gateway's support, with the evidence, whether this one was paid; if so, have it \
                         refunded."
                    }
                    false => "Have this payment refunded.",
                };
                write!(
                    f,
                    "The bill was paid by another transaction, {paid}. {refund} Do not register it with the \
                     collection service."
                )
            }
            AdviceStep::OtherPending { pending } => write!(
                f,
                "Another payment of the bill is still pending, {pending}: do not register this one before that is \
                 settled. `pg-service reconcile --txn` asks about it; if it succeeds, have this one refunded."
            ),
            AdviceStep::OtherFailed { failed } => write!(
                f,
                "Another failed payment holds the bill, {failed}, which has a case of its own: register only one \
                 of them."
            ),
            AdviceStep::BillsHeld { bills } => {
                write!(f, "Bill {bills} cannot be paid until this case is resolved.")
            }
            AdviceStep::BillsFree { bills } => {
                write!(f, "Nothing keeps {bills} from being paid once more meanwhile.")
            }
            AdviceStep::RefundUnderWay { refund, amount, status } => write!(
                f,
                "Refund {refund} of {} is {}: the case closes when all of the payment has gone back.",
                amount.with_code(),
                status.as_str()
            ),
            AdviceStep::RefundProposed { amount, txn, case } => write!(
                f,
                "Proposed refund: {}, with `pg-service refund request --txn {txn} --case {case}`; the case closes \
                 with it.",
                amount.with_code()
            ),
        }
    }
}
