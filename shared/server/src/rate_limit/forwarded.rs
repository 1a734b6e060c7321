//! The address that a request comes from, behind proxies.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use super::network::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns the address that a request comes from: that of the connection, or the last address in `X-Forwarded-For` that is not of a
/// trusted proxy, if the connection is of one.
///
/// Each proxy appends the address that it was called from, so only what stands behind the last untrusted address is reliable. An entry
/// that is no address ends the search at the proxy that wrote it.
pub(crate) fn source(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut source = peer.to_canonical();
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut hops = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while is_trusted(source) {
        let Some(next) = hops.next().and_then(address) else { break };
        source = next;
    }
    source
}

/// Parses an entry: an address, with or without a port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::rate_limit::network::networks;

    fn source_of(peer: &str, forwarded: &[&str], trusted: &str) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted = if trusted.is_empty() { Vec::new() } else { networks(trusted).unwrap() };
        source(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_header_of_an_untrusted_peer_is_ignored() {
        assert_eq!(source_of("203.0.113.7", &["198.51.100.1"], ""), "203.0.113.7");
        assert_eq!(source_of("203.0.113.7", &["198.51.100.1"], "10.0.0.0/8"), "203.0.113.7");
    }

    #[test]
    fn the_rightmost_address_that_is_not_of_a_proxy_is_the_source() {
        for (forwarded, expected) in [
            (&["198.51.100.1"][..], "198.51.100.1"),
            (&["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (&["1.1.1.1, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
            (&["1.1.1.1", "198.51.100.1,10.0.0.9"], "198.51.100.1"),
            (&["198.51.100.1:4711"], "198.51.100.1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:198.51.100.1"], "198.51.100.1"),
            (&[], "10.0.0.1"),
            (&["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
            (&["1.1.1.1, unknown"], "10.0.0.1"),
            (&["1.1.1.1, unknown, 10.0.0.9"], "10.0.0.9"),
            (&[""], "10.0.0.1"),
        ] {
            assert_eq!(source_of("10.0.0.1", forwarded, "10.0.0.0/8"), expected, "{forwarded:?}");
            assert_eq!(source_of("::ffff:10.0.0.1", forwarded, "10.0.0.0/8"), expected, "{forwarded:?}");
        }
    }
}
