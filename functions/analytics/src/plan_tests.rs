use std::collections::HashMap;

use orderflow_domain::{OrderId, OrderLine, Quantity, Sku, Timestamp};
use proptest::prelude::*;

use super::*;

/// Two days in milliseconds, so that events fall into several buckets.
const LATEST: i64 = 2 * 86_400_000;

fn no_facts(order_id: OrderId) -> OrderFacts {
    OrderFacts { order_id, window: Window::of(Timestamp::from_millis(0)), placed_at: None, ending: None }
}

fn placed(order_id: OrderId, millis: i64) -> OrderFacts {
    OrderFacts { placed_at: Some(Timestamp::from_millis(millis)), ..no_facts(order_id) }
}

fn ended(order_id: OrderId, end: OrderEnd, millis: i64, units: i64) -> OrderFacts {
    let line = OrderLine {
        sku: Sku::parse("MUG").unwrap(),
        name: "Mug".to_owned(),
        quantity: Quantity::new(units).unwrap(),
        unit_price: 500,
    };
    let at = Timestamp::from_millis(millis);
    let ending = Ending { end, at, total: 500 * units, lines: vec![line] };
    OrderFacts { ending: Some(ending), ..no_facts(order_id) }
}

/// Counts facts one after the other, in this order.
fn count(facts: &[OrderFacts]) -> Increments {
    let (mut records, mut increments) = (HashMap::new(), Increments::default());
    for order in facts {
        if let Some(update) = plan(order, records.get(&order.order_id)) {
            increments.merge(update.increments);
            records.insert(order.order_id, update.counted);
        }
    }
    increments
}

fn counts(increments: &Increments, collection: Collection, name: &str) -> Counts {
    let found =
        increments.iter().find(|(counter, _)| counter.collection == collection && counter.name == name);
    found.map(|(_, counts)| *counts).unwrap_or_default()
}

#[test]
fn a_confirmed_order_counts_in_the_summary_its_skus_and_each_series() {
    let order = OrderId::generate();
    let increments = count(&[placed(order, 59_000), ended(order, OrderEnd::Confirmed, 61_000, 3)]);
    let sold = Counts { confirmed: 1, revenue: 1_500, ..Counts::default() };
    assert_eq!(counts(&increments, Collection::Summary, ALL_ORDERS), Counts { orders: 1, ..sold });
    assert_eq!(
        counts(&increments, Collection::Summary, "sku#MUG"),
        Counts { quantity: 3, ..Counts::default() }
    );
    let minute = |name| counts(&increments, Collection::Series(Bucket::Minute), name);
    assert_eq!(minute("1970-01-01T00:00:00.000Z"), Counts { orders: 1, ..Counts::default() });
    assert_eq!(minute("1970-01-01T00:01:00.000Z"), sold);
    let day = counts(&increments, Collection::Series(Bucket::Day), "1970-01-01T00:00:00.000Z");
    assert_eq!(day, Counts { orders: 1, ..sold });
}

#[test]
fn a_rejected_order_counts_no_revenue_and_no_units() {
    let order = OrderId::generate();
    let increments = count(&[ended(order, OrderEnd::Rejected, 0, 3)]);
    let expected = Counts { orders: 1, rejected: 1, ..Counts::default() };
    assert_eq!(increments.iter().map(|(_, counts)| *counts).collect::<Vec<_>>(), [expected]);
}

#[test]
fn only_the_first_ending_of_an_order_counts() {
    let order = OrderId::generate();
    let increments =
        count(&[ended(order, OrderEnd::Cancelled, 0, 1), ended(order, OrderEnd::Confirmed, 1, 1)]);
    let expected = Counts { orders: 1, cancelled: 1, ..Counts::default() };
    assert_eq!(counts(&increments, Collection::Summary, ALL_ORDERS), expected);
}

/// Generates the events of 1 to 19 orders, each event as facts of its own.
fn history() -> impl Strategy<Value = Vec<OrderFacts>> {
    let end = prop::option::of(prop::sample::select(vec![
        OrderEnd::Confirmed,
        OrderEnd::Rejected,
        OrderEnd::Cancelled,
    ]));
    let order = (0..LATEST, end, 0..LATEST, 1_i64..50).prop_map(|(placed_at, end, later, units)| {
        let order_id = OrderId::generate();
        let ending = end.map(|end| ended(order_id, end, placed_at + later, units));
        std::iter::once(placed(order_id, placed_at)).chain(ending).collect::<Vec<_>>()
    });
    prop::collection::vec(order, 1..20).prop_map(|orders| orders.concat())
}

proptest! {
    #[test]
    fn duplicates_and_reordering_do_not_change_the_counts(
        (events, delivered) in history().prop_flat_map(|events| {
            let twice = [events.clone(), events.clone()].concat();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        prop_assert_eq!(count(&delivered), count(&events));
    }

    #[test]
    fn no_more_orders_end_than_are_counted(events in history().prop_shuffle(), seen in 0_usize..40) {
        let increments = count(&events[..seen.min(events.len())]);
        let Counts { orders, confirmed, rejected, cancelled, .. } = counts(&increments, Collection::Summary, ALL_ORDERS);
        prop_assert!(orders >= confirmed + rejected + cancelled);
    }
}
