//! A service beside DIGIT, behind DIGIT's API gateway, with all parties of a payment: the real program,
//! simulated providers, an application, a payer.

use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use payment_simulator::digit::PretendDigit;
use payment_simulator::providers::{Choice, PayPage, Providers, WayBack};
use pg_service::config::setting;
use tempfile::TempDir;

use super::application::{Application, Visit};
use super::gateway::ApiGateway;
use crate::support::account::Account;
use crate::support::payments::{Payments, simulate};
use crate::support::{Service, free_port, pg_service, stderr, stdout};

/// The paths that DIGIT's API gateway opens as delivered.
pub(crate) const STOCK: [&str; 2] =
    ["/pg-service/transaction/v1/_create", "/pg-service/transaction/v1/_update"];

/// Names of settings and their values.
pub(crate) type Settings = Vec<(&'static str, String)>;

pub(crate) struct World {
    payments: Payments,
    pub(crate) digit: PretendDigit,
    pub(crate) application: Application,
    pub(crate) api_gateway: ApiGateway,
    pub(crate) service: Service,
    settings: Settings,
    folder: TempDir,
}

impl Deref for World {
    type Target = Payments;

    fn deref(&self) -> &Payments {
        &self.payments
    }
}

/// The program with these settings.
pub(crate) fn configured(folder: &Path, settings: &Settings) -> Command {
    let mut command = pg_service(folder);
    for (name, value) in settings {
        command.env(format!("{}{}", setting::OWN_PREFIX, setting::variable(name)), value);
    }
    command
}

/// The accounts at the simulated providers, one of them in use, beside a DIGIT at this address.
pub(crate) fn beside_digit(
    simulator: &Providers,
    simulator_url: &str,
    digit: &str,
    account: Account,
) -> Settings {
    let mut settings: Settings = simulator.properties(simulator_url);
    for (name, value) in &mut settings {
        if name.ends_with(".active") {
            *value = (*name == format!("{}.active", account.provider().path())).to_string();
        }
    }
    settings.extend(account.setting().map(|(name, value)| (name, value.to_owned())));
    let hosts = [
        "egov.idgen.host",
        "egov.userservice.host",
        "egov.collectionservice.host",
        "egov.bankaccountservice.host",
    ];
    settings.extend(hosts.map(|name| (name, digit.to_owned())));
    settings.push(("callback.allowed-hosts", "127.0.0.1".to_owned()));
    settings
}

/// The paths that `check-config` names.
pub(crate) fn told_to_open(folder: &Path, settings: &Settings) -> Vec<String> {
    let output = configured(folder, settings).arg("check-config").output().unwrap();
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    text.lines().map(str::trim).filter(|line| line.starts_with("/pg-service/")).map(str::to_owned).collect()
}

impl World {
    /// Behind the API gateway as it is delivered, with nothing said about redirects.
    pub(crate) async fn stock(account: Account) -> World {
        World::start(account, |_| Settings::new(), |_, _| STOCK.map(str::to_owned).to_vec()).await
    }

    /// With the address of the API gateway as the service's own, and all paths opened that the service needs.
    pub(crate) async fn through_service(account: Account) -> World {
        let public_url = |api_gateway: &str| vec![("server.public-url", format!("{api_gateway}/pg-service"))];
        World::start(account, public_url, told_to_open).await
    }

    async fn start(
        account: Account,
        more: impl Fn(&str) -> Settings,
        open: impl Fn(&Path, &Settings) -> Vec<String>,
    ) -> World {
        let (digit, application) = (PretendDigit::start().await.unwrap(), Application::start().await);
        let at_api_gateway = ApiGateway::listen().await;
        let more = more(&at_api_gateway.url);
        let public_url = more.iter().find(|(name, _)| *name == "server.public-url");
        let (simulator, simulator_url) = simulate(public_url.map(|(_, url)| url.as_str())).await;

        let folder = tempfile::tempdir().unwrap();
        let mut settings = beside_digit(&simulator, &simulator_url, digit.url(), account);
        settings.extend(more);
        let port = free_port();
        let open = open(folder.path(), &settings);
        let api_gateway = at_api_gateway.serve(port, open);
        let log = folder.path().join("log");
        let service = Service::start(configured(folder.path(), &settings), port, &log).await;
        let url = format!("{}/pg-service", api_gateway.url());
        let payments = Payments::new(account, (simulator, simulator_url), url, application.callback_url());
        World { payments, digit, application, api_gateway, service, settings, folder }
    }

    /// The payer chooses on the page; the way on which the browser is sent back.
    pub(crate) async fn choose(&self, page: &PayPage, choice: Choice) -> Option<WayBack> {
        self.visitor.choose(page, choice).await.unwrap()
    }

    /// The browser goes back, and on where it is sent; how it came to the application in the end.
    pub(crate) async fn back_at_application(&self, way: WayBack) -> Visit {
        let (mut status, mut location) = self.visitor.follow(&way).await.unwrap();
        while let Some(next) = location {
            (status, location) = self.visitor.follow(&WayBack::Follow(next)).await.unwrap();
        }
        assert_eq!(status, 200, "{:?}", self.account);
        self.application.visit()
    }

    /// An operator asks the gateways about everything that is pending.
    pub(crate) fn reconcile(&self) {
        let output = configured(self.folder.path(), &self.settings)
            .args(["reconcile", "--older-than", "0s"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    }

    /// Whether a URL leads to the simulated providers.
    pub(crate) fn is_at_provider(&self, url: &str) -> bool {
        url.starts_with(&format!("{}/", self.simulator_url))
    }
}
