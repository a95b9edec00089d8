//! The hosts to which payers may be sent back.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use payment_gateways::config::absolute_url;
use payment_service::AllowedCallbackHosts;
use url::Url;

use super::services::digit_is_there;
use crate::config::kinds;
use crate::config::reader::Reader;

const KEY: &str = "callback.allowed-hosts";

/// Where payers may be sent back to.
pub(super) fn allowed(reader: &mut Reader<'_>) -> AllowedCallbackHosts {
    let hosts: BTreeMap<String, Vec<String>> = reader
        .values
        .per_tenant(KEY)
        .map(|(tenant, hosts)| {
            (tenant.to_owned(), kinds::hosts(hosts.expose()).map(str::to_ascii_lowercase).collect())
        })
        .collect();
    if hosts.is_empty() {
        return AllowedCallbackHosts::of_all(of_all(reader));
    }
    AllowedCallbackHosts::new(hosts)
}

/// Where payers may be sent back to when nothing says it: beside DIGIT to the host of its pages, and alone
/// to this service's own, for its sandbox has a page for that, and to others on the same machine.
fn of_all(reader: &mut Reader<'_>) -> Vec<String> {
    const PAGES: &str = "notification.url";
    let host_of = |key: &str| {
        let url = Url::parse(&absolute_url(reader.set(key)?).ok()?).ok()?;
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    };
    if digit_is_there(reader) {
        let pages = host_of(PAGES);
        if pages.is_none() {
            reader.problem(
                KEY,
                format!(
                    "must be set beside DIGIT while {PAGES} is not: payers could be sent back to nowhere"
                ),
                "name the hosts of the applications' pages, e.g. callback.allowed-hosts=city.example.org",
            );
        }
        return pages.into_iter().collect();
    }
    let address = reader.text("server.address").parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let own = host_of("server.public-url").or_else(|| match address {
        ip if ip.is_unspecified() || ip.is_loopback() => None,
        IpAddr::V4(ip) => Some(ip.to_string()),
        IpAddr::V6(ip) => Some(format!("[{ip}]")),
    });
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
    hosts.extend(own);
    if !address.is_loopback() {
        let text = format!("is not set: payers are sent back to no other hosts than {}", hosts.join(", "));
        reader.doubt(KEY, text);
    }
    hosts
}
