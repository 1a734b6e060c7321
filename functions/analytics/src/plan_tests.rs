#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use orderflow_domain::{OrderId, OrderLine, Quantity, Sku, Timestamp};
use proptest::prelude::*;

use super::*;

/// Two days, so that not everything is in one bucket.
const LATEST: i64 = 2 * 86_400_000;

fn work(order_id: OrderId) -> Work {
    Work { order_id, placed_at: None, ending: None, positions: Vec::new() }
}

fn placed(order_id: OrderId, millis: i64) -> Work {
    Work { placed_at: Some(Timestamp::from_millis(millis)), ..work(order_id) }
}

fn ended(order_id: OrderId, end: End, millis: i64, units: i64) -> Work {
    let line = OrderLine {
        sku: Sku::parse("MUG").unwrap(),
        name: "Mug".to_owned(),
        quantity: Quantity::new(units).unwrap(),
        unit_price: 500,
    };
    let at = Timestamp::from_millis(millis);
    let ending = Ending { end, at, total: 500 * units, lines: vec![line] };
    Work { ending: Some(ending), ..work(order_id) }
}

/// What is counted when works come in this order, each found as the ones before left it.
fn count(works: &[Work]) -> Tally {
    let (mut records, mut tally) = (HashMap::new(), Tally::default());
    for work in works {
        if let Some(change) = decide(work, records.get(&work.order_id)) {
            tally.merge(change.tally);
            records.insert(work.order_id, change.record);
        }
    }
    tally
}

fn counts(tally: &Tally, collection: Collection, name: &str) -> Counts {
    let found = tally.iter().find(|(counter, _)| counter.collection == collection && counter.name == name);
    found.map(|(_, counts)| *counts).unwrap_or_default()
}

#[test]
fn a_confirmed_order_counts_wherever_it_belongs() {
    let order = OrderId::generate();
    let tally = count(&[placed(order, 59_000), ended(order, End::Confirmed, 61_000, 3)]);
    let sold = Counts { confirmed: 1, revenue: 1_500, ..Counts::default() };
    assert_eq!(counts(&tally, Collection::Summary, ORDERS), Counts { orders: 1, ..sold });
    assert_eq!(counts(&tally, Collection::Summary, "sku#MUG"), Counts { quantity: 3, ..Counts::default() });
    let minute = |name| counts(&tally, Collection::Series(Bucket::Minute), name);
    assert_eq!(minute("1970-01-01T00:00:00.000Z"), Counts { orders: 1, ..Counts::default() });
    assert_eq!(minute("1970-01-01T00:01:00.000Z"), sold);
    let day = counts(&tally, Collection::Series(Bucket::Day), "1970-01-01T00:00:00.000Z");
    assert_eq!(day, Counts { orders: 1, ..sold });
}

#[test]
fn a_refused_order_sells_nothing() {
    let order = OrderId::generate();
    let tally = count(&[ended(order, End::Rejected, 0, 3)]);
    let expected = Counts { orders: 1, rejected: 1, ..Counts::default() };
    assert_eq!(tally.iter().map(|(_, counts)| *counts).collect::<Vec<_>>(), [expected]);
}

#[test]
fn an_order_ends_once() {
    let order = OrderId::generate();
    let tally = count(&[ended(order, End::Cancelled, 0, 1), ended(order, End::Confirmed, 1, 1)]);
    let expected = Counts { orders: 1, cancelled: 1, ..Counts::default() };
    assert_eq!(counts(&tally, Collection::Summary, ORDERS), expected);
}

/// The events of some orders, each as a work of its own.
fn history() -> impl Strategy<Value = Vec<Work>> {
    let end = prop::option::of(prop::sample::select(vec![End::Confirmed, End::Rejected, End::Cancelled]));
    let order = (0..LATEST, end, 0..LATEST, 1_i64..50).prop_map(|(placed_at, end, later, units)| {
        let order_id = OrderId::generate();
        let ending = end.map(|end| ended(order_id, end, placed_at + later, units));
        std::iter::once(placed(order_id, placed_at)).chain(ending).collect::<Vec<_>>()
    });
    prop::collection::vec(order, 1..20).prop_map(|orders| orders.concat())
}

proptest! {
    #[test]
    fn neither_order_nor_repeats_change_what_is_counted(
        (events, delivered) in history().prop_flat_map(|events| {
            let twice = [events.clone(), events.clone()].concat();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        prop_assert_eq!(count(&delivered), count(&events));
    }

    #[test]
    fn every_order_is_pending_or_ended(events in history().prop_shuffle(), seen in 0_usize..40) {
        let tally = count(&events[..seen.min(events.len())]);
        let Counts { orders, confirmed, rejected, cancelled, .. } = counts(&tally, Collection::Summary, ORDERS);
        prop_assert!(orders >= confirmed + rejected + cancelled);
    }
}
