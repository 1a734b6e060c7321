use std::collections::HashMap;
use std::sync::Arc;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use orderflow_domain::{CancellationReason, Fact};
use orderflow_embedded::Fault;
use orderflow_store::Write;
use proptest::prelude::*;

use super::*;
use crate::ORDERS;
use crate::harness::{OUT_OF_STOCK, OrdersHarness, order, report};

const SETTINGS: ExpirySettings =
    ExpirySettings { resend_after: Duration::from_secs(120), expires_after: Duration::from_secs(1_800) };

const AMPLE: Duration = Duration::from_secs(60);
const MILLI: Duration = Duration::from_millis(1);

async fn sweep(harness: &OrdersHarness, now: Timestamp) -> Swept {
    OrderExpiry::new(&harness.service.store, SETTINGS).sweep(now, AMPLE).await.unwrap()
}

/// Returns how many orders were resent and how many were cancelled.
fn changes(swept: Swept) -> (usize, usize) {
    (swept.resent, swept.expired)
}

#[tokio::test]
async fn an_order_is_resent_when_its_wait_is_over_and_not_before() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    let mut last = harness.order(id).await.updated_at;
    for (resends, wait) in [(1, 120), (2, 240), (3, 480)] {
        let due = last.plus(Duration::from_secs(wait));
        let young = Timestamp::from_millis(due.as_millis() - 1);
        assert_eq!(changes(sweep(&harness, young).await), (0, 0), "{resends}");
        assert_eq!(changes(sweep(&harness, due).await), (1, 0), "{resends}");
        assert_eq!(harness.outbox(id).await, format!("order.placed@{resends}"));
        assert_eq!(changes(sweep(&harness, due).await), (0, 0), "it is resent once");
        last = harness.order(id).await.updated_at;
        assert_eq!(last, due);
    }
    assert_eq!(harness.status(id).await, "pending");
}

#[tokio::test]
async fn the_event_that_the_order_waits_on_is_resent() {
    for (facts, resent) in [
        (&[][..], "order.placed@1"),
        (&[Fact::Reserved], "order.placed@1"),
        (&[OUT_OF_STOCK], "order.rejected@1"),
        (&[Fact::Reserved, Fact::Declined], "order.rejected@1"),
    ] {
        let harness = OrdersHarness::open().await;
        let id = harness.place().await;
        for fact in facts {
            harness.deliver_all(&[report(id, *fact)]).await;
        }
        let status = harness.status(id).await;
        let due = harness.order(id).await.updated_at.plus(SETTINGS.resend_after);
        assert_eq!(changes(sweep(&harness, due).await), (1, 0), "{facts:?}");
        assert_eq!((harness.outbox(id).await.as_str(), harness.status(id).await), (resent, status));
    }
}

#[tokio::test]
async fn an_undecided_order_is_cancelled_once() {
    for facts in [&[][..], &[Fact::Reserved]] {
        let harness = OrdersHarness::open().await;
        let id = harness.place().await;
        for fact in facts {
            harness.deliver_all(&[report(id, *fact)]).await;
        }
        let placed = harness.order(id).await.created_at;
        let due = placed.plus(SETTINGS.expires_after);
        let almost = Timestamp::from_millis(due.as_millis() - 1);
        assert_eq!(changes(sweep(&harness, almost).await), (1, 0), "before that age it is resent");
        assert_eq!(changes(sweep(&harness, due).await), (0, 1));
        assert_eq!(harness.status(id).await, "cancelled (expired)");
        assert_eq!(harness.outbox(id).await, "order.cancelled");
        let entry = harness.order(id).await.timeline.pop().unwrap();
        assert_eq!(
            (entry.event_type.as_str(), entry.detail.as_deref()),
            ("order.cancelled", Some("expired"))
        );
        assert_eq!(changes(sweep(&harness, due).await), (0, 0));
    }
}

#[tokio::test]
async fn a_refused_order_is_resent_until_it_settles_and_never_cancelled() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    harness.deliver_all(&[report(id, Fact::Declined)]).await;
    let mut now = harness.order(id).await.updated_at;
    for resends in 1..=8 {
        now = now.plus(SETTINGS.expires_after * 3);
        assert_eq!(changes(sweep(&harness, now).await), (1, 0));
        assert_eq!(harness.outbox(id).await, format!("order.rejected@{resends}"));
    }
    assert_eq!(harness.status(id).await, "rejected (payment_declined)");
    harness.deliver_all(&[report(id, Fact::Released)]).await;
    assert_eq!(sweep(&harness, now.plus(AMPLE * 1_000)).await, Swept::default());
}

#[tokio::test]
async fn a_confirmed_order_is_never_read() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    harness.deliver_all(&[report(id, Fact::Paid)]).await;
    let confirmed = harness.order(id).await;
    let before = harness.service.embedded.requests();
    let late = confirmed.updated_at.plus(SETTINGS.expires_after * 10);
    assert_eq!(sweep(&harness, late).await, Swept::default());
    let requests = harness.service.embedded.requests().since(&before);
    assert_eq!(
        requests.total(),
        Orders::open_partitions().len() as u64,
        "one query for each partition, and no scan"
    );
    assert_eq!(harness.order(id).await, confirmed);
}

#[tokio::test]
async fn a_settled_order_that_the_index_still_names_is_not_changed() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    harness.deliver_all(&[report(id, Fact::Paid)]).await;
    let confirmed = harness.order(id).await;
    let late = confirmed.updated_at.plus(SETTINGS.expires_after * 10);
    assert!(transition(&confirmed, &SETTINGS, late).is_none());
}

#[tokio::test]
async fn a_change_between_read_and_write_is_kept() {
    let harness = OrdersHarness::open().await;
    let (moved, stuck) = (harness.place().await, harness.place().await);
    let read = [harness.order(moved).await, harness.order(stuck).await];
    let now = read[1].created_at.plus(SETTINGS.expires_after);
    harness.deliver_all(&[report(moved, Fact::Paid)]).await;
    let transitions = read.map(|order| transition(&order, &SETTINGS, now).unwrap());
    let results = harness.orders.replace_each(&transitions).await;
    assert!(matches!(&results[..], [Err(WriteError::ConditionFailed(_)), Ok(())]), "{results:?}");
    assert_eq!(harness.status(moved).await, "confirmed");
    assert_eq!(harness.status(stuck).await, "cancelled (expired)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_sweeps_resend_each_order_once() {
    let harness = Arc::new(OrdersHarness::open().await);
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(harness.place().await);
    }
    let now = Timestamp::now().plus(SETTINGS.resend_after);
    let sweeps = [0; 4].map(|_| {
        let harness = harness.clone();
        tokio::spawn(async move { sweep(&harness, now).await })
    });
    let mut resent = 0;
    for swept in sweeps {
        resent += swept.await.unwrap().resent;
    }
    assert_eq!(resent, ids.len());
    for id in ids {
        assert_eq!(harness.order(id).await.resends, 1);
    }
}

/// Places this many orders, a hundred in each transaction.
async fn place_many(harness: &OrdersHarness, count: usize) {
    let table = harness.service.store.table(&ORDERS);
    let write = |_| Write::put(&table, &OrderRecord::placed(order(), None, None)).unwrap();
    let results = harness.service.store.write_each((0..count).map(write).collect()).await;
    assert!(results.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_sweep_ends_after_a_number_of_changes_and_the_next_one_continues() {
    let harness = OrdersHarness::open().await;
    place_many(&harness, 1_300).await;
    let now = Timestamp::now().plus(SETTINGS.resend_after);
    let first = sweep(&harness, now).await;
    assert!(first.ended_early && (CHANGES_MAX..CHANGES_MAX + PAGE).contains(&first.resent), "{first:?}");
    let second = sweep(&harness, now).await;
    assert_eq!((first.resent + second.resent, second.ended_early), (1_300, false));
    assert_eq!(second.unsettled, 1_300, "orders that are not due are counted too");
}

#[tokio::test]
async fn a_sweep_ends_when_its_time_is_over() {
    let harness = OrdersHarness::open().await;
    harness.place().await;
    let expiry = OrderExpiry::new(&harness.service.store, SETTINGS);
    let now = Timestamp::now().plus(SETTINGS.expires_after);
    let swept = expiry.sweep(now, Duration::ZERO).await.unwrap();
    assert_eq!(swept, Swept { ended_early: true, ..Swept::default() });
    assert_eq!(changes(expiry.sweep(now, AMPLE).await.unwrap()), (0, 1));
}

#[tokio::test]
async fn an_invalid_item_does_not_stop_a_sweep() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    let record = harness.order(id).await;
    let garbage = OrderId::generate().to_string();
    let listed_at = format!("{}#{garbage}", record.created_at);
    let item = HashMap::from([
        ("id", garbage.as_str()),
        ("listed_at", listed_at.as_str()),
        ("open_partition", record.open_partition.as_deref().unwrap()),
    ]);
    let write = Write::put(&harness.service.store.table(&ORDERS), &item).unwrap();
    harness.service.store.write(write).await.unwrap();
    let swept = sweep(&harness, record.updated_at.plus(SETTINGS.resend_after)).await;
    assert_eq!((swept.unsettled, swept.resent), (2, 1));
}

#[tokio::test]
async fn a_sweep_fails_when_the_store_does_not_answer_and_loses_nothing() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    let now = harness.order(id).await.updated_at.plus(SETTINGS.resend_after);
    let expiry = OrderExpiry::new(&harness.service.store, SETTINGS);
    for operation in ["Query", "BatchGetItem"] {
        let fails =
            move |asked: &str, _: &serde_json::Value| (asked == operation).then_some(Fault::LostAnswer);
        harness.service.embedded.inject(Arc::new(fails));
        assert!(expiry.sweep(now, AMPLE).await.is_err(), "{operation}");
    }
    let loses = |asked: &str, _: &serde_json::Value| (asked == "PutItem").then_some(Fault::LostAnswer);
    harness.service.embedded.inject(Arc::new(loses));
    assert_eq!(changes(sweep(&harness, now).await), (0, 0), "the answer to the write was lost");
    harness.service.stop_failing();
    assert_eq!(changes(sweep(&harness, now).await), (0, 0), "the write is not repeated");
    assert_eq!(harness.outbox(id).await, "order.placed@1");
}

#[tokio::test]
async fn unsettled_orders_and_their_age_are_measured() {
    let harness = OrdersHarness::open().await;
    let id = harness.place().await;
    harness.place().await;
    let now = harness.order(id).await.created_at.plus(Duration::from_millis(90_500));
    let swept = sweep(&harness, now).await;
    assert_eq!((swept.unsettled, swept.oldest), (2, Duration::from_millis(90_500)));
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || measure(&swept));
    let gauges: HashMap<String, DebugValue> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| (key.key().name().to_owned(), value))
        .collect();
    assert_eq!(gauges["unsettled_orders"], DebugValue::Gauge(2.0.into()));
    assert_eq!(gauges["unsettled_oldest_seconds"], DebugValue::Gauge(90.5.into()));
}

/// The facts of an order in their order, and its final status.
const COURSES: [(&[Fact], &str); 4] = [
    (&[Fact::Reserved, Fact::Paid], "confirmed"),
    (&[OUT_OF_STOCK, Fact::Uncharged], "rejected (out_of_stock)"),
    (&[Fact::Reserved, Fact::Declined, Fact::Released], "rejected (payment_declined)"),
    (
        &[Fact::Cancelled(CancellationReason::Customer), Fact::Released, Fact::Uncharged],
        "cancelled (customer)",
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn sweeps_never_change_the_course_of_an_order(
        course in 0..COURSES.len(),
        // In minutes. Their sum stays below the age at which an order is cancelled.
        pauses in prop::collection::vec(prop::collection::vec(0_u64..3, 0..3), 3),
    ) {
        let (facts, status) = COURSES[course];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let harness = OrdersHarness::open().await;
            let id = harness.place().await;
            let mut now = harness.order(id).await.created_at;
            for (fact, pauses) in facts.iter().zip(pauses) {
                for minutes in pauses {
                    now = now.plus(Duration::from_secs(60 * minutes) + MILLI);
                    assert_eq!(sweep(&harness, now).await.expired, 0);
                }
                match fact {
                    Fact::Cancelled(_) => assert_eq!(harness.cancel(id).await, 200),
                    fact => harness.deliver_all(&[report(id, *fact)]).await,
                }
            }
            assert_eq!(harness.status(id).await, status);
            assert_eq!(sweep(&harness, now.plus(SETTINGS.expires_after * 2)).await, Swept::default());
        });
    }
}
