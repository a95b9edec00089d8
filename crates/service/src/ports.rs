//! What the use cases stand on, and the settings they read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_digit::{BankAccounts, Collections, Payers, TransactionIds};
use payment_domain::{Clock, GatewayName, TenantId, Timestamp};
use payment_store::{NewCase, Store, StoreError};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::gateways::Gateways;
use crate::identity::Identity;
use crate::pace::PaceSettings;
use crate::questions::QuestionSettings;
use crate::redirects::Redirects;
use crate::scheduler::differs_too_much;

/// The outside world of the use cases.
pub struct Ports {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The active gateways.
    pub gateways: Gateways,
    /// Numbers transactions.
    pub ids: Arc<dyn TransactionIds>,
    /// Registers payments.
    pub collections: Arc<dyn Collections>,
    /// Knows payers.
    pub payers: Arc<dyn Payers>,
    /// Knows bank accounts.
    pub bank_accounts: Arc<dyn BankAccounts>,
    /// The one clock that payments go by: that of the store.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub settings: Settings,
    /// Work that outlives the request that began it; shutdown waits for it.
    pub tasks: TaskTracker,
}

/// Settings of the use cases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where payers' browsers are led, and where gateways report to.
    pub redirects: Redirects,
    /// The interval of the early reconciliation; a payer is told to wait twice as long.
    pub early_interval: Duration,
    /// How long an order can be paid: after that "no such payment" is definite. `None` for as long as
    /// its gateway keeps it open ([`Profile::session`](payment_gateway::Profile::session)).
    pub order_life: Option<Duration>,
    /// The same for the gateways for which it is set.
    pub order_life_of: BTreeMap<GatewayName, Duration>,
    /// How old a pending transaction must be for its gateway to be asked when somebody wants to pay
    /// its bill anew; `None` when it never is.
    pub ask_after: Option<Duration>,
    /// How old a pending transaction must be for a repetition of its request to be led to it; `None`
    /// when it never is.
    pub reuse_after: Option<Duration>,
    /// The time zone in which payers are told moments.
    pub time_zone: TimeZone,
    /// How long a request waits for a receipt before it answers without one.
    pub receipt_wait: Duration,
    /// How long the right to issue a receipt is held. Longer than any two calls to the collection
    /// service together can take, so that no two are ever under way at once.
    pub receipt_lease: Duration,
    /// How long one call to the collection service may take in all: when less is left of the right to
    /// issue a receipt, none is begun.
    pub collection_call: Duration,
    /// How far the computer's clock may differ from the service's for jobs to be run; `None` where
    /// nobody else goes by the service's clock.
    pub largest_clock_offset: Option<Duration>,
    /// How long one question to a gateway may take in all.
    pub gateway_wait: Duration,
    /// How many questions news of one payment are worth.
    pub questions: QuestionSettings,
    /// How fast gateways are asked.
    pub pace: PaceSettings,
    /// Whether callers see only what is theirs.
    pub search_scope: bool,
    /// The user our own jobs act as.
    pub system_user_uuid: String,
    /// Where payers may be sent back to.
    pub allowed_callback_hosts: AllowedCallbackHosts,
    /// How many unsigned callbacks are kept of one transaction and day (UTC).
    pub unsigned_callbacks_per_day: u32,
}

impl Settings {
    /// Ourselves, when we act without a caller.
    pub fn system_identity(&self) -> Identity {
        Identity::system(&self.system_user_uuid)
    }
}

/// The hosts a payer may be sent back to, per tenant. A tenant without an entry inherits that of
/// the tenant above it; where there is none either, no host is allowed.
#[derive(Debug, Clone)]
pub struct AllowedCallbackHosts(BTreeMap<String, Vec<String>>);

/// Whether a URL leads to one of these hosts. `example.org` is exactly that host, `*.example.org` every
/// host below it; a port is compared when the entry names one.
pub fn is_host_among(hosts: &[String], url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    hosts.iter().any(|allowed| match allowed.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => allowed.eq_ignore_ascii_case(host) || allowed.eq_ignore_ascii_case(&authority),
    })
}

impl AllowedCallbackHosts {
    /// Hosts by tenant; the tenant `*` stands for all that have no entry.
    pub fn new(hosts: BTreeMap<String, Vec<String>>) -> AllowedCallbackHosts {
        AllowedCallbackHosts(hosts)
    }

    /// The same hosts for every tenant.
    pub fn of_all(hosts: Vec<String>) -> AllowedCallbackHosts {
        AllowedCallbackHosts::new(BTreeMap::from([("*".to_owned(), hosts)]))
    }

    /// Those of tenants that have no entry, and neither has any tenant above them.
    pub fn of_others(&self) -> &[String] {
        self.0.get("*").map_or(&[], Vec::as_slice)
    }

    /// Whether payers of this tenant may be sent to this URL.
    pub fn allow(&self, tenant: &TenantId, url: &Url) -> bool {
        let mut scope = tenant.as_str();
        let hosts = loop {
            if let Some(hosts) = self.0.get(scope) {
                break Some(hosts);
            }
            match scope.rsplit_once('.') {
                Some((above, _)) => scope = above,
                None => break self.0.get("*"),
            }
        };
        hosts.is_some_and(|hosts| is_host_among(hosts, url))
    }
}

impl Ports {
    /// Puts a case up for operators, unless there is one of its kind for the transaction already.
    pub(crate) async fn raise_attention(&self, new: NewCase) -> Result<(), StoreError> {
        let (txn_id, kind) = (new.case.txn_id.clone(), new.case.kind.as_str());
        if self.store.raise_attention(new).await? {
            metrics::counter!("attention_raised_total", "kind" => kind).increment(1);
            tracing::warn!(%txn_id, kind, "put up for attention");
        }
        Ok(())
    }

    /// By how many milliseconds the computer's clock is ahead of the service's, or behind it, where
    /// that is more than it may be for jobs to be run.
    pub fn clock_differs(&self) -> Option<i64> {
        let ahead = self.clock.computer_ahead_ms();
        differs_too_much(ahead, self.settings.largest_clock_offset).then_some(ahead)
    }

    /// The current moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// By which metrics keep apart what is no money.
pub(crate) fn sandbox_label(gateway: &GatewayName) -> &'static str {
    if gateway.is_sandbox() { "true" } else { "false" }
}

/// What a task came to; `None` when the end of the process cut it off. A panic in it goes on in
/// whoever waits for it.
pub(crate) fn finished<T>(joined: Result<T, tokio::task::JoinError>) -> Option<T> {
    match joined {
        Ok(result) => Some(result),
        Err(error) => {
            if error.is_panic() {
                std::panic::resume_unwind(error.into_panic());
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(hosts: &[(&str, &[&str])], tenant: &str, url: &str) -> bool {
        let hosts = hosts
            .iter()
            .map(|(tenant, hosts)| {
                ((*tenant).to_owned(), hosts.iter().map(|host| (*host).to_owned()).collect())
            })
            .collect();
        AllowedCallbackHosts::new(hosts).allow(&TenantId::new(tenant).unwrap(), &Url::parse(url).unwrap())
    }

    #[test]
    fn payers_are_sent_only_to_hosts_of_their_tenant() {
        assert!(!allowed(&[], "pb.amritsar", "https://anywhere.example/x"));
        let hosts: &[(&str, &[&str])] =
            &[("pb", &["pay.pb.gov.in", "*.city.in"]), ("pb.nabha", &["nabha.in:8443"])];
        assert!(allowed(hosts, "pb.amritsar", "https://pay.pb.gov.in/done?x=1"));
        assert!(allowed(hosts, "pb.amritsar", "https://a.b.city.in/"));
        assert!(!allowed(hosts, "pb.amritsar", "https://city.in/"));
        assert!(!allowed(hosts, "pb.amritsar", "https://evilcity.in/"));
        assert!(!allowed(hosts, "pb.amritsar", "https://pay.pb.gov.in.evil.example/"));
        assert!(allowed(hosts, "pb.nabha", "https://nabha.in:8443/"));
        assert!(!allowed(hosts, "pb.nabha", "https://nabha.in/"));
        assert!(
            !allowed(hosts, "pb.nabha", "https://pay.pb.gov.in/"),
            "an entry of its own replaces the one above"
        );
        assert!(
            !allowed(hosts, "mh.pune", "https://pay.pb.gov.in/"),
            "no entry for this state and none for all"
        );
        assert!(allowed(&[("*", &["x.in"])], "mh.pune", "https://x.in/"));
    }
}
