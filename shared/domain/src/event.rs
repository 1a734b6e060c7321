//! What happens, as data: the only definition of the events and of what each carries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::schema::DataSchema;
use crate::{
    CustomerId, Email, Money, OrderId, OrderLine, PaymentToken, Phone, Recipient, RejectionReason, Shortage,
    Sku,
};

/// Declares the events once: a name, a Rust name, the data. Everything that must know all of them is made here.
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
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it tells of, in a sentence.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),*).trim_ascii(),)*
                }
            }

            /// The JSON Schema of its data.
            pub fn data_schema(self) -> DataSchema {
                match self {
                    $(Self::$variant => DataSchema::of::<$data>(),)*
                }
            }
        }

        impl EventData {
            /// The type that this is the data of.
            pub const fn event_type(&self) -> EventType {
                match self {
                    $(Self::$variant(_) => EventType::$variant,)*
                }
            }

            /// Reads the data of an event of this type.
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
    /// An order is reserved and paid.
    OrderConfirmed(OrderEnded) = "order.confirmed";
    /// An order is refused.
    OrderRejected(OrderEnded) = "order.rejected";
    /// An order was called off.
    OrderCancelled(OrderEnded) = "order.cancelled";
    /// The units of an order are held.
    InventoryReserved(InventoryReserved) = "inventory.reserved";
    /// The units of an order cannot be held.
    InventoryRejected(InventoryRejected) = "inventory.rejected";
    /// The units of a refused order are free again, or none were held.
    InventoryReleased(InventoryReleased) = "inventory.released";
    /// An order is paid.
    PaymentCompleted(PaymentOutcome) = "payment.completed";
    /// The payment provider said no.
    PaymentFailed(PaymentOutcome) = "payment.failed";
    /// A refused order has no charge: called off in time, or never made.
    PaymentVoided(PaymentOutcome) = "payment.voided";
    /// The charge of a refused order was given back.
    PaymentRefunded(PaymentOutcome) = "payment.refunded";
    /// A product can be ordered.
    ProductCreated(ProductChanged) = "product.created";
    /// A product has another name or price.
    ProductUpdated(ProductChanged) = "product.updated";
    /// A product is no longer sold.
    ProductRemoved(ProductChanged) = "product.removed";
    /// Somebody corrected a stock level.
    StockAdjusted(StockAdjusted) = "stock.adjusted";
    /// Somebody asked for a message to be sent.
    NotificationRequested(NotificationRequested) = "notification.requested";
}

impl EventType {
    /// The service that emits it, as the `source` of its envelope.
    pub const fn source(self) -> &'static str {
        match self {
            Self::OrderPlaced | Self::OrderConfirmed | Self::OrderRejected | Self::OrderCancelled => {
                "/orderflow/orders"
            }
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

/// The text names no [`EventType`].
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

/// How many units of a sku.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quantities {
    /// What.
    pub sku: Sku,
    /// How many.
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
}

/// Data of `inventory.reserved`: what payment needs.
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
    /// Why.
    pub reason: RejectionReason,
    /// What was missing.
    pub shortages: Vec<Shortage>,
}

/// Data of `inventory.released`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InventoryReleased {
    /// The order.
    pub order_id: OrderId,
    /// What went back into stock; empty where nothing was held.
    pub items: Vec<Quantities>,
}

/// Data of the payment events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentOutcome {
    /// The order.
    pub order_id: OrderId,
    /// The charge, in minor units.
    pub amount: i64,
    /// Its currency.
    pub currency: crate::Currency,
    /// The provider's id of the charge, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why it failed, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where to tell the customer of a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Where to tell the customer of a refund by short message.
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
    /// Its first stock (`product.created`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
}

/// Data of `stock.adjusted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockAdjusted {
    /// The product.
    pub sku: Sku,
    /// Units that can be ordered, after the change.
    pub available: i64,
    /// Units held for orders.
    pub reserved: i64,
    /// What the change did to `available`.
    pub change: i64,
}

/// Data of `notification.requested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationRequested {
    /// The message.
    pub notification_id: Uuid,
    /// Whom it goes to.
    #[serde(flatten)]
    pub recipient: Recipient,
    /// The template that it is made from.
    pub template: String,
    /// What the template is given, by name.
    #[schema(value_type = Object)]
    pub variables: serde_json::Map<String, serde_json::Value>,
}
