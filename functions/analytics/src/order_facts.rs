//! What a batch of events says about each order.

use orderflow_domain::{Event, EventData, OrderEnded, OrderId, OrderLine, Timestamp};

use crate::table::OrderEnd;

/// What the events of a batch say about one order.
#[derive(Debug, Clone)]
pub(crate) struct OrderFacts {
    pub order_id: OrderId,
    pub placed_at: Option<Timestamp>,
    pub ending: Option<Ending>,
}

/// How and when an order ended, and what was in it.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub end: OrderEnd,
    pub at: Timestamp,
    /// Minor units.
    pub total: i64,
    pub lines: Vec<OrderLine>,
}

impl Ending {
    fn new(end: OrderEnd, at: Timestamp, data: &OrderEnded) -> Self {
        Self { end, at, total: data.total.amount, lines: data.items.clone() }
    }
}

impl OrderFacts {
    /// Returns what an event says, with its order's id; `None` for events that are not counted.
    pub(crate) fn of(event: &Event) -> Option<(OrderId, Self)> {
        let (end, data) = match &event.data {
            EventData::OrderPlaced(data) => {
                let order_id = data.order_id;
                return Some((order_id, Self { order_id, placed_at: Some(event.time), ending: None }));
            }
            // Nothing is known of it but that it was never placed: it counts as rejected, also if its `order.placed` was counted.
            EventData::OrderUnknown(data) => {
                let ending = Ending { end: OrderEnd::Rejected, at: event.time, total: 0, lines: Vec::new() };
                return Some((
                    data.order_id,
                    Self { order_id: data.order_id, placed_at: None, ending: Some(ending) },
                ));
            }
            EventData::OrderConfirmed(data) => (OrderEnd::Confirmed, data),
            EventData::OrderRejected(data) => (OrderEnd::Rejected, data),
            EventData::OrderCancelled(data) => (OrderEnd::Cancelled, data),
            _ => return None,
        };
        let (order_id, ending) = (data.order_id, Some(Ending::new(end, event.time, data)));
        Some((order_id, Self { order_id, placed_at: None, ending }))
    }

    /// Merges what a later event of the same order says. Of two events that say the same, the first counts.
    pub(crate) fn merge(&mut self, later: Self) {
        self.placed_at = self.placed_at.or(later.placed_at);
        self.ending = self.ending.take().or(later.ending);
    }
}
