//! What a batch asks to be sent.

use std::collections::HashMap;

use orderflow_domain::EventType;
use orderflow_messaging::Delivery;

use crate::message::Message;
use crate::notice::{Addressee, Notice};
use crate::table::NotificationKey;
use crate::templates::{RenderError, Templates};

/// A notification that the batch asks for.
pub(crate) struct Task {
    addressee: Addressee,
    notice: Notice,
    event_type: EventType,
    pub traceparent: Option<String>,
    /// Where its deliveries stand in the batch.
    pub positions: Vec<usize>,
}

/// One task for each notification that the batch asks for, however often it does.
pub(crate) fn tasks(batch: &[Delivery]) -> Vec<Task> {
    let mut position_of: HashMap<NotificationKey, usize> = HashMap::new();
    let mut tasks: Vec<Task> = Vec::with_capacity(batch.len());
    for (position, delivery) in batch.iter().enumerate() {
        let Some(notice) = Notice::of(&delivery.event.data) else {
            continue;
        };
        for addressee in &notice.addressees {
            if let Some(known) = position_of.get(&addressee.key) {
                tasks[*known].positions.push(position);
                continue;
            }
            position_of.insert(addressee.key.clone(), tasks.len());
            tasks.push(Task {
                addressee: addressee.clone(),
                notice: notice.clone(),
                event_type: delivery.event.event_type(),
                traceparent: delivery.event.traceparent.clone(),
                positions: vec![position],
            });
        }
    }
    tasks
}

impl Task {
    pub(crate) fn key(&self) -> &NotificationKey {
        &self.addressee.key
    }

    /// The message to send.
    pub(crate) fn message(&self, templates: &Templates) -> Result<Message, RenderError> {
        let channel = self.addressee.recipient.channel();
        let rendered = templates.render(&self.notice.template, channel, &self.notice.variables)?;
        Ok(Message {
            id: self.addressee.message_id,
            order_id: self.notice.order_id,
            template: self.notice.template.clone(),
            recipient: self.addressee.recipient.clone(),
            subject: rendered.subject,
            body: rendered.body,
        })
    }

    /// Whatever is logged while the message is on its way belongs to this order and event.
    pub(crate) fn span(&self) -> tracing::Span {
        let trace_id = self.traceparent.as_deref().and_then(orderflow_domain::trace_id);
        tracing::error_span!(
            "send",
            order.id = self.notice.order_id.map(tracing::field::display),
            event.r#type = self.event_type.as_str(),
            trace.id = trace_id,
        )
    }
}
