//! Events that are delivered repeatedly, in other groups and sequences, to several processes that fail and end, are counted once.

use std::time::Duration;

use futures::future::join_all;
use orderflow_analytics::{AnalyticsConsumer, Rebuild};
use orderflow_domain::{CustomerId, Event, EventData, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::Outcome;
use orderflow_testing::samples::{order_ended, order_placed};
use orderflow_testing::service::deliver;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::harness::{AnalyticsHarness, at};

/// What happens to the events of a history.
#[derive(Debug, Clone)]
struct Plan {
    seed: u64,
    orders: usize,
    processes: usize,
    /// The chance in percent that a transaction fails, in one of several ways.
    faults: u8,
    /// The chance in percent that a process ends while it handles a batch.
    ends: u8,
    rebuilds: bool,
}

fn plans() -> impl Strategy<Value = Plan> {
    let numbers = (any::<u64>(), 1_usize..40, 1_usize..4, 0_u8..30, 0_u8..30, any::<bool>());
    numbers.prop_map(|(seed, orders, processes, faults, ends, rebuilds)| Plan {
        seed,
        orders,
        processes,
        faults,
        ends,
        rebuilds,
    })
}

/// Returns the events of orders, half of them under idempotency keys. Some placements are resent.
fn history(plan: &Plan, chance: &mut fastrand::Rng) -> Vec<Event> {
    let mut events = Vec::new();
    for number in 0..plan.orders {
        let (hour, minute) = (chance.u8(0..3), chance.u8(0..60));
        let placed_at = at(&format!("1{hour}:{minute:02}:00"));
        let is_keyed = chance.bool();
        let order = if is_keyed {
            let key = format!("{} {number}", plan.seed);
            OrderId::from_idempotency_key(&CustomerId::parse("C100").unwrap(), &key)
        } else {
            OrderId::generate()
        };
        let skus: Vec<String> =
            (0..chance.usize(1..30)).map(|_| format!("SKU-{:03}", chance.u8(..))).collect();
        let items: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 2)).collect();
        let placed = |time| {
            let mut event = order_placed(order, &items, time);
            if let EventData::OrderPlaced(data) = &mut event.data {
                data.placed_at = is_keyed.then_some(placed_at);
            }
            event
        };
        events.push(placed(placed_at));
        if chance.u8(0..5) == 0 {
            events.push(placed(placed_at.plus(Duration::from_secs(30))));
        }
        let mut data = order_ended(order, &items);
        data.placed_at = is_keyed.then_some(placed_at);
        let data = match chance.u8(0..6) {
            0 => continue,
            1 => EventData::OrderRejected(data),
            2 => EventData::OrderCancelled(data),
            _ => EventData::OrderConfirmed(data),
        };
        events.push(Event::new(data, "", placed_at.plus(Duration::from_secs(90)), None));
    }
    events
}

/// Fails some transactions: before or after they take effect, or because of a conflict.
fn fail_some(analytics: &AnalyticsHarness, plan: &Plan) {
    let (mut chance, faults) = (fastrand::Rng::with_seed(plan.seed), plan.faults);
    analytics.service.fail("TransactWriteItems", move |body| {
        if chance.u8(0..100) >= faults {
            return None;
        }
        let actions = body["TransactItems"].as_array().unwrap().len();
        Some(match chance.u8(0..3) {
            0 => Fault::LostAnswer,
            1 => Fault::InternalServerError,
            _ => Fault::TransactionCanceled(vec!["TransactionConflict".to_owned(); actions]),
        })
    });
}

/// Delivers batches to a process until each is acknowledged. The process may end at any time; another one then takes its place.
async fn process(analytics: &AnalyticsHarness, batches: Vec<Vec<Event>>, plan: &Plan, seed: u64) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut consumer = AnalyticsConsumer::new(&analytics.service.store);
    for mut batch in batches {
        while !batch.is_empty() {
            let handled = deliver(&consumer, &batch);
            let outcomes = if chance.u8(0..100) < plan.ends {
                let life = Duration::from_micros(chance.u64(0..5_000));
                let handled = tokio::time::timeout(life, handled).await;
                consumer = AnalyticsConsumer::new(&analytics.service.store);
                handled.unwrap_or_default()
            } else {
                handled.await
            };
            let done: Vec<bool> = outcomes.iter().map(|outcome| *outcome == Outcome::Done).collect();
            let mut index = 0..batch.len();
            batch.retain(|_| !index.next().and_then(|index| done.get(index)).copied().unwrap_or(false));
        }
    }
}

/// Counts each event once, in sequence.
async fn counted_alone(events: &[Event]) -> Value {
    let analytics = AnalyticsHarness::open().await;
    for event in events {
        analytics.deliver_all(std::slice::from_ref(event)).await;
    }
    analytics.summary_and_series().await
}

async fn check(plan: Plan) {
    let mut chance = fastrand::Rng::with_seed(plan.seed);
    let events = history(&plan, &mut chance);
    let expected = counted_alone(&events).await;

    let analytics = AnalyticsHarness::open().await;
    fail_some(&analytics, &plan);
    let mut delivered: Vec<Event> =
        events.iter().flat_map(|event| vec![event.clone(); chance.usize(1..4)]).collect();
    chance.shuffle(&mut delivered);
    let mut batches: Vec<Vec<Vec<Event>>> = vec![Vec::new(); plan.processes];
    while !delivered.is_empty() {
        let rest = delivered.split_off(chance.usize(1..=delivered.len().min(25)));
        batches[chance.usize(..plan.processes)].push(std::mem::replace(&mut delivered, rest));
    }
    let seeds: Vec<u64> = batches.iter().map(|_| chance.u64(..)).collect();
    let processes =
        batches.into_iter().zip(seeds).map(|(batches, seed)| process(&analytics, batches, &plan, seed));
    let rebuild = async {
        if plan.rebuilds {
            tokio::task::yield_now().await;
            rebuild(&analytics, &events).await;
        }
    };
    tokio::join!(join_all(processes), rebuild);
    analytics.service.stop_failing();
    assert_eq!(analytics.summary_and_series().await, expected, "{plan:?}");
}

/// Rebuilds while events arrive. A rebuild that fails is started again, as an operator would.
async fn rebuild(analytics: &AnalyticsHarness, events: &[Event]) {
    loop {
        let rebuild = Rebuild::begin(&analytics.service.store).await.unwrap();
        if rebuild.count(events).await.is_ok() {
            return rebuild.finish().await.unwrap();
        }
    }
}

#[test]
fn every_event_is_counted_once_however_it_is_delivered() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&plans(), |plan| {
            runtime.block_on(check(plan));
            Ok(())
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_no_count_twice_and_none_vanish_while_buffers_are_flushed() {
    let analytics = AnalyticsHarness::open().await;
    let mut chance = fastrand::Rng::with_seed(7);
    let plan = Plan { seed: 7, orders: 300, processes: 1, faults: 0, ends: 0, rebuilds: false };
    let events = history(&plan, &mut chance);
    let total =
        async |analytics: &AnalyticsHarness| analytics.summary().await["total_orders"].as_i64().unwrap();
    let (store, batches) = (analytics.service.store.clone(), events.clone());
    let counting = tokio::spawn(async move {
        let consumer = AnalyticsConsumer::new(&store);
        for batch in batches.chunks(4) {
            assert!(deliver(&consumer, batch).await.iter().all(|outcome| *outcome == Outcome::Done));
        }
    });
    let mut seen = 0;
    while !counting.is_finished() {
        let now = total(&analytics).await;
        assert!((seen..=300).contains(&now), "{now} orders after {seen}");
        seen = now;
    }
    counting.await.unwrap();
    assert_eq!(total(&analytics).await, 300);
}
