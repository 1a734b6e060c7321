//! Which parts of the system a process runs.

use std::collections::BTreeSet;
use std::str::FromStr;

use orderflow_messaging::SUBSCRIPTIONS;

/// Accepts orders over HTTP.
pub(crate) const ORDER_INTAKE: &str = "order-intake";
/// Serves the rest of the API over HTTP.
pub(crate) const SHOP_API: &str = "shop-api";
/// Resends the events of stuck orders, and cancels orders that stay undecided too long.
pub(crate) const ORDER_EXPIRY: &str = "order-expiry";
/// Publishes the events from the streams of the tables.
pub(crate) const OUTBOX_RELAY: &str = "outbox-relay";

/// Charges orders.
pub(crate) const PAYMENT: &str = "payment";
/// Notifies customers.
pub(crate) const NOTIFICATION: &str = "notification";

/// A part of the system, named like its bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(&'static str);

/// No part has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no part is called {name:?}; the parts are {known}")]
pub struct UnknownPart {
    name: String,
    known: String,
}

impl Part {
    /// Returns every part.
    pub fn all() -> impl Iterator<Item = Self> {
        let consumers = SUBSCRIPTIONS.iter().map(|row| row.consumer);
        [ORDER_INTAKE, SHOP_API, ORDER_EXPIRY, OUTBOX_RELAY].into_iter().chain(consumers).map(Self)
    }

    /// Returns the name.
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
    /// Returns all parts.
    pub fn all() -> Self {
        Self(Part::all().collect())
    }

    /// Returns every part that works without requests: the consumers, the relay and `order-expiry`.
    pub fn background() -> Self {
        Self(Part::all().filter(|part| ![ORDER_INTAKE, SHOP_API].contains(&part.name())).collect())
    }

    /// Returns whether this part runs.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|part| part.name() == name)
    }

    /// Returns whether a part runs that needs the broker.
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
    fn parts_have_the_names_of_their_bundles() {
        let parts: Parts =
            ["payment", "order-intake"].iter().map(|name| name.parse::<Part>().unwrap()).collect();
        assert!(parts.contains("payment") && parts.contains(ORDER_INTAKE) && !parts.contains(OUTBOX_RELAY));
        let error = "paymnt".parse::<Part>().unwrap_err().to_string();
        assert!(error.contains("\"paymnt\"") && error.contains("inventory-reserve"), "{error}");
    }
}
