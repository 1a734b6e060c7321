//! The names under which a listener may be addressed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::uri::Authority;

/// The hosts that a listener answers to: loopback, and the names that were given to it.
///
/// A web page can give its own name the address 127.0.0.1 (DNS rebinding) and then read what a local server answers. The browser still sends the
/// name of the page in `Host`, by which such a request is recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(BTreeSet<String>);

/// The text is not a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name or an IP address without a port")]
pub struct AllowedHostsError(String);

impl AllowedHosts {
    /// Parses names and IP addresses without ports, separated by commas. IPv6 addresses may be in brackets.
    ///
    /// # Errors
    /// Names the entry that is not a host.
    pub fn parse(text: &str) -> Result<Self, AllowedHostsError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(parse_entry).collect::<Result<_, _>>().map(Self)
    }

    /// Adds the address of the listener, unless it is a wildcard, which names no host.
    #[must_use]
    pub fn with_listener(mut self, address: IpAddr) -> Self {
        if !address.is_unspecified() {
            self.0.insert(address.to_string());
        }
        self
    }

    /// Returns whether an authority (host and port) names this listener.
    pub(crate) fn include(&self, authority: &Authority) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        let host = bare(authority.host());
        is_loopback(&host) || self.0.contains(&host)
    }
}

fn parse_entry(entry: &str) -> Result<String, AllowedHostsError> {
    let host = bare(entry);
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if is_name || host.parse::<Ipv6Addr>().is_ok() {
        Ok(host)
    } else {
        Err(AllowedHostsError(entry.to_owned()))
    }
}

/// Returns a host in lower case, and an IPv6 address without its brackets and in its shortest form.
fn bare(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse::<Ipv6Addr>().map_or_else(|_| host.to_ascii_lowercase(), |address| address.to_string())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}
