//! Which parts of the system a process runs.

use std::collections::BTreeSet;
use std::str::FromStr;

use orderflow_messaging::SUBSCRIPTIONS;

/// Takes orders in over HTTP.
pub(crate) const ORDER_INTAKE: &str = "order-intake";
/// Everything else over HTTP.
pub(crate) const SHOP_API: &str = "shop-api";
/// Sees to orders that stay open too long.
pub(crate) const ORDER_EXPIRY: &str = "order-expiry";
/// Publishes what the tables' writes emitted.
pub(crate) const OUTBOX_RELAY: &str = "outbox-relay";

/// A part of the system, by the name of its bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(&'static str);

/// No part is called that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no part is called {name:?}; there are {known}")]
pub struct UnknownPart {
    name: String,
    known: String,
}

impl Part {
    /// Every part there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let consumers = SUBSCRIPTIONS.iter().map(|row| row.consumer);
        [ORDER_INTAKE, SHOP_API, ORDER_EXPIRY, OUTBOX_RELAY].into_iter().chain(consumers).map(Self)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl FromStr for Part {
    type Err = UnknownPart;

    fn from_str(name: &str) -> Result<Self, UnknownPart> {
        Self::all().find(|part| part.name() == name).ok_or_else(|| UnknownPart {
            name: name.to_owned(),
            known: Self::all().map(Self::name).collect::<Vec<_>>().join(", "),
        })
    }
}

/// The parts that a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts(BTreeSet<Part>);

impl Parts {
    /// Every part.
    pub fn all() -> Self {
        Self(Part::all().collect())
    }

    /// Every part that works without being asked: consumers, the relay, and `order-expiry`.
    pub fn background() -> Self {
        Self(Part::all().filter(|part| ![ORDER_INTAKE, SHOP_API].contains(&part.name())).collect())
    }

    /// Whether it runs this one.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|part| part.name() == name)
    }

    /// Whether it runs anything that the broker is needed for.
    pub(crate) fn need_broker(&self) -> bool {
        self.0.iter().any(|part| ![ORDER_INTAKE, SHOP_API, ORDER_EXPIRY].contains(&part.name()))
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_by_the_names_of_their_bundles() {
        let parts: Parts =
            ["payment", "order-intake"].iter().map(|name| name.parse::<Part>().unwrap()).collect();
        assert!(parts.contains("payment") && parts.contains(ORDER_INTAKE) && !parts.contains(OUTBOX_RELAY));
        let error = "paymnt".parse::<Part>().unwrap_err().to_string();
        assert!(error.contains("\"paymnt\"") && error.contains("inventory-reserve"), "{error}");
    }
}
