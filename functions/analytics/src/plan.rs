//! Decides what to count of an order, without touching the store.

use orderflow_bugs::is_planted;
use orderflow_domain::OrderId;

use crate::counters::{ALL_ORDERS, Bucket, Collection, Counts, Increments, SKU_PREFIX};
use crate::order_facts::{Ending, OrderFacts};
use crate::table::{CountedOrder, OrderEnd, Window};

/// What is counted of an order from now on, and what that adds to the counters. Both are written in one transaction.
#[derive(Debug)]
pub(crate) struct CountUpdate {
    pub order_id: OrderId,
    pub window: Window,
    pub counted: CountedOrder,
    pub increments: Increments,
}

/// Decides what to count of one order. Returns `None` if all that `facts` say is counted already.
pub(crate) fn plan(facts: &OrderFacts, counted: Option<&CountedOrder>) -> Option<CountUpdate> {
    let is_placed = counted.is_some_and(|record| record.placed);
    let end = counted.and_then(|record| record.end);
    let placed_at = facts.placed_at.filter(|_| !is_placed || is_planted("order-counted-again"));
    let ending = facts.ending.as_ref().filter(|_| end.is_none() || is_planted("revenue-counted-again"));
    if placed_at.is_none() && ending.is_none() {
        return None;
    }
    let mut increments = Increments::default();
    if counted.is_none() {
        increments.add(Collection::Summary, ALL_ORDERS, Counts { orders: 1, ..Counts::default() });
    }
    if let Some(placed_at) = placed_at {
        for bucket in Bucket::ALL {
            let name = bucket.start(placed_at).to_string();
            increments.add(Collection::Series(bucket), name, Counts { orders: 1, ..Counts::default() });
        }
    }
    if let Some(ending) = ending {
        count_ending(ending, &mut increments);
    }
    let counted = CountedOrder {
        placed: is_placed || placed_at.is_some(),
        end: end.or(ending.map(|ending| ending.end)),
    };
    Some(CountUpdate { order_id: facts.order_id, window: facts.window, counted, increments })
}

fn count_ending(ending: &Ending, increments: &mut Increments) {
    let counts = match ending.end {
        OrderEnd::Confirmed => Counts { confirmed: 1, revenue: ending.total, ..Counts::default() },
        OrderEnd::Rejected => Counts { rejected: 1, ..Counts::default() },
        OrderEnd::Cancelled => Counts { cancelled: 1, ..Counts::default() },
    };
    increments.add(Collection::Summary, ALL_ORDERS, counts);
    if ending.end != OrderEnd::Confirmed {
        return;
    }
    for bucket in Bucket::ALL {
        increments.add(Collection::Series(bucket), bucket.start(ending.at).to_string(), counts);
    }
    for line in &ending.lines {
        let quantity = i64::from(line.quantity.get());
        let name = format!("{SKU_PREFIX}{}", line.sku);
        increments.add(Collection::Summary, name, Counts { quantity, ..Counts::default() });
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
