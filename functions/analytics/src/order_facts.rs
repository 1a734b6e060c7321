//! What a batch of events says about each order.

use std::collections::HashMap;

use orderflow_domain::{Event, EventData, OrderEnded, OrderId, OrderLine, Timestamp};

use crate::table::OrderEnd;

/// What the events of a batch say about one order.
#[derive(Debug, Clone)]
pub(crate) struct OrderFacts {
    pub order_id: OrderId,
    pub placed_at: Option<Timestamp>,
    pub ending: Option<Ending>,
    /// The positions of its events in the batch.
    pub positions: Vec<usize>,
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

/// Groups events by order. Of several events that say the same, the first counts. Events that are not counted are left
/// out.
pub(crate) fn facts_by_order<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<OrderFacts> {
    let mut facts: Vec<OrderFacts> = Vec::new();
    let mut index_of: HashMap<OrderId, usize> = HashMap::new();
    for (position, event) in events.into_iter().enumerate() {
        let Some((order_id, placed_at, ending)) = fact(event) else { continue };
        let index = *index_of.entry(order_id).or_insert_with(|| {
            facts.push(OrderFacts { order_id, placed_at: None, ending: None, positions: Vec::new() });
            facts.len() - 1
        });
        let order = &mut facts[index];
        order.placed_at = order.placed_at.or(placed_at);
        order.ending = order.ending.take().or(ending);
        order.positions.push(position);
    }
    facts
}

fn fact(event: &Event) -> Option<(OrderId, Option<Timestamp>, Option<Ending>)> {
    let (end, data) = match &event.data {
        EventData::OrderPlaced(data) => return Some((data.order_id, Some(event.time), None)),
        EventData::OrderConfirmed(data) => (OrderEnd::Confirmed, data),
        EventData::OrderRejected(data) => (OrderEnd::Rejected, data),
        EventData::OrderCancelled(data) => (OrderEnd::Cancelled, data),
        _ => return None,
    };
    Some((data.order_id, None, Some(Ending::new(end, event.time, data))))
}
