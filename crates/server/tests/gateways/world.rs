//! A service and the simulated providers.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::{Duration, Instant};

use payment_http::Metrics;
use payment_simulator::providers::ProvidersSettings;
use pg_service::config::{self, Config, Sources, setting};
use pg_service::service::{self, Running};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::PATIENCE;
use crate::support::account::Account;
use crate::support::payments::{Payments, listener, simulate_where};

pub(crate) struct World {
    pub(crate) payments: Payments,
    pub(crate) service: Running,
    pub(crate) folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Deref for World {
    type Target = Payments;

    fn deref(&self) -> &Payments {
        &self.payments
    }
}

impl World {
    /// A service with this time limit for its gateway.
    pub(crate) async fn new(account: Account, gateway_wait: Duration) -> World {
        World::with(account, gateway_wait, &[]).await
    }

    pub(crate) async fn with(account: Account, gateway_wait: Duration, extra: &[(&str, &str)]) -> World {
        World::simulating(account, gateway_wait, extra, |_| {}).await
    }

    /// Against providers that were changed.
    pub(crate) async fn simulating(
        account: Account,
        gateway_wait: Duration,
        extra: &[(&str, &str)],
        change: impl FnOnce(&mut ProvidersSettings),
    ) -> World {
        let folder = tempfile::tempdir().unwrap();
        let (at_service, service_url) = listener().await;
        let (simulator, simulator_url) =
            simulate_where(Some(&format!("{service_url}/pg-service")), change).await;

        // A later value of a setting replaces an earlier one.
        let mut set: BTreeMap<String, String> = simulator
            .properties(&simulator_url)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let more = [
            ("data.dir", folder.path().join("data").display().to_string()),
            ("bank-account", "000100200300".to_owned()),
            ("callback.allowed-hosts", "city.example".to_owned()),
            ("gateways.wait-ms", gateway_wait.as_millis().to_string()),
        ];
        set.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let chosen = account.setting().into_iter().chain(extra.iter().copied());
        set.extend(chosen.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let environment: Vec<(String, String)> = set
            .into_iter()
            .map(|(name, value)| (format!("{}{}", setting::OWN_PREFIX, setting::variable(&name)), value))
            .collect();
        let loaded = config::load(&Sources { environment: environment.clone(), ..Sources::default() });
        assert!(loaded.problems.is_empty() && loaded.notices.is_empty(), "{:?}", loaded.problems);
        let config = loaded.into_config().unwrap();
        let service = service::start(config, at_service, Metrics::detached()).await.unwrap();
        let (url, callback_url) = (service.local_url().to_owned(), "https://city.example/back?from=test");
        let payments = Payments::new(account, (simulator, simulator_url), url, callback_url);
        World { payments, service, folder, environment }
    }

    /// The configuration of the service once more, for a process beside it.
    pub(crate) fn config(&self) -> Config {
        let sources = Sources { environment: self.environment.clone(), ..Sources::default() };
        config::load(&sources).into_config().unwrap()
    }

    /// The application creates a transaction at a gateway that was unavailable.
    pub(crate) async fn create_when_it_is_back(&self) -> Value {
        let started = Instant::now();
        loop {
            let (status, mut answer) = self.try_to_create(&self.bill()).await;
            if status == 200 {
                return answer["Transaction"].take();
            }
            assert!(started.elapsed() < PATIENCE, "the gateway does not come back: {answer}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The web client's updates until the transaction has that status. One status request may fail; the
    /// status may change in between.
    pub(crate) async fn settled(&self, id: &str, status: &str) -> Value {
        let started = Instant::now();
        loop {
            let txn = self.update(id).await;
            let receipted = status != "SUCCESS" || txn["receipt"].is_string();
            if txn["txnStatus"] == status && receipted {
                return txn;
            }
            assert!(txn["txnStatus"] == "PENDING" || txn["txnStatus"] == status, "{:?}: {txn}", self.account);
            assert!(started.elapsed() < PATIENCE, "{:?}: it does not come to {status}: {txn}", self.account);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits, without a status request, for that status.
    pub(crate) async fn stored(&self, id: &str, status: &str) {
        let started = Instant::now();
        loop {
            let txn = self.search("txnId", id).await;
            if txn["txnStatus"] == status {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{:?}: no report of {status}: {txn}", self.account);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
