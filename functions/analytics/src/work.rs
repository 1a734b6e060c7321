//! What a batch tells, order by order.

use std::collections::HashMap;

use orderflow_domain::{Event, EventData, OrderEnded, OrderId, OrderLine, Timestamp};

use crate::table::End;

/// What the events of a batch tell of one order.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub order_id: OrderId,
    pub placed_at: Option<Timestamp>,
    pub ending: Option<Ending>,
    /// Where its events stand in the batch.
    pub positions: Vec<usize>,
}

/// The end of an order.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub end: End,
    pub at: Timestamp,
    /// Minor units.
    pub total: i64,
    pub lines: Vec<OrderLine>,
}

impl Ending {
    fn new(end: End, at: Timestamp, data: &OrderEnded) -> Self {
        Self { end, at, total: data.total.amount, lines: data.items.clone() }
    }
}

/// Folds events by order. Of repeats the first counts.
pub(crate) fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    let mut index_of: HashMap<OrderId, usize> = HashMap::new();
    for (position, event) in events.into_iter().enumerate() {
        let Some((order_id, placed_at, ending)) = told(event) else { continue };
        let index = *index_of.entry(order_id).or_insert_with(|| {
            works.push(Work { order_id, placed_at: None, ending: None, positions: Vec::new() });
            works.len() - 1
        });
        let work = &mut works[index];
        work.placed_at = work.placed_at.or(placed_at);
        work.ending = work.ending.take().or(ending);
        work.positions.push(position);
    }
    works
}

fn told(event: &Event) -> Option<(OrderId, Option<Timestamp>, Option<Ending>)> {
    let (end, data) = match &event.data {
        EventData::OrderPlaced(data) => return Some((data.order_id, Some(event.time), None)),
        EventData::OrderConfirmed(data) => (End::Confirmed, data),
        EventData::OrderRejected(data) => (End::Rejected, data),
        EventData::OrderCancelled(data) => (End::Cancelled, data),
        _ => return None,
    };
    Some((data.order_id, None, Some(Ending::new(end, event.time, data))))
}
