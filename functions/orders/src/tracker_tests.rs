use std::collections::BTreeSet;
use std::sync::Arc;

use orderflow_domain::{Order, PaymentToken};
use orderflow_embedded::Fault;
use proptest::prelude::*;

use super::*;
use crate::harness::{OUT_OF_STOCK, OrdersHarness, order, report};

#[tokio::test]
async fn an_order_is_open_exactly_until_it_is_settled() {
    let harness = OrdersHarness::open().await;
    for (facts, status) in [
        (vec![Fact::Reserved, Fact::Paid], "confirmed"),
        (vec![OUT_OF_STOCK, Fact::Uncharged], "rejected (out_of_stock)"),
        (vec![Fact::Reserved, Fact::Declined, Fact::Released], "rejected (payment_declined)"),
    ] {
        let id = harness.place().await;
        assert!(harness.is_open(id).await);
        let (last, first) = facts.split_last().unwrap();
        for fact in first {
            harness.deliver_all(&[report(id, *fact)]).await;
            assert!(harness.is_open(id).await, "{fact:?}");
        }
        harness.deliver_all(&[report(id, *last)]).await;
        assert!(!harness.is_open(id).await);
        assert_eq!(harness.status(id).await, status);
    }
}

#[tokio::test]
async fn the_payment_token_is_dropped_once_the_order_is_decided() {
    let harness = OrdersHarness::open().await;
    let place = async || {
        let payment_token = Some(PaymentToken::parse("tok_secret").unwrap());
        harness.place_order(Order { payment_token, ..order() }).await
    };
    for fact in [Fact::Paid, Fact::Declined, OUT_OF_STOCK] {
        let id = place().await;
        harness.deliver_all(&[report(id, Fact::Reserved)]).await;
        assert!(harness.order(id).await.payment_token.is_some(), "the order may have to be charged");
        harness.deliver_all(&[report(id, fact)]).await;
        assert_eq!(harness.order(id).await.payment_token, None, "{fact:?}");
    }
    let id = place().await;
    assert_eq!(harness.cancel(id).await, 200);
    assert_eq!(harness.order(id).await.payment_token, None);
}

#[tokio::test]
async fn a_batch_with_repeats_takes_one_read_and_one_write() {
    let harness = OrdersHarness::open().await;
    let (first, second) = (harness.place().await, harness.place().await);
    let before = harness.service.embedded.requests();
    let events = [Fact::Paid, Fact::Reserved, Fact::Paid, Fact::Reserved];
    let both = events.iter().flat_map(|fact| [report(first, *fact), report(second, *fact)]);
    harness.deliver_all(&both.collect::<Vec<_>>()).await;
    assert_eq!(harness.service.embedded.requests().since(&before).total(), 2);
    for id in [first, second] {
        assert_eq!((harness.order(id).await.version, harness.status(id).await), (2, "confirmed".to_owned()));
        assert_eq!(harness.outbox(id).await, "order.confirmed");
    }
}

#[tokio::test]
async fn the_timeline_shows_the_attempt_and_the_trace_of_each_report() {
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    harness.deliver_all(&[report(id, Fact::Reserved)]).await;
    let mut paid = report(id, Fact::Paid);
    paid.traceparent = Some(format!("00-{trace_id}-00f067aa0ba902b7-01"));
    let delivery = Delivery { first_at: paid.time, event: paid.into(), attempt: 3, last_attempt: false };
    assert_eq!(harness.tracker.handle(&[delivery]).await, [Outcome::Done]);
    let events = harness.events(id).await;
    let entry = |event: &serde_json::Value| {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        (text("type"), event["attempt"].as_u64(), text("trace_id"))
    };
    let entries: Vec<_> = events.as_array().unwrap().iter().map(entry).collect();
    let (none, name) = (String::new(), str::to_owned);
    assert_eq!(
        entries,
        [
            (name("order.placed"), None, none.clone()),
            (name("inventory.reserved"), Some(1), none.clone()),
            (name("payment.completed"), Some(3), name(trace_id)),
            (name("order.confirmed"), None, none),
        ]
    );
}

#[tokio::test]
async fn h19_a_late_report_writes_nothing() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    harness.deliver_all(&[report(id, Fact::Paid)]).await;
    let confirmed = harness.order(id).await;
    harness
        .deliver_all(&[report(id, Fact::Reserved), report(id, Fact::Paid), report(id, Fact::Declined)])
        .await;
    assert_eq!(harness.order(id).await, confirmed);
}

#[tokio::test]
async fn a_report_about_an_unknown_order_is_retried_alone() {
    let harness = OrdersHarness::open().await;
    let (id, unknown) = (harness.place().await, OrderId::generate());
    let outcomes = harness.deliver(&[report(unknown, Fact::Paid), report(id, Fact::Paid)]).await;
    assert!(matches!(&outcomes[0], Outcome::Retry { .. }), "{outcomes:?}");
    assert_eq!(outcomes[1], Outcome::Done);
    assert_eq!(harness.status(id).await, "confirmed");
}

#[tokio::test]
async fn a_cancellation_between_read_and_write_is_kept() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    let paid = report(id, Fact::Paid);
    let paid = Delivery { first_at: paid.time, event: paid.into(), attempt: 1, last_attempt: false };
    let order = harness.order(id).await;
    let reported = [Change::Reported(Fact::Paid, &paid)];
    let transition = Transition::of(&order, reported, Timestamp::now()).unwrap().unwrap();
    assert_eq!(harness.cancel(id).await, 200);
    assert_eq!(harness.tracker.write(&[transition]).await, [None], "it is read and applied again");
    harness.deliver_all(&[(*paid.event).clone()]).await;
    assert_eq!(harness.status(id).await, "cancelled (customer)");
    assert_eq!(harness.outbox(id).await, "order.cancelled@1", "payment is asked again to undo its charge");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_and_a_cancellation_never_both_succeed() {
    let harness = Arc::new(OrdersHarness::open().await);
    for _ in 0..30 {
        let id = harness.place().await;
        let (tracking, cancelling) = (harness.clone(), harness.clone());
        let tracking = tokio::spawn(async move { tracking.deliver_all(&[report(id, Fact::Paid)]).await });
        let cancelling = tokio::spawn(async move { cancelling.cancel(id).await });
        tracking.await.unwrap();
        let expected = if cancelling.await.unwrap() == 200 { "cancelled (customer)" } else { "confirmed" };
        assert_eq!(harness.status(id).await, expected);
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_repeated() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    let loses =
        |operation: &str, _: &serde_json::Value| (operation == "PutItem").then_some(Fault::LostAnswer);
    harness.service.embedded.inject(Arc::new(loses));
    let outcomes = harness.deliver(&[report(id, Fact::Paid)]).await;
    assert!(matches!(&outcomes[0], Outcome::Retry { .. }), "{outcomes:?}");
    harness.service.stop_failing();
    harness.deliver_all(&[report(id, Fact::Paid)]).await;
    assert_eq!(
        (harness.order(id).await.version, harness.outbox(id).await),
        (2, "order.confirmed".to_owned())
    );
}

/// The courses of an order: the facts that decide it, the answers that settle it, and its final status.
const COURSES: [(&[Fact], &[Fact], &str); 4] = [
    (&[Fact::Reserved, Fact::Paid], &[], "confirmed"),
    (&[OUT_OF_STOCK], &[Fact::Uncharged], "rejected (out_of_stock)"),
    (&[Fact::Reserved, Fact::Declined], &[Fact::Released], "rejected (payment_declined)"),
    (&[], &[Fact::Reserved, Fact::Paid, Fact::Released, Fact::Uncharged], "cancelled (customer)"),
];

/// Generates these facts in any order, each at least once, with repeats of them and of `repeatable` facts.
fn shuffled(facts: &[Fact], repeatable: &[Fact]) -> BoxedStrategy<Vec<Fact>> {
    let (all, once) = ([facts, repeatable].concat(), facts.to_vec());
    if all.is_empty() {
        return Just(Vec::new()).boxed();
    }
    let repeats = prop::collection::vec(prop::sample::select(all), 0..5);
    repeats.prop_map(move |repeats| [once.clone(), repeats].concat()).prop_shuffle().boxed()
}

fn histories() -> impl Strategy<Value = (usize, Vec<Fact>, Vec<Fact>, usize)> {
    (0..COURSES.len(), 1_usize..4).prop_flat_map(|(end, batch)| {
        let (deciding, settling, _) = COURSES[end];
        (Just(end), shuffled(deciding, &[]), shuffled(settling, deciding), Just(batch))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn events_in_any_order_with_repeats_end_and_settle_an_order((end, deciding, settling, batch) in histories()) {
        let (_, _, status) = COURSES[end];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let harness = OrdersHarness::open().await;
            let id = harness.place().await;
            if deciding.is_empty() {
                assert_eq!(harness.cancel(id).await, 200);
            }
            let (mut endings, mut versions) = (BTreeSet::new(), BTreeSet::new());
            for facts in deciding.chunks(batch).chain(settling.chunks(batch)) {
                let events: Vec<Event> = facts.iter().map(|fact| report(id, *fact)).collect();
                harness.deliver_all(&events).await;
                let order = harness.order(id).await;
                assert_eq!(harness.is_open(id).await, !order.state().unwrap().is_settled());
                let outbox = harness.outbox(id).await;
                if versions.insert(order.version) && outbox.split(' ').any(|word| !word.contains('@') && !word.is_empty()) {
                    endings.insert(order.version);
                }
            }
            assert_eq!(harness.status(id).await, status);
            assert!(!harness.is_open(id).await, "the order is settled");
            assert_eq!(endings.len(), usize::from(end != 3), "the order ends once");
        });
    }
}
