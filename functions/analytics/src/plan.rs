//! What is to be counted of an order, decided without touching the store.

use crate::bucket::Bucket;
use crate::table::{End, OrderRecord};
use crate::tally::{Collection, Counts, Tally};
use crate::work::{Ending, Work};

/// The counter of all orders.
pub(crate) const ORDERS: &str = "orders";

/// What the names of skus' counters begin with.
pub(crate) const SKU: &str = "sku#";

/// What is counted of an order from now on, and what that adds to the counters.
#[derive(Debug)]
pub(crate) struct Change {
    pub record: OrderRecord,
    /// The version that it replaces; none where nothing was counted.
    pub replaces: Option<u32>,
    pub tally: Tally,
}

/// Decides one order. None where everything is counted.
pub(crate) fn decide(work: &Work, counted: Option<&OrderRecord>) -> Option<Change> {
    let is_placed = counted.is_some_and(|record| record.placed);
    let end = counted.and_then(|record| record.end);
    let placed_at = work.placed_at.filter(|_| !is_placed);
    let ending = work.ending.as_ref().filter(|_| end.is_none());
    if placed_at.is_none() && ending.is_none() {
        return None;
    }
    let mut tally = Tally::default();
    if counted.is_none() {
        tally.add(Collection::Summary, ORDERS, Counts { orders: 1, ..Counts::default() });
    }
    if let Some(placed_at) = placed_at {
        for bucket in Bucket::ALL {
            let name = bucket.start(placed_at).to_string();
            tally.add(Collection::Series(bucket), name, Counts { orders: 1, ..Counts::default() });
        }
    }
    if let Some(ending) = ending {
        count_ending(ending, &mut tally);
    }
    let replaces = counted.map(|record| record.version);
    let record = OrderRecord {
        order_id: work.order_id,
        placed: is_placed || placed_at.is_some(),
        end: end.or(ending.map(|ending| ending.end)),
        version: replaces.unwrap_or_default() + 1,
    };
    Some(Change { record, replaces, tally })
}

fn count_ending(ending: &Ending, tally: &mut Tally) {
    let counts = match ending.end {
        End::Confirmed => Counts { confirmed: 1, revenue: ending.total, ..Counts::default() },
        End::Rejected => Counts { rejected: 1, ..Counts::default() },
        End::Cancelled => Counts { cancelled: 1, ..Counts::default() },
    };
    tally.add(Collection::Summary, ORDERS, counts);
    if ending.end != End::Confirmed {
        return;
    }
    for bucket in Bucket::ALL {
        tally.add(Collection::Series(bucket), bucket.start(ending.at).to_string(), counts);
    }
    for line in &ending.lines {
        let quantity = i64::from(line.quantity.get());
        let name = format!("{SKU}{}", line.sku);
        tally.add(Collection::Summary, name, Counts { quantity, ..Counts::default() });
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
