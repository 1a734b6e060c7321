//! The events: the one definition of their types and of the data of each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use crate::{
    CustomerId, Email, Money, OrderId, OrderLine, PaymentToken, Phone, Recipient, RejectionReason, Shortage,
    Sku, Timestamp,
};

/// Declares each event once: its description, its Rust name, its data and its name on the wire. Every list of all events is generated
/// from here.
macro_rules! events {
    ($($(#[doc = $doc:literal])* $variant:ident($data:ty) = $name:literal;)*) => {
        /// The type of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType {
            $($(#[doc = $doc])* $variant,)*
        }

        /// An event's data, by type.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum EventData {
            $($(#[doc = $doc])* $variant($data),)*
        }

        impl EventType {
            /// All types.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the name on the wire, the `type` of the envelope.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Describes the event in one sentence.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),*).trim_ascii(),)*
                }
            }

            /// Returns the JSON Schema of the event's data.
            pub fn data_schema(self) -> DataSchema {
                match self {
                    $(Self::$variant => DataSchema::of::<$data>(),)*
                }
            }
        }

        impl EventData {
            /// Returns the type of the event that has this data.
            pub const fn event_type(&self) -> EventType {
                match self {
                    $(Self::$variant(_) => EventType::$variant,)*
                }
            }

            /// Parses the data of an event of this type.
            pub(crate) fn from_json(event_type: EventType, json: &str) -> serde_json::Result<Self> {
                match event_type {
                    $(EventType::$variant => serde_json::from_str(json).map(Self::$variant),)*
                }
            }
        }

        impl Serialize for EventData {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(data) => data.serialize(serializer),)*
                }
            }
        }
    };
}

events! {
    /// A customer placed an order.
    OrderPlaced(OrderPlaced) = "order.placed";
    /// An order's units are reserved and its payment is captured.
    OrderConfirmed(OrderEnded) = "order.confirmed";
    /// An order is rejected: there was not enough stock, a product is unknown, or the payment was declined.
    OrderRejected(OrderEnded) = "order.rejected";
    /// An order is cancelled, by the customer or because it stayed undecided too long.
    OrderCancelled(OrderEnded) = "order.cancelled";
    /// Inventory or payments have reported about an order that does not exist. What they did for it is to be undone.
    OrderUnknown(OrderUnknown) = "order.unknown";
    /// Inventory has reserved the units of an order.
    InventoryReserved(InventoryReserved) = "inventory.reserved";
    /// Inventory cannot reserve the units of an order.
    InventoryRejected(InventoryRejected) = "inventory.rejected";
    /// Inventory has released the units of a rejected or cancelled order, or had reserved none.
    InventoryReleased(InventoryReleased) = "inventory.released";
    /// The payment of an order is captured.
    PaymentCompleted(PaymentOutcome) = "payment.completed";
    /// The payment provider declined the payment of an order.
    PaymentFailed(PaymentOutcome) = "payment.failed";
    /// A rejected or cancelled order is not charged: its payment was voided or never made.
    PaymentVoided(PaymentOutcome) = "payment.voided";
    /// The payment of a rejected or cancelled order is refunded.
    PaymentRefunded(PaymentOutcome) = "payment.refunded";
    /// A product can be ordered.
    ProductCreated(ProductChanged) = "product.created";
    /// A product's name or price has changed.
    ProductUpdated(ProductChanged) = "product.updated";
    /// A product can no longer be ordered.
    ProductRemoved(ProductChanged) = "product.removed";
    /// An operator has corrected a stock level.
    StockAdjusted(StockAdjusted) = "stock.adjusted";
    /// A client of the API has requested a message to a customer.
    NotificationRequested(NotificationRequested) = "notification.requested";
}

impl EventType {
    /// Returns the `source` of the envelope: the service that emits the event.
    pub const fn source(self) -> &'static str {
        match self {
            Self::OrderPlaced
            | Self::OrderConfirmed
            | Self::OrderRejected
            | Self::OrderCancelled
            | Self::OrderUnknown => "/orderflow/orders",
            Self::InventoryReserved
            | Self::InventoryRejected
            | Self::InventoryReleased
            | Self::StockAdjusted => "/orderflow/inventory",
            Self::PaymentCompleted | Self::PaymentFailed | Self::PaymentVoided | Self::PaymentRefunded => {
                "/orderflow/payments"
            }
            Self::ProductCreated | Self::ProductUpdated | Self::ProductRemoved => "/orderflow/catalog",
            Self::NotificationRequested => "/orderflow/notifications",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`EventType`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown event type {0:?}")]
pub struct UnknownEventType(pub String);

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        let found = Self::ALL.iter().find(|known| known.as_str() == text);
        found.copied().ok_or_else(|| UnknownEventType(text.to_owned()))
    }
}

/// The schema of an event's data, with the schemas that it refers to as `#/components/schemas/<name>`.
#[derive(Clone)]
pub struct DataSchema {
    /// The schema's name.
    pub name: String,
    /// The schema.
    pub schema: RefOr<Schema>,
    /// The schemas that it refers to, by name.
    pub parts: Vec<(String, RefOr<Schema>)>,
}

impl DataSchema {
    pub(crate) fn of<T: ToSchema>() -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self { name: T::name().into_owned(), schema: T::schema(), parts }
    }
}

/// A number of units of one sku.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quantities {
    /// The product.
    pub sku: Sku,
    /// The number of units.
    pub quantity: u32,
}

/// Data of `order.placed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the fields are those of the order")]
pub struct OrderPlaced {
    pub order_id: OrderId,
    pub customer_id: CustomerId,
    pub email: Email,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    pub items: Vec<OrderLine>,
    pub total: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_token: Option<PaymentToken>,
    /// When the order was placed. `time` is later if the event is resent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<Timestamp>,
}

/// Data of `order.confirmed`, `order.rejected` and `order.cancelled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the fields are those of the order")]
pub struct OrderEnded {
    pub order_id: OrderId,
    pub customer_id: CustomerId,
    pub email: Email,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    pub total: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub items: Vec<OrderLine>,
    /// When the order was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<Timestamp>,
}

/// Data of `order.unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderUnknown {
    /// The order that does not exist.
    pub order_id: OrderId,
    /// The amount that was reported.
    pub total: Money,
}

/// Data of `inventory.reserved`. Payment charges from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the fields are those of the order")]
pub struct InventoryReserved {
    pub order_id: OrderId,
    pub total: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_token: Option<PaymentToken>,
}

/// Data of `inventory.rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InventoryRejected {
    /// The order.
    pub order_id: OrderId,
    /// Why the units are not reserved.
    pub reason: RejectionReason,
    /// The skus of which there were too few units.
    pub shortages: Vec<Shortage>,
}

/// Data of `inventory.released`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InventoryReleased {
    /// The order.
    pub order_id: OrderId,
    /// The units that became available again; empty when none were reserved.
    pub items: Vec<Quantities>,
}

/// Data of the payment events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentOutcome {
    /// The order.
    pub order_id: OrderId,
    /// The amount of the payment, in minor units.
    pub amount: i64,
    /// Its currency.
    pub currency: crate::Currency,
    /// The payment provider's id of the payment, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why the payment failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The customer's address, for the message about a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The customer's telephone number, for the short message about a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// Data of `product.created`, `product.updated` and `product.removed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductChanged {
    /// The product.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// Its price.
    pub price: Money,
    /// The units that inventory books at first (`product.created` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
}

/// Data of `stock.adjusted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockAdjusted {
    /// The product.
    pub sku: Sku,
    /// Units that can be ordered after the change.
    pub available: i64,
    /// Units reserved for orders.
    pub reserved: i64,
    /// The difference that the correction made to `available`.
    pub change: i64,
}

/// Data of `notification.requested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationRequested {
    /// The id of the message.
    pub notification_id: Uuid,
    /// The channel and the address.
    #[serde(flatten)]
    pub recipient: Recipient,
    /// The name of the template that the text is made from.
    pub template: String,
    /// The variables of the template, by name.
    #[schema(value_type = Object)]
    pub variables: serde_json::Map<String, serde_json::Value>,
}
