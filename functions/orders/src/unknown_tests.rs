use proptest::prelude::*;

use super::*;
use crate::events::EVENT_SOURCE;
use crate::harness::{OUT_OF_STOCK, OrdersHarness, report};

async fn item(harness: &OrdersHarness, id: OrderId) -> Option<UnknownOrder> {
    let table = harness.service.store.table(&ORDERS);
    table.get(table.key(key(id))).await.unwrap()
}

/// Returns the events that the writes of the item have emitted so far, by their number of the resend.
async fn asked(harness: &OrdersHarness, id: OrderId) -> Option<(EventType, Option<u32>)> {
    item(harness, id).await?;
    let event = harness.service.last_event(&EVENT_SOURCE, &key(id)).await;
    assert_eq!(event.order_id(), Some(id));
    Some((event.event_type(), event.resend))
}

fn retries(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(|outcome| matches!(outcome, Outcome::Retry { .. }))
}

#[tokio::test]
async fn a_reservation_or_a_charge_for_an_order_that_does_not_exist_is_undone() {
    let harness = OrdersHarness::open().await;
    for fact in [Fact::Reserved, Fact::Paid] {
        let id = OrderId::generate();
        assert!(retries(&harness.deliver(&[report(id, fact)]).await));
        assert_eq!(asked(&harness, id).await, Some((EventType::OrderUnknown, None)), "{fact:?}");
        assert!(retries(&harness.deliver(&[report(id, fact)]).await), "not undone yet");
        assert_eq!(asked(&harness, id).await, Some((EventType::OrderUnknown, Some(1))), "it is asked again");
        harness.deliver_all(&[report(id, Fact::Released), report(id, Fact::Uncharged)]).await;
        harness.deliver_all(&[report(id, fact), report(id, Fact::Reserved), report(id, Fact::Paid)]).await;
        assert!(harness.orders.get(id).await.unwrap().is_none(), "no order is made up");
    }
}

#[tokio::test]
async fn a_report_that_nothing_was_done_is_not_followed() {
    let harness = OrdersHarness::open().await;
    for fact in [OUT_OF_STOCK, Fact::Released, Fact::Declined, Fact::Uncharged] {
        let id = OrderId::generate();
        assert!(retries(&harness.deliver(&[report(id, fact)]).await));
        assert_eq!(item(&harness, id).await, None);
    }
}

#[tokio::test]
async fn reports_about_orders_that_exist_cost_no_further_request() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    let before = harness.service.embedded.requests();
    harness.deliver_all(&[report(id, Fact::Paid)]).await;
    assert_eq!(harness.service.embedded.requests().since(&before).total(), 2);
}

#[tokio::test]
async fn the_listings_of_orders_do_not_show_an_order_that_does_not_exist() {
    let harness = OrdersHarness::open().await;
    let id = OrderId::generate();
    harness.deliver(&[report(id, Fact::Reserved)]).await;
    let (orders, next) = harness.orders.scan(None).await.unwrap();
    assert!(orders.is_empty() && next.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Inventory and payments answer each `order.unknown`. Whatever the order of reports and answers, and whichever are repeated, the last report is
    /// acknowledged once both have answered, and it is asked for as long as they have not.
    #[test]
    fn it_is_asked_until_both_have_answered(
        facts in prop::collection::vec(
            prop::sample::select(vec![Fact::Reserved, Fact::Paid, Fact::Released, Fact::Uncharged, Fact::Declined, OUT_OF_STOCK]),
            1..12,
        )
    ) {
        let (id, now) = (OrderId::generate(), Timestamp::now());
        let (mut found, mut answered): (Option<UnknownOrder>, _) = (None, [false; 2]);
        for fact in facts {
            let event = report(id, fact);
            let delivery = Delivery { first_at: event.time, event: event.into(), attempt: 1, last_attempt: false };
            let asks = matches!(fact, Fact::Reserved | Fact::Paid);
            if found.is_some() || asks {
                answered[0] |= matches!(fact, Fact::Released | Fact::NotReserved(_));
                answered[1] |= matches!(fact, Fact::Uncharged | Fact::Declined);
            }
            let is_undone = answered == [true; 2];
            let (outbox, outcome) = match plan(id, found.as_ref(), &[(fact, &delivery)], now) {
                Plan::Finish(outcome) => (Outbox::default(), outcome),
                Plan::Write { item, outbox, outcome } => {
                    prop_assert_eq!(item.version, found.map_or(0, |found| found.version) + 1);
                    found = Some(item);
                    (outbox, outcome)
                }
            };
            prop_assert_eq!(!outbox.is_empty(), asks && !is_undone);
            let is_followed = found.is_some() && (!asks || is_undone);
            prop_assert_eq!(outcome == Outcome::Done, is_followed, "{:?} {:?}", fact, outcome);
        }
    }
}
