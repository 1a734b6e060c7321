//! What an event has customers be told.

use orderflow_domain::{
    Email, EventData, Money, NotificationRequested, OrderEnded, OrderId, OrderLine, PaymentOutcome, Phone,
    Recipient, RejectionReason,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::message::message_id;
use crate::table::NotificationKey;
use crate::template::Template;

/// What the templates of orders' outcomes can name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutcomeVariables {
    order_id: OrderId,
    /// With its currency.
    total: String,
    /// Why it was refused; empty where it was not.
    reason: String,
    /// What was ordered; empty where the event does not say.
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    sku: String,
    name: String,
    quantity: u32,
    /// What they cost together, with the currency.
    price: String,
}

/// Something that a customer is told, by every channel that reaches them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Notice {
    pub order_id: Option<OrderId>,
    pub template: String,
    pub variables: Value,
    pub addressees: Vec<Addressee>,
}

/// One whom a notice goes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Addressee {
    pub recipient: Recipient,
    pub key: NotificationKey,
    pub message_id: Uuid,
}

impl Notice {
    /// What an event tells; none where it tells nothing, or does not say whom.
    pub(crate) fn of(data: &EventData) -> Option<Self> {
        match data {
            EventData::OrderConfirmed(order) => Some(Self::ended(Template::OrderConfirmation, order)),
            EventData::OrderRejected(order) => Some(Self::ended(rejection(order), order)),
            EventData::OrderCancelled(order) => Some(Self::ended(Template::OrderCancelled, order)),
            EventData::PaymentRefunded(payment) => Self::refunded(payment),
            EventData::NotificationRequested(request) => Some(Self::requested(request)),
            _ => None,
        }
    }

    fn ended(template: Template, order: &OrderEnded) -> Self {
        let variables = OutcomeVariables {
            order_id: order.order_id,
            total: order.total.to_string(),
            reason: order.reason.clone().unwrap_or_default(),
            items: order.items.iter().map(|line| item(line, &order.total)).collect(),
        };
        Self::outcome(template, &variables, recipients(&order.email, order.phone.as_ref()))
    }

    fn refunded(payment: &PaymentOutcome) -> Option<Self> {
        let email = payment.email.as_ref()?;
        let given_back = Money { amount: payment.amount, currency: payment.currency.clone() };
        let variables = OutcomeVariables {
            order_id: payment.order_id,
            total: given_back.to_string(),
            reason: payment.reason.clone().unwrap_or_default(),
            items: Vec::new(),
        };
        Some(Self::outcome(Template::OrderRefunded, &variables, recipients(email, payment.phone.as_ref())))
    }

    fn outcome(template: Template, variables: &OutcomeVariables, recipients: Vec<Recipient>) -> Self {
        let order_id = variables.order_id;
        let addressee = |recipient: Recipient| Addressee {
            key: NotificationKey::of_outcome(order_id, template, recipient.channel()),
            message_id: message_id(order_id, template, recipient.channel()),
            recipient,
        };
        Self {
            order_id: Some(order_id),
            template: template.as_str().to_owned(),
            variables: serde_json::to_value(variables).expect("texts and numbers under text keys are JSON"),
            addressees: recipients.into_iter().map(addressee).collect(),
        }
    }

    fn requested(request: &NotificationRequested) -> Self {
        let order_id = request.variables.get("orderId").and_then(Value::as_str);
        Self {
            order_id: order_id.and_then(|text| OrderId::parse(text).ok()),
            template: request.template.clone(),
            variables: Value::Object(request.variables.clone()),
            addressees: vec![Addressee {
                recipient: request.recipient.clone(),
                key: NotificationKey::of_request(request.notification_id),
                message_id: request.notification_id,
            }],
        }
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
