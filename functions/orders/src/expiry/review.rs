//! What is due at one order: the rules, without any I/O.

use orderflow_domain::{CancellationReason, EventType, Fact, OrderState, Step, Timestamp};
use orderflow_store::{Emission, Outbox};

use super::ExpirySettings;
use crate::record::OrderRecord;
use crate::timeline::TimelineEntry;

/// An order with what is due done to it.
#[derive(Debug)]
pub(crate) struct Change {
    pub record: OrderRecord,
    pub read_version: u32,
    pub outbox: Outbox,
    emission: Emission,
}

/// What is due at an order. None where nothing is, or where it is in a status that this version does not know.
pub(crate) fn review(mut record: OrderRecord, settings: &ExpirySettings, now: Timestamp) -> Option<Change> {
    let mut state = match record.state() {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(%error, order.id = %record.id, "the order is passed over");
            return None;
        }
    };
    let emission = match step(&mut state, &record, settings, now) {
        Step::Unchanged | Step::Moved => return None,
        Step::Ended(event_type) => {
            record.timeline.push(TimelineEntry::own(event_type, now, state.status.reason()));
            event_type.into()
        }
        Step::Resend(event_type) => Emission { event_type, resend: Some(state.resends) },
    };
    let read_version = record.advance(&state, now);
    Some(Change { record, read_version, outbox: Outbox::of(emission), emission })
}

fn step(state: &mut OrderState, record: &OrderRecord, settings: &ExpirySettings, now: Timestamp) -> Step {
    if !state.status.is_final() && now.since(record.created_at) >= settings.expires_after {
        state.apply(Fact::Cancelled(CancellationReason::Expired))
    } else if now.since(record.updated_at) >= settings.wait(state.resends) {
        state.resend()
    } else {
        Step::Unchanged
    }
}

impl Change {
    /// Whether the order is cancelled by it; else it is resent.
    pub(crate) fn is_expiry(&self) -> bool {
        self.emission.resend.is_none()
    }

    pub(crate) fn log(&self) {
        let OrderRecord { id, status, resends, .. } = &self.record;
        let event_type: EventType = self.emission.event_type;
        let message = if self.is_expiry() {
            "the order is cancelled: it stayed open too long"
        } else {
            "the order is resent: nothing happened to it for too long"
        };
        tracing::warn!(
            service = "order-expiry",
            order.id = %id,
            event.r#type = event_type.as_str(),
            trace.id = self.record.trace_id(),
            status,
            resends,
            "{message}"
        );
    }
}
