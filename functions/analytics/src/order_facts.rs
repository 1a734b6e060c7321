//! What a batch of events says about each order.

use orderflow_domain::{Event, EventData, OrderEnded, OrderId, OrderLine, Timestamp};

use crate::table::{OrderEnd, Window};

/// What the events of a batch say about one order.
#[derive(Debug, Clone)]
pub(crate) struct OrderFacts {
    pub order_id: OrderId,
    /// The window in whose log the order is recorded, the same for every event of the order.
    pub window: Window,
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
        let ended = |end, data: &OrderEnded| {
            (data.order_id, data.placed_at, Some(Ending::new(end, event.time, data)))
        };
        let (order_id, placed, ending) = match &event.data {
            EventData::OrderPlaced(data) => (data.order_id, data.placed_at.or(Some(event.time)), None),
            EventData::OrderConfirmed(data) => ended(OrderEnd::Confirmed, data),
            EventData::OrderRejected(data) => ended(OrderEnd::Rejected, data),
            EventData::OrderCancelled(data) => ended(OrderEnd::Cancelled, data),
            // Nothing is known of it but that it was never placed: it counts as rejected, also if its `order.placed` was counted.
            EventData::OrderUnknown(data) => {
                let ending = Ending { end: OrderEnd::Rejected, at: event.time, total: 0, lines: Vec::new() };
                (data.order_id, None, Some(ending))
            }
            _ => return None,
        };
        // An id that is derived from an idempotency key has no time, and an event may not say when the order was placed.
        let placed = order_id.generated_at().or(placed);
        let window = placed.map_or_else(|| Window::without_time(order_id), Window::of);
        let placed_at = ending.is_none().then_some(event.time);
        Some((order_id, Self { order_id, window, placed_at, ending }))
    }

    /// Merges what a later event of the same order says. Of two events that say the same, the first counts.
    pub(crate) fn merge(&mut self, later: Self) {
        self.placed_at = self.placed_at.or(later.placed_at);
        self.ending = self.ending.take().or(later.ending);
    }
}
