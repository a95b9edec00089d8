//! The client's address behind proxies.

use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap};
pub use ipnet::IpNet;

use crate::caller::Peer;

/// The proxies whose word about a client's address is taken.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    pub networks: Vec<IpNet>,
    /// The one header that they write; of others a client may be the author.
    pub header: ForwardedHeader,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// Of RFC 7239.
    Forwarded,
}

impl TrustedProxies {
    /// The client's address, where the server knows the other end of the connection.
    pub fn address_of(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        extensions.get::<Peer>().map(|Peer(peer)| self.client(*peer, headers))
    }

    /// The client's address: that of the connection, unless a trusted proxy holds it. Each proxy appends the address it
    /// sees, so the last one that is no trusted proxy's is the client's; what stands before it the client may have
    /// written.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        for hop in self.hops(headers).into_iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = hop else { break };
            client = address;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The addresses that were appended, the newest last; `None` for what is none.
    fn hops(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let name = match self.header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut hops = Vec::new();
        for value in headers.get_all(name) {
            match value.to_str() {
                Ok(text) => hops.extend(text.split(',').map(|hop| self.address(hop))),
                Err(_) => hops.push(None),
            }
        }
        hops
    }

    fn address(&self, hop: &str) -> Option<IpAddr> {
        match self.header {
            ForwardedHeader::XForwardedFor => address(hop),
            ForwardedHeader::Forwarded => {
                let mut pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
                let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
                address(node.trim().trim_matches('"'))
            }
        }
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse::<IpAddr>().ok();
    parsed.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(header: ForwardedHeader, peer: &str, name: &'static str, values: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
        let headers = values
            .iter()
            .map(|value| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let proxies = TrustedProxies { networks, header };
        proxies.client(peer.parse().unwrap(), &headers.collect()).to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        for (peer, values, expected) in [
            ("192.0.2.7", &["203.0.113.9"][..], "192.0.2.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6", "203.0.113.9,10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("fd00::1", &["[2001:db8::9]:4711"], "2001:db8::9"),
            ("10.0.0.1", &["[2001:db8::9]"], "2001:db8::9"),
            ("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            // Nothing is taken from before what cannot be read.
            ("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.9, "], "10.0.0.1"),
        ] {
            let found = client(ForwardedHeader::XForwardedFor, peer, "x-forwarded-for", values);
            assert_eq!(found, expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn one_header_is_read_and_the_other_is_the_clients_own() {
        let forwarded = |values: &[&str]| client(ForwardedHeader::Forwarded, "10.0.0.1", "forwarded", values);
        for (value, expected) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("proto=https;For=\"203.0.113.9:80\";by=10.0.0.1", "203.0.113.9"),
            ("for=6.6.6.6, for=\"[2001:db8::9]:4711\"", "2001:db8::9"),
            ("for=203.0.113.9, for=_hidden", "10.0.0.1"),
            ("for=203.0.113.9, proto=https", "10.0.0.1"),
        ] {
            assert_eq!(forwarded(&[value]), expected, "{value}");
        }
        let other = client(ForwardedHeader::XForwardedFor, "10.0.0.1", "forwarded", &["for=203.0.113.9"]);
        assert_eq!(other, "10.0.0.1");
        let other = client(ForwardedHeader::Forwarded, "10.0.0.1", "x-forwarded-for", &["203.0.113.9"]);
        assert_eq!(other, "10.0.0.1");
    }
}
