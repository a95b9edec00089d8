//! The gateways: by name, and with the merchant account of a payment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AccountRef, GatewayName, MerchantDigest, RefundId, Transaction, TxnId};
use payment_gateway::{Answer, Availability, CallCounts, Foreign, Gateway};
use url::Url;

use crate::accounts::{AccountDirectory, Chosen, GatewayPrecedence, Place};

/// The parameter in which applications and gateways get the transaction id.
pub(crate) const TRANSACTION_PARAMETER: &str = "eg_pg_txnid";

/// The parameter in which DIGIT's web client names the transaction, whichever the gateway.
const CLIENT_PARAMETER: &str = "transactionId";

/// Our parameter as a provider returns it that has encoded the return URL as HTML.
const MANGLED_PARAMETER: &str = "amp;eg_pg_txnid";

/// The parameter in which forks of egov-pg-service give the callback URL to providers.
const RETURN_URL_PARAMETER: &str = "originalreturnurl";

/// The availability of an offered gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayStatus {
    pub name: GatewayName,
    /// `None` while it is available.
    pub unavailable_for: Option<Duration>,
}

/// There is no account of the gateway, configured or stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownGateway;

/// The gateways of the configuration file, and the stored merchant accounts. A disabled gateway takes no new
/// payments, and still answers for existing ones.
#[derive(Clone, Default)]
pub struct Gateways {
    offered: BTreeMap<GatewayName, Arc<dyn Gateway>>,
    switched_off: BTreeMap<GatewayName, Arc<dyn Gateway>>,
    /// The merchants of the configuration file's accounts.
    merchants: BTreeMap<GatewayName, MerchantDigest>,
    accounts: AccountDirectory,
    /// Transaction parameters of gateways that need not be configured.
    known_parameters: Vec<&'static str>,
    calls: CallCounts,
}

/// A gateway with the merchant account of a new payment.
#[derive(Clone)]
pub struct Offered {
    pub gateway: Arc<dyn Gateway>,
    /// `None` for an account of the configuration file whose merchant is not known.
    pub account: Option<AccountRef>,
}

fn by_name(gateways: impl IntoIterator<Item = Arc<dyn Gateway>>) -> BTreeMap<GatewayName, Arc<dyn Gateway>> {
    gateways.into_iter().map(|gateway| (gateway.profile().name.clone(), gateway)).collect()
}

impl Gateways {
    /// Offered gateways; the later of two with one name counts.
    pub fn new(gateways: impl IntoIterator<Item = Arc<dyn Gateway>>) -> Gateways {
        Gateways { offered: by_name(gateways), ..Gateways::default() }
    }

    #[must_use]
    pub fn with_switched_off(self, gateways: impl IntoIterator<Item = Arc<dyn Gateway>>) -> Gateways {
        Gateways { switched_off: by_name(gateways), ..self }
    }

    /// The merchants of the accounts in the configuration file, offered or switched off.
    #[must_use]
    pub fn with_merchants(
        self,
        merchants: impl IntoIterator<Item = (GatewayName, MerchantDigest)>,
    ) -> Gateways {
        Gateways { merchants: merchants.into_iter().collect(), ..self }
    }

    #[must_use]
    pub fn with_accounts(self, accounts: AccountDirectory) -> Gateways {
        Gateways { accounts, ..self }
    }

    /// Reads these transaction parameters as well, before those of the gateways that are configured.
    #[must_use]
    pub fn with_known_parameters(self, known_parameters: impl Into<Vec<&'static str>>) -> Gateways {
        Gateways { known_parameters: known_parameters.into(), ..self }
    }

    /// The counts of the guards of all gateways.
    #[must_use]
    pub fn with_calls(self, calls: CallCounts) -> Gateways {
        Gateways { calls, ..self }
    }

    pub fn calls(&self) -> &CallCounts {
        &self.calls
    }

    /// The stored merchant accounts.
    pub fn accounts(&self) -> &AccountDirectory {
        &self.accounts
    }

    /// The gateway for a new payment: with the stored account of its tenant and service, of its tenant, of the
    /// tenant above and its service, of the tenant above, and so on; else with the configuration file's.
    /// `None` where it is not offered.
    ///
    /// # Errors
    /// The reason the account cannot be used. No other one takes its place: the money would be another
    /// merchant's.
    pub fn for_new(&self, name: &GatewayName, place: Place<'_>) -> Result<Option<Offered>, String> {
        if let Some(Chosen { gateway, account }) = self.accounts.choose(name, place)? {
            return Ok(Some(Offered { gateway, account: Some(account) }));
        }
        let merchant = || self.merchants.get(name).cloned();
        Ok(self.offered.get(name).map(|gateway| Offered {
            gateway: gateway.clone(),
            account: merchant().map(AccountRef::Configured),
        }))
    }

    /// The gateway of a stored payment, with its merchant account. Waits for the store where a replica has
    /// changed accounts a moment ago.
    ///
    /// # Errors
    /// The reason there is none: the payment keeps its state, and an operator has to act.
    pub async fn of(&self, txn: &Transaction) -> Result<Arc<dyn Gateway>, String> {
        match &txn.account {
            Some(AccountRef::Stored { id, version }) => self.accounts.of(id, *version).await,
            Some(AccountRef::Configured(_)) | None => self.known_of(txn),
        }
    }

    /// [`Gateways::of`], by the accounts in memory.
    ///
    /// # Errors
    /// The reason there is none.
    pub fn known_of(&self, txn: &Transaction) -> Result<Arc<dyn Gateway>, String> {
        let name = &txn.gateway;
        let configured = || {
            let gateway = self.offered.get(name).or_else(|| self.switched_off.get(name)).cloned();
            gateway.ok_or_else(|| format!("the gateway {name} is not active"))
        };
        match &txn.account {
            Some(AccountRef::Stored { id, .. }) => self.accounts.known(id),
            None => configured(),
            Some(AccountRef::Configured(merchant)) => match self.merchants.get(name) {
                Some(other) if other != merchant => {
                    match self.accounts.of_merchant(name, merchant, &txn.tenant_id) {
                        Some(gateway) => Ok(gateway),
                        None => Ok(Arc::new(Foreign::new(configured()?))),
                    }
                }
                Some(_) => configured(),
                None => match self.accounts.of_merchant(name, merchant, &txn.tenant_id) {
                    Some(gateway) => Ok(gateway),
                    None => configured(),
                },
            },
        }
    }

    /// The transaction that an answer to this gateway names, by whichever account it may be read.
    ///
    /// # Errors
    /// [`UnknownGateway`] when there is no account of the gateway.
    pub fn named_in(&self, name: &GatewayName, answer: &Answer) -> Result<Option<TxnId>, UnknownGateway> {
        let configured = self.offered.get(name).or_else(|| self.switched_off.get(name)).cloned();
        let gateways: Vec<_> = configured.into_iter().chain(self.accounts.all_of(name)).collect();
        if gateways.is_empty() {
            return Err(UnknownGateway);
        }
        Ok(gateways.iter().find_map(|gateway| gateway.names(answer)))
    }

    /// The refund that an answer to this gateway names, by whichever account it may be read.
    pub(crate) fn refund_named_in(&self, name: &GatewayName, answer: &Answer) -> Option<RefundId> {
        let configured = self.offered.get(name).or_else(|| self.switched_off.get(name)).cloned();
        let mut gateways = configured.into_iter().chain(self.accounts.all_of(name));
        gateways.find_map(|gateway| gateway.refunding()?.names_refund(answer))
    }

    /// Whether the configuration file's account of the gateway can be used now; `None` without one.
    pub(crate) fn availability_of(&self, name: &GatewayName) -> Option<Availability> {
        let gateway = self.offered.get(name).or_else(|| self.switched_off.get(name));
        gateway.map(|gateway| gateway.availability())
    }

    pub(crate) fn has_accounts_of(&self, name: &GatewayName) -> bool {
        !self.accounts.all_of(name).is_empty()
    }

    /// Whether there is no gateway but the sandbox, so that no money is moved.
    pub fn are_the_sandbox_alone(&self) -> bool {
        let mut names = self.offered.keys().chain(self.switched_off.keys());
        names.all(GatewayName::is_sandbox) && self.accounts.is_empty()
    }

    /// Of the gateways that the configuration file offers, in alphabetical order.
    pub fn names(&self) -> Vec<GatewayName> {
        self.offered.keys().cloned().collect()
    }

    /// Of the gateways that take payments of this place, in alphabetical order.
    pub fn names_at(&self, place: Place<'_>) -> Vec<GatewayName> {
        let mut names = self.accounts.gateways_at(place);
        names.extend(self.names());
        names.sort();
        names.dedup();
        names
    }

    /// The precedence of accounts for new payments of a place, by gateway in alphabetical order.
    pub fn precedence(&self, place: Place<'_>) -> Vec<GatewayPrecedence> {
        let mut names = self.accounts.gateways();
        names.extend(self.names());
        names.sort();
        names.dedup();
        let of_gateway = |gateway: GatewayName| GatewayPrecedence {
            levels: self.accounts.levels(&gateway, place),
            is_configured: self.offered.contains_key(&gateway),
            gateway,
        };
        let concerns = |found: &GatewayPrecedence| found.is_configured || !found.levels.is_empty();
        names.into_iter().map(of_gateway).filter(concerns).collect()
    }

    /// Of the gateways that the configuration file offers, in alphabetical order.
    pub fn statuses(&self) -> Vec<GatewayStatus> {
        let status = |(name, gateway): (&GatewayName, &Arc<dyn Gateway>)| GatewayStatus {
            name: name.clone(),
            unavailable_for: match gateway.availability() {
                Availability::Available => None,
                Availability::Unavailable { retry_after } => Some(retry_after),
            },
        };
        self.offered.iter().map(status).collect()
    }

    /// The transaction that an answer of an unnamed gateway names: in our own parameter first, then in
    /// those that clients may use for any gateway, then in that of each configured one.
    pub fn transaction_named_in(&self, answer: &Answer) -> Option<TxnId> {
        [TRANSACTION_PARAMETER, MANGLED_PARAMETER]
            .into_iter()
            .chain(self.known_parameters.iter().copied())
            .chain([CLIENT_PARAMETER])
            .chain(
                self.offered
                    .values()
                    .chain(self.switched_off.values())
                    .map(|gateway| gateway.profile().transaction_parameter.as_ref()),
            )
            .find_map(|parameter| answer.transaction_in(parameter))
            .or_else(|| named_in_return_url(answer))
    }
}

/// The transaction named in the callback URL that came back. The browser is never sent there, only to the stored one.
fn named_in_return_url(answer: &Answer) -> Option<TxnId> {
    let url = Url::parse(answer.params.get_ignoring_case(RETURN_URL_PARAMETER)?).ok()?;
    let (_, id) = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case(TRANSACTION_PARAMETER))?;
    TxnId::new(id.into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use payment_gateway::Params;

    use super::*;

    fn named(params: &[(&str, &str)]) -> Option<String> {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let gateways = Gateways::default().with_known_parameters(["vpc_MerchTxnRef", "ORDERID", "txnid"]);
        let named = gateways.transaction_named_in(&Answer::of_params(Params::new(params)));
        named.map(|id| id.to_string())
    }

    #[test]
    fn a_transaction_is_named_in_our_parameter_first_then_in_those_of_the_gateways() {
        for parameter in ["vpc_MerchTxnRef", "ORDERID", "orderid", "transactionId", "TRANSACTIONID", "txnid"]
        {
            assert_eq!(named(&[(parameter, "T1")]).as_deref(), Some("T1"), "{parameter}");
            assert_eq!(named(&[(parameter, "T1"), ("EG_PG_TXNID", "T2")]).as_deref(), Some("T2"));
        }
        // PAYTM sends its own number as TXNID, which is PAYU's name for ours.
        assert_eq!(named(&[("TXNID", "2026"), ("ORDERID", "T1")]).as_deref(), Some("T1"));
        assert_eq!(named(&[("eg_pg_txnid", ""), ("txnid", "T1")]).as_deref(), Some("T1"));
        assert_eq!(named(&[("other", "T1")]), None);
    }

    #[test]
    fn a_transaction_is_named_as_forks_and_their_providers_return_it() {
        let url = "https://evil.example/x?y=1&eg_pg_txnid=T1";
        assert_eq!(named(&[("amp;eg_pg_txnid", "T1")]).as_deref(), Some("T1"));
        assert_eq!(named(&[("originalreturnurl", url)]).as_deref(), Some("T1"));
        assert_eq!(named(&[("OriginalReturnUrl", url), ("txnid", "T2")]).as_deref(), Some("T2"));
        for broken in [
            "",
            "x",
            "https://city.example/",
            "/relative?eg_pg_txnid=T1",
            "https://city.example/?eg_pg_txnid=",
        ] {
            assert_eq!(named(&[("originalreturnurl", broken)]), None, "{broken}");
        }
    }
}
