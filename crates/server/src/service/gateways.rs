//! The adapters of the gateways, each behind a guard.

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{CallCounts, Gateway, Guarded};
use payment_gateways::client::{Client, Limits};
use payment_gateways::sandbox::{Sandbox as SandboxAdapter, SandboxAccount};
use payment_gateways::{ADAPTERS, Merchant};
use payment_service::{Accounts, Gateways};
use payment_store::Store;
use secrecy::SecretString;

use super::Addresses;
use super::accounts::accounts;
use super::data_folder::DataFolder;
use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// The key that the sandbox and its adapter share.
pub(super) fn sandbox_secret(config: &Config) -> Outcome<SecretString> {
    match &config.sandbox.secret {
        Some(secret) => Ok(secret.clone()),
        None => DataFolder::prepare(&config.data_dir)?.sandbox_secret(),
    }
}

/// The adapters of all gateways that are configured, offered or switched off, and of the accounts in the
/// database, which are not read yet.
///
/// # Errors
/// When no calls can be made.
pub(super) fn adapters(
    config: &Config,
    addresses: &Addresses<'_>,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> Outcome<(Gateways, Accounts)> {
    const CONNECT: Duration = Duration::from_secs(5);
    let wait = config.settings.gateway_wait;
    let limits = Limits { connect_timeout: CONNECT.min(wait), total_timeout: wait, ..Limits::default() };
    let shared = client(limits)?;
    let calls = CallCounts::default();
    let guarded = |adapter| {
        Arc::new(Guarded::new(adapter, config.guard.clone()).counted_in(&calls)) as Arc<dyn Gateway>
    };
    let (mut offered, mut switched_off) = (Vec::new(), Vec::new());
    let mut merchants = Vec::new();
    if config.sandbox.active {
        let sandbox = GatewayName::new(GatewayName::SANDBOX);
        let merchant = Merchant::Id(config.sandbox.merchant.clone()).digest(&sandbox);
        merchants.push((sandbox, merchant));
        offered.push(guarded(sandbox_adapter(config, addresses, shared.clone(), clock)?));
    }
    for configured in &config.gateways {
        let client = configured.account.limits().map_or_else(|| Ok(shared.clone()), client)?;
        let name = configured.profile.name.clone();
        let merchant = configured.account.merchant().digest(&name);
        merchants.push((name, merchant));
        let to = if configured.offered { &mut offered } else { &mut switched_off };
        to.push(guarded(configured.account.adapter(client, clock.clone())));
    }
    let accounts = accounts(config, store, clock, shared, calls.clone());
    let gateways = Gateways::new(offered)
        .with_switched_off(switched_off)
        .with_merchants(merchants)
        .with_accounts(accounts.directory.clone())
        .with_calls(calls.clone());
    let parameters: Vec<&str> = ADAPTERS.iter().map(|adapter| adapter.transaction_parameter).collect();
    Ok((gateways.with_known_parameters(parameters), accounts))
}

fn sandbox_adapter(
    config: &Config,
    addresses: &Addresses<'_>,
    client: Client,
    clock: &Arc<dyn Clock>,
) -> Outcome<Arc<dyn Gateway>> {
    let sandbox = &config.sandbox;
    let (page_url, api_url) = match &sandbox.url {
        Some(url) => (url.clone(), url.clone()),
        None => (format!("{}/sandbox", addresses.public), format!("{}/sandbox", addresses.local)),
    };
    let adapter = SandboxAccount {
        page_url,
        api_url,
        merchant: sandbox.merchant.clone(),
        secret: sandbox_secret(config)?,
    };
    Ok(Arc::new(SandboxAdapter::new(adapter, client, clock.clone())))
}

/// A client that calls gateways.
fn client(limits: Limits) -> Outcome<Client> {
    Client::new(limits).map_err(|error| {
        Failure::new("gateways cannot be called")
            .because(error.as_ref())
            .try_this("install the system's CA certificates")
    })
}
