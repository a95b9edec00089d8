//! Stored merchant accounts of the gateway `FAKE`.

use std::sync::Arc;

use payment_domain::ManualClock;
use payment_gateway::{FakeGateway, StartMode};
use payment_service::Accounts;
use payment_store::Store;

/// One person may activate.
pub(super) fn accounts(store: &Arc<dyn Store>, clock: &Arc<ManualClock>) -> Accounts {
    let gateway = Arc::new(FakeGateway::new("FAKE", StartMode::Offline));
    let mut accounts = payment_testing::accounts::accounts(store, clock, &gateway);
    accounts.settings.second_person = false;
    accounts
}
