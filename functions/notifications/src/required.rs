//! The notifications that the events of a batch require.

use orderflow_bugs::is_planted;
use orderflow_domain::text::replaced_lines;
use orderflow_domain::{
    Email, EventData, EventType, Money, NotificationRequested, OrderEnded, OrderId, OrderLine,
    PaymentOutcome, Phone, Recipient, RejectionReason,
};
use orderflow_messaging::Delivery;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::channel::{Message, message_id};
use crate::table::NotificationKey;
use crate::template::Template;
use crate::templates::{RenderError, Templates};

/// What to send to whom, before a template renders it.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    key: NotificationKey,
    message_id: Uuid,
    recipient: Recipient,
    order_id: Option<OrderId>,
    template: String,
    variables: Value,
}

/// A notification that an event requires. An earlier delivery of the event may have sent it already.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RequiredNotification {
    draft: Draft,
    event_type: EventType,
    pub traceparent: Option<String>,
}

impl RequiredNotification {
    /// Returns the notifications that a delivery requires, by key: one for each channel that reaches the customer. Returns
    /// none for events that customers are not notified of.
    pub(crate) fn all_of(delivery: &Delivery) -> Vec<(NotificationKey, Self)> {
        let data = &delivery.event.data;
        let drafts = match data {
            EventData::OrderConfirmed(order) => order_ended(Template::OrderConfirmation, order),
            EventData::OrderRejected(order) => order_ended(rejection(order), order),
            EventData::OrderCancelled(order) => order_ended(Template::OrderCancelled, order),
            EventData::PaymentRefunded(payment) => payment_refunded(payment),
            EventData::NotificationRequested(request) => vec![requested(request)],
            _ => Vec::new(),
        };
        let required = |draft: Draft| {
            let traceparent = delivery.event.traceparent.clone();
            (draft.key.clone(), Self { draft, event_type: data.event_type(), traceparent })
        };
        drafts.into_iter().filter(|draft| !draft.recipient.is_forgotten()).map(required).collect()
    }

    /// Returns the key of its record.
    pub(crate) fn key(&self) -> &NotificationKey {
        &self.draft.key
    }

    /// Renders the message.
    pub(crate) fn message(&self, templates: &Templates) -> Result<Message, RenderError> {
        let draft = &self.draft;
        let rendered = templates.render(&draft.template, draft.recipient.channel(), &draft.variables)?;
        Ok(Message {
            id: draft.message_id,
            order_id: draft.order_id,
            template: draft.template.clone(),
            recipient: draft.recipient.clone(),
            // The variables of an event may be older than the rule for texts.
            subject: rendered.subject.map(|subject| replaced_lines(&subject).replace(['\n', '\t'], " ")),
            body: replaced_lines(&rendered.body),
        })
    }

    /// Returns the span in which the message is sent, so that log messages name its order and event.
    pub(crate) fn span(&self) -> tracing::Span {
        let trace_id = self.traceparent.as_deref().and_then(orderflow_domain::trace_id);
        tracing::error_span!(
            "send",
            order.id = self.draft.order_id.map(tracing::field::display),
            event.r#type = self.event_type.as_str(),
            trace.id = trace_id,
        )
    }
}

/// The variables of the templates of an order's outcome.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutcomeVariables {
    order_id: OrderId,
    /// An amount with its currency.
    total: String,
    /// Why the order was refused; empty if it was not.
    reason: String,
    /// The lines of the order; empty if the event does not contain them.
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    sku: String,
    name: String,
    quantity: u32,
    /// The price of the line, with its currency.
    price: String,
}

fn order_ended(template: Template, order: &OrderEnded) -> Vec<Draft> {
    let variables = OutcomeVariables {
        order_id: order.order_id,
        total: order.total.to_string(),
        reason: order.reason.clone().unwrap_or_default(),
        items: order.items.iter().map(|line| item(line, &order.total)).collect(),
    };
    outcome(template, &variables, recipients(&order.email, order.phone.as_ref()))
}

/// Returns nothing for a refund that does not say whom to notify.
fn payment_refunded(payment: &PaymentOutcome) -> Vec<Draft> {
    let Some(email) = &payment.email else { return Vec::new() };
    let refund = Money { amount: payment.amount, currency: payment.currency.clone() };
    let variables = OutcomeVariables {
        order_id: payment.order_id,
        total: refund.to_string(),
        reason: payment.reason.clone().unwrap_or_default(),
        items: Vec::new(),
    };
    outcome(Template::OrderRefunded, &variables, recipients(email, payment.phone.as_ref()))
}

fn outcome(template: Template, variables: &OutcomeVariables, recipients: Vec<Recipient>) -> Vec<Draft> {
    let order_id = variables.order_id;
    let variables = serde_json::to_value(variables).expect("texts and numbers under text keys are JSON");
    let draft = |recipient: Recipient| Draft {
        key: NotificationKey::of_outcome(order_id, template, recipient.channel()),
        message_id: message_id(order_id, template, recipient.channel()),
        recipient,
        order_id: Some(order_id),
        template: template.as_str().to_owned(),
        variables: variables.clone(),
    };
    recipients.into_iter().map(draft).collect()
}

fn requested(request: &NotificationRequested) -> Draft {
    let order_id = request.variables.get("orderId").and_then(Value::as_str);
    Draft {
        key: NotificationKey::of_request(request.notification_id),
        message_id: request.notification_id,
        recipient: request.recipient.clone(),
        order_id: order_id.and_then(|text| OrderId::parse(text).ok()),
        template: request.template.clone(),
        variables: Value::Object(request.variables.clone()),
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
    let by_phone = phone.filter(|_| !is_planted("second-channel-forgotten")).cloned().map(Recipient::Sms);
    std::iter::once(Recipient::Email(email.clone())).chain(by_phone).collect()
}
