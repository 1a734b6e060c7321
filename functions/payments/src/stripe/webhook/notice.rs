//! What an event of Stripe is about.

use orderflow_domain::{OrderId, Timestamp};
use serde::Deserialize;

use crate::table::Dispute;

/// An event of Stripe, as far as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct StripeEvent {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: String,
    data: EventObject,
    /// Seconds since 1970.
    created: i64,
}

#[derive(Debug, Deserialize)]
struct EventObject {
    object: Object,
}

/// A PaymentIntent, a Refund or a Dispute. Which of the fields it has depends on the type of the event.
#[derive(Debug, Deserialize)]
struct Object {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    payment_intent: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// The metadata that Orderflow gives to its objects at Stripe.
#[derive(Debug, Default, Deserialize)]
pub(in crate::stripe) struct Metadata {
    #[serde(default)]
    order_id: Option<String>,
}

impl Metadata {
    /// Returns the order; `None` for an object of another program.
    pub(in crate::stripe) fn order(&self) -> Option<OrderId> {
        OrderId::parse(self.order_id.as_deref()?).ok()
    }
}

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// An intent of this order reached a final state.
    Charged { order_id: OrderId },
    /// A refund of this order changed.
    Refund { order_id: OrderId, intent: String },
    /// The customer's bank opened, changed or closed a dispute about the charge of this intent.
    Dispute { intent: String, dispute: Dispute },
    /// Nothing that concerns a payment of this shop.
    Other,
}

impl StripeEvent {
    pub(super) fn notice(self) -> Notice {
        let Object { id, payment_intent, status, reason, metadata } = self.data.object;
        let order_id = metadata.and_then(|metadata| metadata.order());
        let notice = match self.kind.as_str() {
            "payment_intent.succeeded" | "payment_intent.payment_failed" | "payment_intent.canceled" => {
                order_id.map(|order_id| Notice::Charged { order_id })
            }
            "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                order_id.zip(payment_intent).map(|(order_id, intent)| Notice::Refund { order_id, intent })
            }
            kind if kind.starts_with("charge.dispute.") => {
                let updated_at = Timestamp::from_millis(self.created.saturating_mul(1_000));
                payment_intent.zip(id).zip(status).map(|((intent, id), status)| Notice::Dispute {
                    intent,
                    dispute: Dispute { id, status, reason: reason.unwrap_or_default(), updated_at },
                })
            }
            _ => None,
        };
        notice.unwrap_or(Notice::Other)
    }
}
