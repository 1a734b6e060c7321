//! What an event of Stripe is about.

use orderflow_domain::{OrderId, Timestamp};
use serde::Deserialize;
use serde_json::Value;

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
    /// A PaymentIntent, a Refund or a Dispute, or an object of another kind, whose fields may have the same names and other types.
    object: Value,
}

/// The fields that are read. Which of them an object has depends on the type of the event.
#[derive(Debug, Default, Deserialize)]
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
    /// A refund of the charge of this intent changed. One that was made at Stripe's dashboard does not name the order.
    Refund { order_id: Option<OrderId>, intent: String },
    /// The customer's bank opened, changed or closed a dispute about the charge of this intent.
    Dispute { intent: String, dispute: Dispute },
    /// Nothing that concerns a payment of this shop.
    Other,
}

impl StripeEvent {
    pub(super) fn notice(self) -> Notice {
        let object: Object = serde_json::from_value(self.data.object).unwrap_or_default();
        let Object { id, payment_intent, status, reason, metadata } = object;
        let order_id = metadata.and_then(|metadata| metadata.order());
        let notice = match self.kind.as_str() {
            "payment_intent.succeeded" | "payment_intent.payment_failed" | "payment_intent.canceled" => {
                order_id.map(|order_id| Notice::Charged { order_id })
            }
            "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                payment_intent.map(|intent| Notice::Refund { order_id, intent })
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
