//! Comparison of the service's rows with the providers' books.

use std::collections::HashSet;

use payment_digit::embedded::Registers;
use payment_domain::{AttentionKind, StatusName, TxnId};
use payment_simulator::providers::State;
use payment_store::{ReceiptTasks, ReviewCases, Transactions};
use payment_store_sqlite::{Options, SqliteStore};

use crate::world::World;

/// Stops the service and compares. Each transaction comes with the operator's expected information.
pub(crate) async fn audit(world: World, played: &[(String, Option<AttentionKind>)]) {
    let World { payments, service, folder, .. } = world;
    let account = payments.account;
    service.stop().await;
    let database = folder.path().join("data").join("payments.db");
    let store = SqliteStore::open(&database, &Options::default()).unwrap();
    let mut numbers = HashSet::new();
    for (id, expected) in played {
        let at = format!("{id} at {account:?}");
        let id = TxnId::new(id.as_str()).unwrap();
        let txn = store.transaction(&id).await.unwrap().unwrap();
        let entry = payments.simulator.book_entry_of(account.provider(), id.as_str());
        let taken = entry.as_ref().and_then(|entry| entry.taken);
        let attention: Vec<_> =
            store.attention(&id).await.unwrap().into_iter().map(|case| case.kind).collect();
        assert_eq!(attention, Vec::from_iter(*expected), "{at}");

        let receipts = store.receipts(&id).await.unwrap().map(|issued| issued.receipts.0).unwrap_or_default();
        match txn.status.name() {
            StatusName::Success => {
                let entry = entry.expect("what succeeded is in the books");
                assert_eq!(entry.state, State::Paid, "{at}");
                assert_eq!((taken, entry.amount.minor), (Some(entry.amount), 10_050), "{at}");
                assert_eq!(receipts.len(), 1, "{at}");
                assert_eq!(txn.receipt(), receipts.first().map(String::as_str), "{at}");
            }
            StatusName::Failure => {
                assert!(receipts.is_empty(), "{at}");
                assert!(
                    taken.is_none() || !attention.is_empty(),
                    "{at}: money was taken, and no case tells of it"
                );
            }
            StatusName::Pending => {
                assert!(receipts.is_empty(), "{at}");
                assert_eq!(taken, None, "{at}: money was taken and not found");
            }
        }
        assert!(store.receipt_task(&id).await.unwrap().is_none(), "{at}: a receipt is still due");
        assert!(receipts.into_iter().all(|number| numbers.insert(number)), "{at}: a receipt twice");
    }
}
