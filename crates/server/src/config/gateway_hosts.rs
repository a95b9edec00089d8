//! Where gateways are called: over a way that is safe, and where money moves.

use std::collections::BTreeSet;

use payment_gateways::config::absolute_url;
use payment_gateways::remote::config::PREFIX as REMOTE;
use payment_service::is_host_among;
use url::{Host, Url};

use super::reader::Reader;
use super::setting::Kind;
use super::{kinds, table};

/// The addresses of a gateway: the settings that hold them, and what they come to.
fn addresses(reader: &Reader<'_>, prefix: &str) -> Vec<(String, Url)> {
    let is_of = |key: &str| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    let fixed = table::all().filter(|setting| is_of(setting.key)).map(|setting| setting.key);
    let named = reader.values.names().filter(|name| is_of(name));
    let keys: BTreeSet<&str> = fixed.chain(named).collect();
    keys.into_iter()
        .filter(|key| table::find(key).is_some_and(|setting| setting.kind == Kind::Url))
        .filter_map(|key| Some((key.to_owned(), Url::parse(&absolute_url(reader.text(key)).ok()?).ok()?)))
        .collect()
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

/// Over `http` anybody on the way reads payers' data, and answers in the gateway's place.
pub(super) fn check_hosts(reader: &mut Reader<'_>, prefix: &str) {
    const ALLOWED: &str = "gateways.http-hosts";
    let allowed: Vec<String> = kinds::hosts(reader.text(ALLOWED)).map(str::to_owned).collect();
    for (key, url) in addresses(reader, prefix) {
        if url.scheme() == "http" && !is_loopback(&url) && !is_host_among(&allowed, &url) {
            let host = url.host_str().unwrap_or_default();
            reader.problem(
                &key,
                format!("is called over http, which is neither private nor proof of who answers ({host})"),
                format!("write https://, or allow it where the way to this host is safe: {ALLOWED}={host}"),
            );
        }
    }
}

/// Hosts on which providers let others try their gateways out. No money moves there.
const TEST_HOSTS: [&str; 6] = [
    "api-preprod.phonepe.com",
    "mercury-uat.phonepe.com",
    "securegw-stage.paytm.in",
    "securestage.paytmpayments.com",
    "test.payu.in",
    "www.migs-mtf.mastercard.com.au",
];

/// A provider's test environment, or a simulator, whose payments the real collection service issues
/// receipts for. Once for a gateway.
pub(super) fn tell_make_believe(reader: &mut Reader<'_>, prefix: &str) {
    if reader.set("egov.collectionservice.host").is_none() || prefix.starts_with(REMOTE) {
        return;
    }
    let is_test = |url: &Url| url.host_str().is_some_and(|host| TEST_HOSTS.contains(&host));
    let found = addresses(reader, prefix).into_iter().find(|(_, url)| is_test(url) || is_loopback(url));
    if let Some((key, url)) = found {
        let what =
            if is_test(&url) { "the provider's test environment" } else { "this machine, as a simulator is" };
        let host = url.host_str().unwrap_or_default();
        reader.doubt(
            &key,
            format!("{host} is {what}: no money moves there, and the collection service issues receipts all the same"),
        );
    }
}
