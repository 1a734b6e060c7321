//! What an event tells a customer.

use orderflow_domain::{
    Email, EventData, Money, OrderEnded, OrderId, OrderLine, PaymentOutcome, Phone, RejectionReason,
};
use serde::Serialize;

use crate::message::Recipient;
use crate::template::Template;

/// What templates can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variables {
    /// The order.
    pub order_id: OrderId,
    /// What it costs, with its currency.
    pub total: String,
    /// Why it was refused; empty where it was not.
    pub reason: String,
    /// What was ordered; empty where the event does not say.
    pub items: Vec<Item>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The product.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What they cost together, with the currency.
    pub price: String,
}

/// Something that a customer is told, by every channel that reaches them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub template: Template,
    pub variables: Variables,
    pub recipients: Vec<Recipient>,
}

impl Notice {
    /// What an event tells the customer; none where it tells nothing, or does not say whom.
    pub(crate) fn of(data: &EventData) -> Option<Self> {
        match data {
            EventData::OrderConfirmed(order) => Some(Self::ended(Template::OrderConfirmation, order)),
            EventData::OrderRejected(order) => Some(Self::ended(rejection(order), order)),
            EventData::OrderCancelled(order) => Some(Self::ended(Template::OrderCancelled, order)),
            EventData::PaymentRefunded(payment) => Self::refunded(payment),
            _ => None,
        }
    }

    fn ended(template: Template, order: &OrderEnded) -> Self {
        let item = |line| item(line, &order.total);
        Self {
            template,
            variables: Variables {
                order_id: order.order_id,
                total: order.total.to_string(),
                reason: order.reason.clone().unwrap_or_default(),
                items: order.items.iter().map(item).collect(),
            },
            recipients: recipients(&order.email, order.phone.as_ref()),
        }
    }

    fn refunded(payment: &PaymentOutcome) -> Option<Self> {
        let email = payment.email.as_ref()?;
        let given_back = Money { amount: payment.amount, currency: payment.currency.clone() };
        Some(Self {
            template: Template::OrderRefunded,
            variables: Variables {
                order_id: payment.order_id,
                total: given_back.to_string(),
                reason: payment.reason.clone().unwrap_or_default(),
                items: Vec::new(),
            },
            recipients: recipients(email, payment.phone.as_ref()),
        })
    }
}

fn rejection(order: &OrderEnded) -> Template {
    if order.reason.as_deref() == Some(RejectionReason::PaymentDeclined.as_str()) {
        Template::OrderPaymentDeclined
    } else {
        Template::OrderOutOfStock
    }
}

fn item(line: &OrderLine, total: &Money) -> Item {
    let price = Money {
        amount: line.unit_price.saturating_mul(i64::from(line.quantity.get())),
        currency: total.currency.clone(),
    };
    Item {
        sku: line.sku.to_string(),
        name: line.name.clone(),
        quantity: line.quantity.get(),
        price: price.to_string(),
    }
}

fn recipients(email: &Email, phone: Option<&Phone>) -> Vec<Recipient> {
    let by_phone = phone.cloned().map(Recipient::Sms);
    std::iter::once(Recipient::Email(email.clone())).chain(by_phone).collect()
}
