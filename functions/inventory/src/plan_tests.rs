use std::collections::HashMap;

use orderflow_domain::Currency;
use proptest::prelude::*;

use super::*;

const STOCKED: [(&str, i64); 2] = [("A", 5), ("B", 3)];

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn work(order_id: OrderId, request: Request, resend: Option<u32>) -> Work {
    Work { order_id, request, resend, traceparent: None }
}

fn reserve(lines: &[(&str, u32)], unknown_sku: UnknownSku) -> Request {
    Request::Reserve {
        lines: lines
            .iter()
            .map(|(text, quantity)| Quantities { sku: sku(text), quantity: *quantity })
            .collect(),
        total: Money { amount: 100, currency: Currency::parse("USD").unwrap() },
        payment_token: None,
        unknown_sku,
    }
}

/// What the store would hold.
struct Shelf {
    available: Available,
    reservations: HashMap<OrderId, ReservationRecord>,
}

impl Shelf {
    fn stocked() -> Self {
        let available = STOCKED.map(|(text, units)| (sku(text), units)).into();
        Self { available, reservations: HashMap::new() }
    }

    fn decide(&mut self, work: &Work) -> Decision {
        let existing = self.reservations.get(&work.order_id);
        let decision = decide(work, existing, &mut self.available, Timestamp::from_millis(0));
        if let Decision::Write(change) = &decision {
            assert_eq!(
                change.replaces,
                existing.map(|record| record.version),
                "it replaces what it was decided on"
            );
            assert!(change.record.version > change.replaces.unwrap_or_default());
            self.reservations.insert(work.order_id, change.record.clone());
        }
        decision
    }

    fn status(&self, order_id: OrderId) -> Option<ReservationStatus> {
        self.reservations.get(&order_id).map(|record| record.status)
    }

    fn held(&self, sku: &Sku) -> i64 {
        let held = self.reservations.values().filter(|record| record.status == ReservationStatus::Reserved);
        held.flat_map(|record| &record.lines)
            .filter(|line| line.sku == *sku)
            .map(|line| i64::from(line.quantity))
            .sum()
    }
}

fn written(decision: Decision) -> Change {
    match decision {
        Decision::Write(change) => *change,
        other => panic!("nothing to write: {other:?}"),
    }
}

fn requests() -> impl Strategy<Value = Vec<(usize, Request, Option<u32>)>> {
    let unknown = prop::sample::select(vec![UnknownSku::Wait, UnknownSku::Reject]);
    let lines = prop::sample::subsequence(vec!["A", "B", "UNKNOWN"], 1..=3);
    let asked = (lines, prop::collection::vec(1_u32..5, 3), unknown).prop_map(|(skus, units, unknown)| {
        let lines: Vec<_> = skus.into_iter().zip(units).collect();
        reserve(&lines, unknown)
    });
    let request = prop_oneof![3 => asked, 2 => Just(Request::Release)];
    prop::collection::vec((0_usize..6, request, prop::option::of(1_u32..9)), 0..60)
}

proptest! {
    #[test]
    fn units_are_neither_made_nor_lost_and_final_is_final(requests in requests()) {
        let orders: Vec<OrderId> = (0..6).map(|_| OrderId::generate()).collect();
        let mut shelf = Shelf::stocked();
        for (order, request, resend) in requests {
            let work = work(orders[order], request, resend);
            let before = shelf.status(work.order_id);
            let decision = shelf.decide(&work);
            for (text, stocked) in STOCKED {
                let sku = sku(text);
                prop_assert_eq!(shelf.available[&sku] + shelf.held(&sku), stocked);
                prop_assert!(shelf.available[&sku] >= 0);
            }
            let after = shelf.status(work.order_id);
            match (before, &work.request) {
                (Some(ReservationStatus::Reserved), Request::Release) | (None, Request::Release) => {
                    prop_assert_eq!(after, Some(ReservationStatus::Released))
                }
                (None, Request::Reserve { .. }) => {
                    prop_assert_ne!(after, Some(ReservationStatus::Released))
                }
                (Some(_), _) => prop_assert_eq!(after, before),
            }
            if let (Some(_), Some(resend), true) = (before, resend, before == after) {
                let change = written(decision);
                prop_assert_eq!(change.outbox.emissions()[0].resend, Some(resend));
                prop_assert!(change.taken.is_empty());
            }
        }
    }

    #[test]
    fn every_order_ends_in_one_status(requests in requests()) {
        let order = OrderId::generate();
        let mut shelf = Shelf::stocked();
        for (_, request, resend) in requests {
            shelf.decide(&work(order, request, resend));
        }
        shelf.decide(&work(order, reserve(&[("A", 1)], UnknownSku::Reject), None));
        prop_assert!(shelf.status(order).is_some());
        shelf.decide(&work(order, Request::Release, None));
        prop_assert_ne!(shelf.status(order), Some(ReservationStatus::Reserved));
        prop_assert_eq!(shelf.held(&sku("A")), 0);
    }
}

#[test]
fn all_lines_are_held_or_none() {
    let mut shelf = Shelf::stocked();
    let change = written(shelf.decide(&work(
        OrderId::generate(),
        reserve(&[("A", 5), ("B", 4)], UnknownSku::Wait),
        None,
    )));
    assert_eq!(change.record.status, ReservationStatus::Rejected);
    assert_eq!(change.record.reason, Some(RejectionReason::OutOfStock));
    assert_eq!(change.record.shortages, [Shortage { sku: sku("B"), requested: 4, available: 3 }]);
    assert_eq!(change.outbox, Outbox::of(EventType::InventoryRejected));
    assert_eq!(shelf.available[&sku("A")], 5);
}

#[test]
fn an_unknown_sku_is_waited_for_and_then_refused() {
    let order = OrderId::generate();
    let mut shelf = Shelf::stocked();
    let waits = shelf.decide(&work(order, reserve(&[("A", 1), ("NEW", 1)], UnknownSku::Wait), None));
    assert!(matches!(waits, Decision::AwaitProduct(missing) if missing == sku("NEW")));
    assert_eq!(shelf.status(order), None);
    let refused = written(shelf.decide(&work(order, reserve(&[("NEW", 1)], UnknownSku::Reject), None)));
    assert_eq!(refused.record.reason, Some(RejectionReason::UnknownProduct));
}

#[test]
fn what_is_given_back_in_a_batch_can_be_given_out_in_it() {
    let (first, second) = (OrderId::generate(), OrderId::generate());
    let mut shelf = Shelf::stocked();
    shelf.decide(&work(first, reserve(&[("A", 5)], UnknownSku::Wait), None));
    shelf.decide(&work(first, Request::Release, None));
    shelf.decide(&work(second, reserve(&[("A", 5)], UnknownSku::Wait), None));
    assert_eq!(shelf.status(second), Some(ReservationStatus::Reserved));
}

#[test]
fn a_tombstone_holds_nothing_and_forgets_the_means_of_payment() {
    let order = OrderId::generate();
    let mut shelf = Shelf::stocked();
    let tombstone = written(shelf.decide(&work(order, Request::Release, None)));
    assert_eq!(tombstone.outbox, Outbox::of(EventType::InventoryReleased));
    assert!(tombstone.record.lines.is_empty() && tombstone.taken.is_empty());
    let late = shelf.decide(&work(order, reserve(&[("A", 1)], UnknownSku::Wait), None));
    assert!(matches!(late, Decision::Done));
}
