//! The hosts to which payers may be sent back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use payment_service::AllowedCallbackHosts;
use payment_settings::Reader;
use url::Url;

use super::notifications::PAGES;
use super::payments::CALLBACK_HOSTS;
use super::server::{ADDRESS, PUBLIC_URL};
use super::services::digit_is_there;

pub(super) fn allowed(reader: &mut Reader<'_>) -> AllowedCallbackHosts {
    let hosts: BTreeMap<String, Vec<String>> = reader
        .per_tenant(&CALLBACK_HOSTS)
        .into_iter()
        .map(|(tenant, hosts)| {
            (tenant.to_owned(), hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
        })
        .collect();
    if hosts.is_empty() {
        return AllowedCallbackHosts::of_all(of_all(reader));
    }
    AllowedCallbackHosts::new(hosts)
}

/// Where payers may be sent back to by default: beside DIGIT to the host of its pages; alone to this service's
/// own, for its sandbox has a page for that, and to others on the same machine.
fn of_all(reader: &mut Reader<'_>) -> Vec<String> {
    let host_of = |url: Option<String>| {
        let url = Url::parse(&url?).ok()?;
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    };
    if digit_is_there(reader) {
        let pages = host_of(reader.set(&PAGES));
        if pages.is_none() {
            reader.problem(
                &CALLBACK_HOSTS,
                format!(
                    "must be set beside DIGIT while {} is not: payers could be sent back to nowhere",
                    PAGES.key
                ),
                "name the hosts of the applications' pages, e.g. callback.allowed-hosts=city.example.org",
            );
        }
        return pages.into_iter().collect();
    }
    let address = reader.get(&ADDRESS);
    let own = host_of(reader.set(&PUBLIC_URL)).or_else(|| match address {
        ip if ip.is_unspecified() || ip.is_loopback() => None,
        IpAddr::V4(ip) => Some(ip.to_string()),
        IpAddr::V6(ip) => Some(format!("[{ip}]")),
    });
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
    hosts.extend(own);
    if !address.is_loopback() {
        let text = format!("is not set: payers are sent back to no other hosts than {}", hosts.join(", "));
        reader.doubt(&CALLBACK_HOSTS, text);
    }
    hosts
}
