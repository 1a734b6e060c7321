//! Applying facts to an order: the one place where a fact becomes a status, timeline entries, events and the record to write.

use orderflow_bugs::is_planted;
use orderflow_domain::{EventType, Fact, OrderStatus, Step, Timestamp, UnknownStatus};
use orderflow_messaging::Delivery;
use orderflow_store::{Emission, Outbox};

use crate::table::{OrderRecord, TimelineEntry};

/// What changes an order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    /// Another service reported a fact.
    Reported(Fact, &'a Delivery),
    /// This service decided a fact itself: a cancellation.
    Decided(Fact),
    /// The event that the order waits for an answer to is resent.
    Resend,
}

/// An order to which changes were applied, and the version that it replaces.
#[derive(Debug)]
pub(crate) struct Transition {
    pub record: OrderRecord,
    pub replaces: u32,
    pub outbox: Outbox,
    /// The event type that describes the transition in the log: the first emitted event, or the last report when it emits none.
    pub event_type: EventType,
}

impl Transition {
    /// Applies changes to an order, in their order. Returns `None` when they change nothing.
    ///
    /// # Errors
    /// [`UnknownStatus`] for an order whose stored status this version does not know.
    pub(crate) fn of<'a>(
        order: &OrderRecord,
        changes: impl IntoIterator<Item = Change<'a>>,
        now: Timestamp,
    ) -> Result<Option<Self>, UnknownStatus> {
        let mut state = order.state()?;
        let mut record = order.clone();
        let (mut outbox, mut resent, mut last_report) = (Outbox::default(), None, None);
        for change in changes {
            if matches!(change, Change::Reported(..)) && is_planted("late-event-reopens-order") {
                state.status = OrderStatus::Reserved;
            }
            let step = match change {
                Change::Reported(fact, _) | Change::Decided(fact) => state.apply(fact),
                Change::Resend => state.resend(),
            };
            if step == Step::Unchanged && !is_planted("repeat-entered-in-timeline") {
                continue;
            }
            if let Change::Reported(_, delivery) = change {
                last_report = Some(delivery.event.event_type());
                record.timeline.push(TimelineEntry::reported(delivery, order.trace_id()));
            }
            match step {
                Step::Unchanged | Step::Moved => {}
                Step::Ended(event_type) => {
                    outbox.push(event_type);
                    record.timeline.push(TimelineEntry::own(event_type, now, state.status.reason()));
                }
                Step::Resend(event_type) => resent = Some(event_type),
            }
        }
        // One resend is enough for all changes of a transition: it asks for the same answer.
        if let Some(event_type) = resent {
            let resend = Some(state.resends).filter(|_| !is_planted("resent-as-first"));
            outbox.push(Emission { event_type, resend });
        }
        let emitted = outbox.emissions().first().map(|emission| emission.event_type);
        let Some(event_type) = emitted.or(last_report) else { return Ok(None) };
        if is_planted("timeline-sorted-by-clock") {
            record.timeline.sort_by_key(|entry| entry.millis);
        }
        let replaces = record.advance(&state, now);
        Ok(Some(Self { record, replaces, outbox, event_type }))
    }

    /// Returns whether the transition only resends an event.
    pub(crate) fn is_resend(&self) -> bool {
        self.outbox.emissions().iter().all(|emission| emission.resend.is_some())
    }
}
