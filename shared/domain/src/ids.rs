//! Ids of orders and customers.

use std::fmt;

use uuid::Uuid;

use crate::Timestamp;
use crate::source::ordered_id;
use crate::text::{is_text, parsed_string};

/// The UUIDv5 namespace of order ids that are derived from an idempotency key.
const KEYED_ORDERS: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6b65_7965_6400);

/// An order's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct OrderId(Uuid);

/// A text that is not a valid [`OrderId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of an order, a UUID such as 0190163d-8694-739b-aea5-966c26f8ad91")]
pub struct OrderIdError;

impl OrderId {
    /// Makes a new id. Ids sort by the time at which they were made (UUIDv7, RFC 9562).
    pub fn generate() -> Self {
        Self(ordered_id())
    }

    /// Derives the id of the order that a customer places under an idempotency key (UUIDv5, RFC 9562), so that a repeated request has the
    /// same id.
    pub fn from_idempotency_key(customer: &CustomerId, key: &str) -> Self {
        // Without the length, ("ab", "c") and ("a", "bc") would have the same name.
        let name = format!("{}:{}:{key}", customer.as_str().len(), customer.as_str());
        Self(Uuid::new_v5(&KEYED_ORDERS, name.as_bytes()))
    }

    /// Returns when [`generate`](Self::generate) made the id; `None` for an id that was derived from an idempotency key.
    pub fn generated_at(&self) -> Option<Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp().filter(|_| self.0.get_version_num() == 7)?.to_unix();
        let millis =
            i64::try_from(seconds).ok()?.checked_mul(1_000)?.checked_add(i64::from(nanos / 1_000_000))?;
        Some(Timestamp::from_millis(millis))
    }

    /// Parses a hyphenated UUID. Other spellings of a UUID are refused, so that one order has one id as text.
    ///
    /// # Errors
    /// [`OrderIdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, OrderIdError> {
        const HYPHENATED: usize = 36;
        let id = Uuid::parse_str(text).ok().filter(|_| text.len() == HYPHENATED);
        id.map(Self).ok_or(OrderIdError)
    }

    /// Returns the id as a UUID.
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl std::str::FromStr for OrderId {
    type Err = OrderIdError;

    fn from_str(text: &str) -> Result<Self, OrderIdError> {
        Self::parse(text)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shop's id of a customer: 1 to 64 characters without control characters, at least one of them not blank.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(String);

/// A text that is not a valid [`CustomerId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters without control characters, and not only blanks")]
pub struct CustomerIdError;

impl CustomerId {
    /// The most characters of an id.
    pub(crate) const MAX_LENGTH: usize = 64;

    /// Parses an id.
    ///
    /// # Errors
    /// [`CustomerIdError`] for a text that is blank, longer than 64 characters, or holds control characters.
    pub fn parse(text: &str) -> Result<Self, CustomerIdError> {
        if is_text(text, Self::MAX_LENGTH) { Ok(Self(text.to_owned())) } else { Err(CustomerIdError) }
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

parsed_string!(CustomerId, CustomerIdError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_customer_and_key_give_the_same_order_id() {
        let customer = |text| CustomerId::parse(text).unwrap();
        let id = OrderId::from_idempotency_key(&customer("C100"), "k");
        assert_eq!(id, OrderId::from_idempotency_key(&customer("C100"), "k"));
        assert_ne!(id, OrderId::from_idempotency_key(&customer("C10"), "0:k"));
        assert_ne!(id, OrderId::from_idempotency_key(&customer("C101"), "k"));
        assert_eq!(id.as_uuid().get_version_num(), 5);
    }

    #[test]
    fn only_a_generated_id_has_a_time() {
        let before = Timestamp::now();
        let made = OrderId::generate().generated_at().unwrap();
        assert!(before <= made && made <= Timestamp::now(), "{before} {made}");
        let keyed = OrderId::from_idempotency_key(&CustomerId::parse("C100").unwrap(), "k");
        assert_eq!(keyed.generated_at(), None);
    }

    #[test]
    fn an_order_id_has_one_spelling() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(OrderId::parse(id).unwrap().to_string(), id);
        let (bare, braced) = (id.replace('-', ""), format!("{{{id}}}"));
        for bad in ["", "7", &bare, &braced, &format!("urn:uuid:{id}"), &id.replace('0', "g")] {
            assert_eq!(OrderId::parse(bad), Err(OrderIdError), "{bad:?}");
        }
    }

    #[test]
    fn customer_ids_count_characters_not_bytes() {
        assert!(CustomerId::parse(&"ü".repeat(64)).is_ok());
        for bad in ["", "  ", "a\u{7}", &"a".repeat(65)] {
            assert!(CustomerId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
