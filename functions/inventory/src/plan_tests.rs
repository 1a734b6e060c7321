use std::collections::HashMap;

use orderflow_domain::Currency;
use proptest::prelude::*;

use super::*;

const STOCKED: [(&str, i64); 2] = [("A", 5), ("B", 3)];

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn request(order_id: OrderId, action: Action, resend: Option<u32>) -> OrderRequest {
    OrderRequest { order_id, action, resend, traceparent: None }
}

fn reserve(lines: &[(&str, u32)], unknown_sku: UnknownSku) -> Action {
    Action::Reserve {
        lines: lines
            .iter()
            .map(|(text, quantity)| Quantities { sku: sku(text), quantity: *quantity })
            .collect(),
        total: Money { amount: 100, currency: Currency::parse("USD").unwrap() },
        payment_token: None,
        unknown_sku,
    }
}

/// Stock and reservations as the store would hold them.
struct TestStock {
    available: Available,
    reservations: HashMap<OrderId, ReservationRecord>,
}

impl TestStock {
    fn new() -> Self {
        let available = STOCKED.map(|(text, units)| (sku(text), units)).into();
        Self { available, reservations: HashMap::new() }
    }

    fn plan(&mut self, request: &OrderRequest) -> Plan {
        let existing = self.reservations.get(&request.order_id);
        let planned = plan(request, existing, &mut self.available, Timestamp::from_millis(0));
        if let Plan::Write(change) = &planned {
            assert_eq!(
                change.replaces,
                existing.map(|record| record.version),
                "it replaces the version that it was decided on"
            );
            assert!(change.record.version > change.replaces.unwrap_or_default());
            self.reservations.insert(request.order_id, change.record.clone());
        }
        planned
    }

    fn status(&self, order_id: OrderId) -> Option<ReservationStatus> {
        self.reservations.get(&order_id).map(|record| record.status)
    }

    fn reserved(&self, sku: &Sku) -> i64 {
        let reserved =
            self.reservations.values().filter(|record| record.status == ReservationStatus::Reserved);
        reserved
            .flat_map(|record| &record.lines)
            .filter(|line| line.sku == *sku)
            .map(|line| i64::from(line.quantity))
            .sum()
    }
}

fn written(planned: Plan) -> ReservationChange {
    match planned {
        Plan::Write(change) => *change,
        other => panic!("nothing to write: {other:?}"),
    }
}

fn requests() -> impl Strategy<Value = Vec<(usize, Action, Option<u32>)>> {
    let unknown = prop::sample::select(vec![UnknownSku::Wait, UnknownSku::Reject]);
    let lines = prop::sample::subsequence(vec!["A", "B", "UNKNOWN"], 1..=3);
    let reserve = (lines, prop::collection::vec(1_u32..5, 3), unknown).prop_map(|(skus, units, unknown)| {
        let lines: Vec<_> = skus.into_iter().zip(units).collect();
        reserve(&lines, unknown)
    });
    let action = prop_oneof![3 => reserve, 2 => Just(Action::Release)];
    prop::collection::vec((0_usize..6, action, prop::option::of(1_u32..9)), 0..60)
}

proptest! {
    #[test]
    fn units_are_conserved_and_final_statuses_never_change(requests in requests()) {
        let orders: Vec<OrderId> = (0..6).map(|_| OrderId::generate()).collect();
        let mut stock = TestStock::new();
        for (order, action, resend) in requests {
            let request = request(orders[order], action, resend);
            let before = stock.status(request.order_id);
            let planned = stock.plan(&request);
            for (text, stocked) in STOCKED {
                let sku = sku(text);
                prop_assert_eq!(stock.available[&sku] + stock.reserved(&sku), stocked);
                prop_assert!(stock.available[&sku] >= 0);
            }
            let after = stock.status(request.order_id);
            match (before, &request.action) {
                (Some(ReservationStatus::Reserved), Action::Release) | (None, Action::Release) => {
                    prop_assert_eq!(after, Some(ReservationStatus::Released))
                }
                (None, Action::Reserve { .. }) => {
                    prop_assert_ne!(after, Some(ReservationStatus::Released))
                }
                (Some(_), _) => prop_assert_eq!(after, before),
            }
            if let (Some(_), Some(resend), true) = (before, resend, before == after) {
                let change = written(planned);
                prop_assert_eq!(change.outbox.emissions()[0].resend, Some(resend));
                prop_assert!(change.moved.is_empty());
            }
        }
    }

    #[test]
    fn every_order_ends_in_one_status(requests in requests()) {
        let order = OrderId::generate();
        let mut stock = TestStock::new();
        for (_, action, resend) in requests {
            stock.plan(&request(order, action, resend));
        }
        stock.plan(&request(order, reserve(&[("A", 1)], UnknownSku::Reject), None));
        prop_assert!(stock.status(order).is_some());
        stock.plan(&request(order, Action::Release, None));
        prop_assert_ne!(stock.status(order), Some(ReservationStatus::Reserved));
        prop_assert_eq!(stock.reserved(&sku("A")), 0);
    }
}

#[test]
fn all_lines_are_reserved_or_none() {
    let mut stock = TestStock::new();
    let change = written(stock.plan(&request(
        OrderId::generate(),
        reserve(&[("A", 5), ("B", 4)], UnknownSku::Wait),
        None,
    )));
    assert_eq!(change.record.status, ReservationStatus::Rejected);
    assert_eq!(change.record.reason, Some(RejectionReason::OutOfStock));
    assert_eq!(change.record.shortages, [Shortage { sku: sku("B"), requested: 4, available: 3 }]);
    assert_eq!(change.outbox, Outbox::of(EventType::InventoryRejected));
    assert_eq!(stock.available[&sku("A")], 5);
}

#[test]
fn an_unknown_sku_is_waited_for_and_then_rejected() {
    let order = OrderId::generate();
    let mut stock = TestStock::new();
    let retried = stock.plan(&request(order, reserve(&[("A", 1), ("NEW", 1)], UnknownSku::Wait), None));
    assert!(matches!(retried, Plan::AwaitProduct(missing) if missing == sku("NEW")));
    assert_eq!(stock.status(order), None);
    let rejected = written(stock.plan(&request(order, reserve(&[("NEW", 1)], UnknownSku::Reject), None)));
    assert_eq!(rejected.record.reason, Some(RejectionReason::UnknownProduct));
}

#[test]
fn released_units_can_be_reserved_in_the_same_batch() {
    let (first, second) = (OrderId::generate(), OrderId::generate());
    let mut stock = TestStock::new();
    stock.plan(&request(first, reserve(&[("A", 5)], UnknownSku::Wait), None));
    stock.plan(&request(first, Action::Release, None));
    stock.plan(&request(second, reserve(&[("A", 5)], UnknownSku::Wait), None));
    assert_eq!(stock.status(second), Some(ReservationStatus::Reserved));
}

#[test]
fn a_tombstone_has_no_units_and_no_payment_token() {
    let order = OrderId::generate();
    let mut stock = TestStock::new();
    let tombstone = written(stock.plan(&request(order, Action::Release, None)));
    assert_eq!(tombstone.outbox, Outbox::of(EventType::InventoryReleased));
    assert!(tombstone.record.lines.is_empty() && tombstone.moved.is_empty());
    assert_eq!(tombstone.record.payment_token, None);
    let late = stock.plan(&request(order, reserve(&[("A", 1)], UnknownSku::Wait), None));
    assert!(matches!(late, Plan::Acknowledge));
}
