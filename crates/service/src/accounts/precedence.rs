//! The precedence of accounts, as operators read it: which account takes a new payment of a place, and why not others.

use payment_domain::{AccountId, AccountState, GatewayName};

use super::live::LiveAccount;
use super::{AccountDirectory, CredentialFault, Place};

/// The accounts of a gateway that concern new payments of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayPrecedence {
    pub gateway: GatewayName,
    /// In the order in which they are looked at; those without accounts are left out.
    pub levels: Vec<AccountLevel>,
    /// Whether the configuration file offers the gateway: its account answers where no stored one does.
    pub is_configured: bool,
}

/// The accounts of a tenant for one service, or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLevel {
    pub tenant: String,
    pub service: Option<String>,
    /// In the order of their priorities.
    pub accounts: Vec<AccountStanding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStanding {
    pub id: AccountId,
    pub label: String,
    pub verdict: AccountVerdict,
}

/// The decision of an account on a new payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountVerdict {
    /// It takes the payment, with this version of its credentials.
    Takes(u32),
    /// It would take the payment, and cannot be used, for this reason: the payment is refused.
    Unusable(CredentialFault),
    /// It has no active credentials.
    NotActive,
    Retired,
    /// Another one is before it.
    Behind,
}

impl GatewayPrecedence {
    /// The account that decides, usable or not, with its level; `None` where the configuration file's does.
    pub fn deciding(&self) -> Option<(&AccountLevel, &AccountStanding)> {
        let decides = |standing: &&AccountStanding| match standing.verdict {
            AccountVerdict::Takes(_) | AccountVerdict::Unusable(_) => true,
            AccountVerdict::NotActive | AccountVerdict::Retired | AccountVerdict::Behind => false,
        };
        self.levels.iter().find_map(|level| Some((level, level.accounts.iter().find(decides)?)))
    }
}

/// The tenants and services at which accounts for a place are looked for, in order.
pub(super) fn places<'a>(place: Place<'a>) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    let services = match place.service {
        Some(service) => vec![Some(service), None],
        None => vec![None],
    };
    place.tenant.and_above().flat_map(move |tenant| {
        let services = services.clone();
        services.into_iter().map(move |service| (tenant, service))
    })
}

/// Whether an account, open or retired, is for this tenant and service.
pub(super) fn is_at(live: &LiveAccount, tenant: &str, service: Option<&str>) -> bool {
    live.account.tenant_id.as_str() == tenant && live.account.business_service.as_deref() == service
}

impl AccountDirectory {
    /// The accounts of a gateway that concern new payments of a place, in their order.
    pub(crate) fn levels(&self, gateway: &GatewayName, place: Place<'_>) -> Vec<AccountLevel> {
        let accounts = self.of_gateway(gateway);
        let mut is_decided = false;
        let mut levels = Vec::new();
        for (tenant, service) in places(place) {
            let here = accounts.iter().filter(|live| is_at(live, tenant, service));
            let here: Vec<AccountStanding> = here
                .map(|live| {
                    let verdict = verdict(live, is_decided);
                    is_decided |= matches!(verdict, AccountVerdict::Takes(_) | AccountVerdict::Unusable(_));
                    AccountStanding {
                        id: live.account.id.clone(),
                        label: live.account.label.clone(),
                        verdict,
                    }
                })
                .collect();
            if !here.is_empty() {
                let (tenant, service) = (tenant.to_owned(), service.map(str::to_owned));
                levels.push(AccountLevel { tenant, service, accounts: here });
            }
        }
        levels
    }
}

fn verdict(live: &LiveAccount, is_decided: bool) -> AccountVerdict {
    if live.account.state == AccountState::Retired {
        return AccountVerdict::Retired;
    }
    match live.for_new() {
        None => AccountVerdict::NotActive,
        Some(_) if is_decided => AccountVerdict::Behind,
        Some(Ok(taken)) => AccountVerdict::Takes(taken.version),
        Some(Err(why)) => AccountVerdict::Unusable(why),
    }
}
