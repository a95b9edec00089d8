//! The ports of the use cases, and their settings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_digit::{BankAccounts, Collections, Payers, TransactionIds};
use payment_domain::{Clock, GatewayName, TenantId, Timestamp};
use payment_store::{NewCase, Store, StoreError};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::audit::CheckpointSettings;
use crate::gateways::Gateways;
use crate::identity::Identity;
use crate::pace::PaceSettings;
use crate::questions::QuestionSettings;
use crate::redirects::Redirects;
use crate::refunds::RefundSettings;
use crate::scheduler::differs_too_much;

pub struct Ports {
    pub store: Arc<dyn Store>,
    pub gateways: Gateways,
    pub ids: Arc<dyn TransactionIds>,
    pub collections: Arc<dyn Collections>,
    pub payers: Arc<dyn Payers>,
    pub bank_accounts: Arc<dyn BankAccounts>,
    /// The store's clock, which everything follows.
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
    /// Work that outlives its request; shutdown waits for it.
    pub tasks: TaskTracker,
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub redirects: Redirects,
    /// The interval of the early reconciliation job; payers are asked to retry after twice that.
    pub early_interval: Duration,
    /// How long an order can be paid; after that "no such payment" is final. `None` for the gateway's
    /// [`Profile::session`](payment_gateway::Profile::session).
    pub order_life: Option<Duration>,
    /// `order_life` by gateway.
    pub order_life_of: BTreeMap<GatewayName, Duration>,
    /// The age at which a pending transaction is checked when another create wants its bill; `None` for
    /// never.
    pub ask_after: Option<Duration>,
    /// The age at which an equal request is answered with a pending transaction; `None` for never.
    pub reuse_after: Option<Duration>,
    /// Of the moments in messages to payers.
    pub time_zone: TimeZone,
    /// How long a request waits for its receipt.
    pub receipt_wait: Duration,
    /// The lease of a receipt task: longer than two calls to the collection service together.
    pub receipt_lease: Duration,
    /// The longest call to the collection service. None begins when less is left of the lease.
    pub collection_call: Duration,
    /// [`SchedulerSettings::largest_clock_offset`](crate::SchedulerSettings::largest_clock_offset).
    pub largest_clock_offset: Option<Duration>,
    /// The longest status request.
    pub gateway_wait: Duration,
    /// The questions that unsigned answers about one payment may cause.
    pub questions: QuestionSettings,
    pub pace: PaceSettings,
    pub refunds: RefundSettings,
    /// Whether callers see only their own transactions.
    pub search_scope: bool,
    /// The user that jobs act as.
    pub system_user_uuid: String,
    pub allowed_callback_hosts: AllowedCallbackHosts,
    /// The number of unsigned callbacks that are kept per transaction and day (UTC).
    pub unsigned_callbacks_per_day: u32,
    pub checkpoints: Arc<CheckpointSettings>,
}

impl Settings {
    /// The identity of jobs.
    pub fn system_identity(&self) -> Identity {
        Identity::system(&self.system_user_uuid)
    }
}

/// The hosts a payer may be sent back to, by tenant. A tenant without an entry inherits that of the tenant
/// above it; without one, no host is allowed.
#[derive(Debug, Clone)]
pub struct AllowedCallbackHosts(BTreeMap<String, Vec<String>>);

/// Whether a URL leads to one of these hosts. `example.org` is that host, `*.example.org` every host below it;
/// a port is compared when the entry has one.
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
    /// Hosts by tenant; `*` is for all tenants without an entry.
    pub fn new(hosts: BTreeMap<String, Vec<String>>) -> AllowedCallbackHosts {
        AllowedCallbackHosts(hosts)
    }

    /// The same hosts for every tenant.
    pub fn of_all(hosts: Vec<String>) -> AllowedCallbackHosts {
        AllowedCallbackHosts::new(BTreeMap::from([("*".to_owned(), hosts)]))
    }

    /// The hosts of tenants without an entry of their own or above them.
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
    /// Raises a review case, unless the transaction has one of its kind.
    pub(crate) async fn raise_attention(&self, new: NewCase) -> Result<(), StoreError> {
        let (txn_id, kind) = (new.case.txn_id.clone(), new.case.kind.as_str());
        if self.store.raise_attention(new).await? {
            metrics::counter!("attention_raised_total", "kind" => kind.replace('-', "_")).increment(1);
            tracing::warn!(%txn_id, kind, "a review case is raised");
        }
        Ok(())
    }

    /// The offset of the computer's clock in milliseconds, when it is too large for jobs to run.
    pub fn clock_differs(&self) -> Option<i64> {
        let ahead = self.clock.computer_ahead_ms();
        differs_too_much(ahead, self.settings.largest_clock_offset).then_some(ahead)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The label that keeps sandbox payments apart in metrics.
pub(crate) fn sandbox_label(gateway: &GatewayName) -> &'static str {
    if gateway.is_sandbox() { "true" } else { "false" }
}

/// The result of a task; `None` when the process ended first. Resumes a panic of the task.
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
