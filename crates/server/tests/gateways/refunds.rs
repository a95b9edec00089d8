//! Refunds of whole payments at every gateway, through every fault of its provider: of a call, of the payment and of
//! the refund. However it goes, nothing is FAILED that the provider has not refused, and nothing left twice.

mod cells;
mod desk;
mod many;

use std::time::Instant;

use futures_util::StreamExt;
use payment_domain::AttentionKind;
use payment_simulator::providers::{Fault, RefundEntry, RefundState};

use self::cells::{Cell, End, cells, knows_refusals, tells_of_none, tells_returns};
use self::desk::Desk;
use crate::support::account::Account;

/// How many refunds of a gateway are under way.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_leaves_a_refund_in_doubt_until_the_provider_has_decided_it() {
    let mut desks = tokio::task::JoinSet::new();
    for account in Account::ALL {
        desks.spawn(async move {
            let desk = &Desk::open(account).await;
            let played = futures_util::stream::iter(cells(account));
            played.for_each_concurrent(AT_ONCE, |cell| play(desk, cell)).await;
        });
    }
    desks.join_all().await;
}

async fn play(desk: &Desk, cell: Cell) {
    let at = format!("{cell:?} at {:?}", desk.account);
    let payment = desk.paid().await;
    let refund = desk.requested(&payment, None).await;
    desk.strikes((&payment, cell.on_payment), (&refund, cell.on_refund));
    desk.approves(&refund).await;

    let (began, mut looks) = (Instant::now(), 0);
    while looks < 2 || began.elapsed() < cell.lasts() {
        let mut status = desk.moves_on(&refund).await;
        let entries = desk.entries(&payment);
        if !entries.is_empty() && status == "APPROVED" {
            // It was called meanwhile, and that was stored before.
            status = desk.stands(&refund).0;
        }
        let story = || format!("{at}: {status}, {entries:?}, {:#?}", desk.history(&refund));
        assert!(is_true(&status, entries.first()), "{}", story());
        let is_open = status == "APPROVED" || status == "SENT";
        assert!(is_open || !cell.is_blinding(desk.account), "{}", story());
        // The question about a payment may take a busy machine too long, and is put again.
        looks += usize::from(status != "APPROVED" || cell.is_of_payment());
    }
    desk.strikes((&payment, None), (&refund, None));
    if !cell.is_returned() {
        desk.elapses(&refund);
    }

    let end = cell.end(desk.account);
    let expected = match end {
        End::Done => "SUCCEEDED",
        End::Refused if knows_refusals(desk.account, cell) => "FAILED",
        // A lost refund may be under way, and would be done twice: an operator decides.
        End::Refused | End::Lost => "SENT",
    };
    desk.reaches(&refund, expected, &at).await;
    let entries = desk.entries(&payment);
    assert!(is_true(expected, entries.first()), "{at}: {expected}, {entries:?}");
    assert_eq!((end, entries.len()), (End::of(&entries), usize::from(end != End::Lost)), "{at}: {entries:?}");
    desk.is_shown(&refund, expected, &at).await;
    if cell.is_returned() && tells_returns(desk.account) {
        desk.elapses(&refund);
        desk.tells(&payment, &refund, AttentionKind::RefundReturned, &at).await;
    }
    if end == End::Lost && tells_of_none(desk.account) {
        desk.tells(&payment, &refund, AttentionKind::RefundUnclear, &at).await;
    }
}

/// Whether the books agree with the service.
fn is_true(status: &str, entry: Option<&RefundEntry>) -> bool {
    let state = entry.map(|entry| entry.state);
    match status {
        "SUCCEEDED" => matches!(state, Some(RefundState::Done { .. } | RefundState::Returned)),
        "FAILED" => matches!(state, Some(RefundState::Refused(_))),
        "APPROVED" => state.is_none(),
        other => other == "SENT",
    }
}

impl End {
    /// The end that the books tell.
    fn of(entries: &[RefundEntry]) -> End {
        match entries.first().map(|entry| entry.state) {
            Some(RefundState::Done { .. } | RefundState::Returned) => End::Done,
            Some(RefundState::Refused(_)) => End::Refused,
            Some(RefundState::Pending { .. }) => panic!("it is over: {entries:?}"),
            None => End::Lost,
        }
    }
}

#[test]
fn every_fault_of_refunds_is_played_at_every_gateway() {
    for account in Account::ALL {
        let played: Vec<Fault> =
            cells(account).flat_map(|cell| [cell.on_payment, cell.on_refund]).flatten().collect();
        let of_refunds = payment_simulator::providers::RefundTwist::ALL.into_iter().map(Fault::Refund);
        for fault in Fault::ALL.into_iter().chain(of_refunds) {
            let word = fault.word();
            let is_there = played.iter().any(|played| played.word() == word);
            assert!(is_there || (word == "wrong-currency" && !account.protocol().has_currencies()), "{word}");
        }
    }
}
