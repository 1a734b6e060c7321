//! Networks of proxies.

use std::net::IpAddr;
use std::str::FromStr;

use orderflow_settings::NotAllowed;

/// A network, such as 10.0.0.0/8, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Returns whether the network has this address, which is in its canonical form.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let (length, own, other) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (32, u128::from(own.to_bits()), u128::from(other.to_bits()))
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (128, own.to_bits(), other.to_bits()),
            _ => return false,
        };
        // A prefix of 0 of an IPv6 network shifts by all bits.
        (own ^ other).checked_shr(length - self.prefix).unwrap_or_default() == 0
    }
}

impl FromStr for Network {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| NotAllowed)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotAllowed)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest { Err(NotAllowed) } else { Ok(Self { address, prefix }) }
    }
}

/// Parses networks, separated by commas.
pub(crate) fn networks(text: &str) -> Result<Vec<Network>, NotAllowed> {
    text.split(',').map(|network| network.trim().parse()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_of_its_prefix() {
        for (network, address, has) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.7", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), has, "{network:?} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0", "proxy", "10.0.0.1,", "::/129", "*"] {
            assert!(networks(text).is_err(), "{text}");
        }
        assert_eq!(networks("10.0.0.0/8, ::1").unwrap().len(), 2);
    }
}
