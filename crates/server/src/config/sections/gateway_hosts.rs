//! The hosts of gateways: called over a way that is safe, and where money moves.

use payment_gateways::Adapter;
use payment_service::is_host_among;
use payment_settings::parser::absolute_url;
use payment_settings::{Declared, Fallback, Reader, Spec};
use url::{Host, Url};

use super::payments::HTTP_HOSTS;
use super::services::COLLECTIONS_HOST;

/// The addresses among settings, set or by default.
fn addresses(reader: &Reader<'_>, settings: &'static [&'static dyn Declared]) -> Vec<(&'static Spec, Url)> {
    let url = |setting: &'static Spec| {
        let default = match setting.fallback {
            Fallback::Value(text) => Some(text),
            Fallback::Unset | Fallback::WorkedOut(_) => None,
        };
        let set = reader.values().get(&reader.key(setting));
        let text = set.map(|value| value.expose()).or(default)?;
        Url::parse(&absolute_url(text).ok()?).ok()
    };
    let addresses = settings.iter().filter(|setting| setting.is_address()).map(|setting| setting.spec());
    addresses.filter_map(|setting| Some((setting, url(setting)?))).collect()
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Over `http` any node on the way can read payers' data, and answer in the gateway's place.
pub(super) fn check_hosts(
    reader: &mut Reader<'_>,
    name: Option<&str>,
    settings: &'static [&'static dyn Declared],
) {
    let allowed = reader.set(&HTTP_HOSTS).unwrap_or_default();
    let mut own = reader.fork(name);
    for (setting, url) in addresses(&own, settings) {
        if url.scheme() == "http" && !is_loopback(&url) && !is_host_among(&allowed, &url) {
            let host = url.host_str().unwrap_or_default();
            let wrong =
                format!("is called over http, which is neither private nor proof of who answers ({host})");
            let allow = HTTP_HOSTS.key;
            let fix =
                format!("write https://, or allow it where the way to this host is safe: {allow}={host}");
            own.problem(setting, wrong, fix);
        }
    }
    reader.problems.append(&mut own.problems);
}

/// A provider's test environment, or a simulator, whose payments the real collection service issues receipts
/// for. Once for a gateway.
pub(super) fn tell_make_believe(reader: &mut Reader<'_>, adapter: &Adapter) {
    if !reader.is_set(&COLLECTIONS_HOST) {
        return;
    }
    let is_test = |url: &Url| url.host_str().is_some_and(|host| adapter.test_hosts.contains(&host));
    let mut addresses = addresses(reader, adapter.settings);
    addresses.sort_by_key(|(setting, _)| setting.key);
    if let Some((setting, url)) = addresses.into_iter().find(|(_, url)| is_test(url) || is_loopback(url)) {
        let what =
            if is_test(&url) { "the provider's test environment" } else { "this machine, as a simulator is" };
        let host = url.host_str().unwrap_or_default();
        let text = format!(
            "{host} is {what}: no money moves there, and the collection service issues receipts all the same"
        );
        reader.doubt(setting, text);
    }
}
