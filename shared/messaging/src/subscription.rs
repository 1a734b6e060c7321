//! Who is told of what.

use orderflow_domain::EventType::{self, *};

/// A consumer and the events it is told of. Queues, bindings and filter policies are made from these rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The consumer: the name of its queue, its bundle and of the part of the program that runs it.
    pub consumer: &'static str,
    /// The types it is told of.
    pub types: &'static [EventType],
}

/// Every subscription. A new step is a new row here.
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
        types: &[OrderPlaced, OrderRejected, OrderCancelled, ProductCreated, ProductUpdated, ProductRemoved],
    },
    Subscription { consumer: "payment", types: &[InventoryReserved, OrderRejected, OrderCancelled] },
    Subscription {
        consumer: "notification",
        types: &[OrderConfirmed, OrderRejected, OrderCancelled, PaymentRefunded, NotificationRequested],
    },
    Subscription {
        consumer: "analytics",
        types: &[OrderPlaced, OrderConfirmed, OrderRejected, OrderCancelled],
    },
];

/// There is no consumer of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no consumer is called {0:?}")]
pub struct UnknownConsumer(pub String);

/// The subscription of a consumer.
///
/// # Errors
/// [`UnknownConsumer`] where there is none of that name.
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
            let heard = SUBSCRIPTIONS.iter().any(|row| row.types.contains(event_type));
            assert_eq!(heard, *event_type != StockAdjusted, "{event_type}");
        }
    }
}
