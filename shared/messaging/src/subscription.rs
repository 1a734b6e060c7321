//! The subscription table: the event types of each consumer.

use orderflow_domain::EventType::{self, *};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A consumer and the event types it subscribes to. Queues, bindings and filter policies are created from these rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The consumer's name, which is also that of its queue, its bundle and its part.
    pub consumer: &'static str,
    /// The event types it subscribes to.
    pub types: &'static [EventType],
}

/// Every subscription. A new consumer needs a row here and its name in the list of parts (`orderflow_settings::declared`).
pub const SUBSCRIPTIONS: &[Subscription] = &[
    Subscription {
        consumer: "order-tracker",
        types: &[
            InventoryReserved,
            InventoryRejected,
            InventoryReleased,
            PaymentCompleted,
            PaymentFailed,
            PaymentVoided,
            PaymentRefunded,
        ],
    },
    Subscription {
        consumer: "inventory-reserve",
        types: &[
            OrderPlaced,
            OrderRejected,
            OrderCancelled,
            OrderUnknown,
            ProductCreated,
            ProductUpdated,
            ProductRemoved,
        ],
    },
    Subscription {
        consumer: "payment",
        types: &[InventoryReserved, OrderRejected, OrderCancelled, OrderUnknown],
    },
    Subscription {
        consumer: "notification",
        types: &[OrderConfirmed, OrderRejected, OrderCancelled, PaymentRefunded, NotificationRequested],
    },
    Subscription {
        consumer: "analytics",
        types: &[OrderPlaced, OrderConfirmed, OrderRejected, OrderCancelled, OrderUnknown],
    },
];

/// The name of a consumer, in the OpenAPI document.
#[derive(Debug)]
pub struct ConsumerName;

impl PartialSchema for ConsumerName {
    fn schema() -> RefOr<Schema> {
        let names = SUBSCRIPTIONS.iter().map(|row| row.consumer);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for ConsumerName {}

/// No consumer has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no consumer is called {0:?}")]
pub struct UnknownConsumer(pub String);

/// Returns the subscription of a consumer.
///
/// # Errors
/// [`UnknownConsumer`] if no consumer has this name.
pub fn subscription(consumer: &str) -> Result<&'static Subscription, UnknownConsumer> {
    let found = SUBSCRIPTIONS.iter().find(|row| row.consumer == consumer);
    found.ok_or_else(|| UnknownConsumer(consumer.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_but_stock_adjusted_has_a_consumer() {
        for event_type in EventType::ALL {
            let has_consumer = SUBSCRIPTIONS.iter().any(|row| row.types.contains(event_type));
            assert_eq!(has_consumer, *event_type != StockAdjusted, "{event_type}");
        }
    }
}
