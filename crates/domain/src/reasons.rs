//! The reasons in the lines of histories. They are stored as English sentences, which commands and endpoints show; a
//! page reads them back and shows each in the language of its reader.

macro_rules! reasons {
    ($($reason:ident: $text:literal;)*) => {
        /// A sentence in the history of a payment or refund, `{}` for each of its values.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum HistoryReason {
            $($reason,)*
        }

        impl HistoryReason {
            /// In the order in which a text is compared with them.
            pub const ALL: &[HistoryReason] = &[$(HistoryReason::$reason,)*];

            /// The stored sentence, with its places.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(HistoryReason::$reason => $text,)*
                }
            }
        }
    };
}

// Released rows have these sentences: one that is changed is not recognised in them any more, and shown as it is.
reasons! {
    // Of a sentence before it.
    Reopened: "{}; the case, which was resolved, is open again";
    PutUp: "{}; review case: {}";
    PutUpBefore: "{}; put up for attention: {}"; // Of earlier versions.
    NotAskedAgain: "{}; whether the money came back is not asked again";
    SentDaysAgo: "{}; it was sent {} days ago";
    ClosedForAnother: "closed for another payment; {}";

    // Payments.
    Created: "created";
    CreatedWithNothingToPay: "created, nothing to pay";
    OrderOpened: "the gateway opened the order";
    OrderUnclear: "whether the gateway opened the order is not known: {}";
    SaysPaid: "the gateway says: paid {}";
    SaysPaidWithoutAmount: "the gateway says: paid, without an amount";
    SaysDeclined: "the gateway says: declined, {}";
    SaysUnknown: "the gateway says something unknown: {}";
    NotAsked: "the gateway could not be asked: {}";
    StillPending: "still pending after {} hours";
    CaseResolved: "case {} resolved: {}";
    CaseResolvedByRefund: "case resolved: the payment was given back by refund {}";
    PartGivenBack: "{} of the payment were given back";

    // Receipts.
    ReceiptIssued: "receipt issued";
    ReceiptNotIssued: "no receipt is issued: the payment was given back";
    ReceiptRefused: "the collection service refuses to register the payment";
    ReceiptCancelled: "receipt cancelled";
    ReceiptMissing: "there is no receipt to be cancelled";
    ReceiptKept: "the receipt stays: nothing was given back";
    ReceiptNotCancellable: "the collection service refuses to cancel the receipt";
    ReceiptCancelledInVain: "the receipt is cancelled, and the refund failed";

    // Refunds.
    Requested: "requested";
    ApprovedWithoutChecker: "approved without a checker ({})";
    Approved: "approved, {} of {}";
    Rejected: "rejected";
    Withdrawn: "withdrawn";
    NotDecided: "no decision came in time";
    Sent: "sent to the gateway";
    SentAgain: "sent again with the same id: the gateway knows nothing of it";
    NotSent: "not sent: {}";
    ApprovedAndNotSent: "approved and not sent: {}";
    NotTakenOn: "the gateway has not taken it on: {}";
    SaysRefused: "the gateway says: refused, {}";
    SaysGivenBack: "the gateway says: given back {}";
    SaysReturned: "the gateway says: returned, {}";
    PaymentNotAsked: "the gateway could not be asked about the payment: {}";
    RefundNotAsked: "the gateway could not be asked about the refund: {}";
    MoreGivenBack: "the gateway has given back more than the refunds of this service";
    GivenBackElsewhere: "the gateway says that the money was given back, or charged back";
    PartGivenBackElsewhere: "the gateway has given back {}, of which {} by refunds of this service";

    // Outcomes, by their names.
    SaysPending: "the gateway says: pending";
    SaysAuthorised: "the gateway says: authorised, not captured";
    SaysNotFound: "the gateway says: not found";
    SaysRefunded: "the gateway says: refunded";
    SaysSucceeded: "the gateway says: succeeded";
    SaysFailed: "the gateway says: failed";
    SaysUnclear: "the gateway says: unclear";
    SaysUnrecognised: "the gateway says: unrecognised";

    // Errors of calls to a gateway.
    Unreachable: "the gateway could not be reached";
    LocalFault: "the gateway could not be called for a fault on our side";
    Unanswered: "the gateway did not answer";
    Unreadable: "the gateway's answer cannot be read: {}";
    OrderRefused: "the gateway refused the payment: {}";
    Unavailable: "the gateway is not available at the moment";
    BadSignature: "the signature is wrong";
    OtherTransaction: "the answer is not about this transaction";
}

impl HistoryReason {
    /// The sentence with its values, in their order.
    pub fn with<const N: usize>(self, values: [&str; N]) -> String {
        let mut pieces = self.sentence().split("{}");
        let mut text = pieces.next().unwrap_or_default().to_owned();
        let mut values = values.into_iter();
        for piece in pieces {
            text.push_str(values.next().unwrap_or_default());
            text.push_str(piece);
        }
        text
    }

    /// The reason that a stored text states, with its values; `None` for the words of others.
    pub fn read(text: &str) -> Option<(HistoryReason, Vec<&str>)> {
        HistoryReason::ALL.iter().find_map(|reason| Some((*reason, reason.values_in(text)?)))
    }

    fn values_in(self, text: &str) -> Option<Vec<&str>> {
        let (first, rest) = self.sentence().split_once("{}").unwrap_or((self.sentence(), ""));
        let mut left = text.strip_prefix(first)?;
        if first.len() == self.sentence().len() {
            return left.is_empty().then(Vec::new);
        }
        let mut values = Vec::new();
        let mut pieces = rest.split("{}").peekable();
        while let Some(piece) = pieces.next() {
            let is_last = pieces.peek().is_none();
            let (value, behind) = match (is_last, first.is_empty()) {
                (true, _) => (left.strip_suffix(piece)?, ""),
                // A sentence before this one may have the same words.
                (false, true) => left.rsplit_once(piece)?,
                (false, false) => left.split_once(piece)?,
            };
            values.push(value);
            left = behind;
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, RefundOutcome};

    #[test]
    fn every_sentence_is_read_back_with_its_values() {
        for reason in HistoryReason::ALL {
            let places = reason.sentence().matches("{}").count();
            let (text, values) = match places {
                0 => (reason.with([]), vec![]),
                1 => (reason.with(["12; (3)"]), vec!["12; (3)"]),
                _ => (reason.with(["created", "4"]), vec!["created", "4"]),
            };
            assert_eq!(HistoryReason::read(&text), Some((*reason, values)), "{text}");
        }
    }

    #[test]
    fn the_words_of_others_are_none_of_ours() {
        for text in ["", "Created", "created by hand", "receipt issued again", "the gateway says: maybe"] {
            assert_eq!(HistoryReason::read(text), None, "{text}");
        }
        let nested = "the gateway says: declined, no; review case: x; review case: late-success";
        let (reason, values) = HistoryReason::read(nested).unwrap();
        assert_eq!((reason, values[1]), (HistoryReason::PutUp, "late-success"));
        let (reason, values) = HistoryReason::read(values[0]).unwrap();
        assert_eq!((reason, values), (HistoryReason::PutUp, vec!["the gateway says: declined, no", "x"]));
    }

    #[test]
    fn outcomes_are_read_by_their_names() {
        let names = [
            Outcome::Pending.name(),
            Outcome::Authorised.name(),
            Outcome::NotFound.name(),
            Outcome::Refunded.name(),
            Outcome::Unrecognised { code: "x".to_owned() }.name(),
            RefundOutcome::Pending.name(),
            RefundOutcome::NotFound.name(),
            RefundOutcome::Failed { reason: String::new() }.name(),
            RefundOutcome::Unclear { reason: String::new() }.name(),
        ];
        for name in names {
            assert!(HistoryReason::read(&format!("the gateway says: {name}")).is_some(), "{name}");
        }
    }
}
