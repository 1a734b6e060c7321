//! Rebuilds while orders arrive.

use std::collections::BTreeSet;

use orderflow_analytics::{ANALYTICS, Rebuild, RebuildError};
use orderflow_domain::Event;
use orderflow_store::{Value, Write};

use crate::harness::{AnalyticsHarness, mixed};

/// Returns the generations that have items, and the number of orders recorded in their logs.
async fn generations_left(analytics: &AnalyticsHarness) -> (BTreeSet<String>, usize) {
    let (items, next) = analytics.service.store.table(&ANALYTICS).scan(None).await.unwrap();
    assert!(next.is_none());
    let pks: Vec<String> =
        items.iter().map(|item| orderflow_store::text(item, "pk").unwrap().to_owned()).collect();
    let generations = pks.iter().filter_map(|pk| pk.split('#').nth(1)).map(str::to_owned).collect();
    let mut orders = BTreeSet::new();
    for (item, pk) in items.iter().zip(&pks).filter(|(_, pk)| pk.starts_with("log#")) {
        let generation = pk.split('#').nth(1).unwrap();
        let Value::M(counted) = &item["orders"] else { panic!("{item:?}") };
        orders.extend(counted.keys().map(|order| (generation.to_owned(), order.clone())));
    }
    (generations, orders.len())
}

async fn rebuild(analytics: &AnalyticsHarness, events: &[Event]) {
    let rebuild = Rebuild::begin(&analytics.service.store).await.unwrap();
    rebuild.count(events).await.unwrap();
    rebuild.finish().await.unwrap();
}

#[tokio::test]
async fn a_rebuild_of_the_same_events_changes_no_number_and_deletes_the_old_generation() {
    let analytics = AnalyticsHarness::open().await;
    let events = mixed(50);
    analytics.deliver_all(&events).await;
    let before = analytics.summary_and_series().await;
    for generation in ["1", "2"] {
        rebuild(&analytics, &events).await;
        assert_eq!(analytics.summary_and_series().await, before);
        assert_eq!(generations_left(&analytics).await, ([generation.to_owned()].into(), 50));
    }
    analytics.deliver_all(&events).await;
    assert_eq!(analytics.summary_and_series().await, before, "the new generation records what was counted");
}

#[tokio::test]
async fn a_rebuild_corrects_wrong_counters() {
    let (wrong, right) = (AnalyticsHarness::open().await, AnalyticsHarness::open().await);
    let events = mixed(40);
    right.deliver_all(&events).await;
    wrong.deliver_all(&mixed(7)).await;
    wrong.deliver_all(&events[..30]).await;
    rebuild(&wrong, &events).await;
    assert_eq!(wrong.summary_and_series().await, right.summary_and_series().await);
}

#[tokio::test]
async fn events_during_a_rebuild_are_counted_once_in_each_generation() {
    let (analytics, alone) = (AnalyticsHarness::open().await, AnalyticsHarness::open().await);
    let events = mixed(60);
    alone.deliver_all(&events).await;
    let (old, new) = events.split_at(40);
    analytics.deliver_all(old).await;
    let rebuild = Rebuild::begin(&analytics.service.store).await.unwrap();
    rebuild.count(&old[..20]).await.unwrap();
    analytics.deliver_all(new).await;
    assert_eq!(
        analytics.summary_and_series().await,
        alone.summary_and_series().await,
        "readers see the old generation"
    );
    // Some events arrive both from the rebuild and from the queue.
    rebuild.count(&events[20..50]).await.unwrap();
    analytics.deliver_all(&new[..10]).await;
    rebuild.finish().await.unwrap();
    assert_eq!(analytics.summary_and_series().await, alone.summary_and_series().await);
}

#[tokio::test]
async fn an_abandoned_rebuild_changes_no_number() {
    let analytics = AnalyticsHarness::open().await;
    let events = mixed(30);
    analytics.deliver_all(&events[..20]).await;
    let abandoned = Rebuild::begin(&analytics.service.store).await.unwrap();
    abandoned.count(&mixed(5)).await.unwrap();
    analytics.deliver_all(&events[20..]).await;
    let before = analytics.summary_and_series().await;
    assert_eq!(before[0]["total_orders"], 30);
    rebuild(&analytics, &events).await;
    assert_eq!(analytics.summary_and_series().await, before);
    let error = abandoned.finish().await.unwrap_err();
    assert!(matches!(error, RebuildError::Superseded), "{error}");
    assert_eq!(analytics.summary_and_series().await, before);
}

#[tokio::test]
async fn only_the_later_of_two_rebuilds_can_finish() {
    let analytics = AnalyticsHarness::open().await;
    let events = mixed(10);
    let first = Rebuild::begin(&analytics.service.store).await.unwrap();
    let second = Rebuild::begin(&analytics.service.store).await.unwrap();
    first.count(&events).await.unwrap();
    assert!(matches!(first.finish().await, Err(RebuildError::Superseded)));
    second.count(&events).await.unwrap();
    second.finish().await.unwrap();
    assert_eq!(analytics.summary().await["total_orders"], 10);
}

#[tokio::test]
async fn a_rebuild_deletes_the_records_of_earlier_versions() {
    let analytics = AnalyticsHarness::open().await;
    let table = analytics.service.store.table(&ANALYTICS);
    let events = mixed(20);
    let order = events[0].order_id().unwrap();
    let old = serde_json::json!({"pk": format!("order#0#{order}"), "sk": "order", "order_id": order, "placed": true, "version": 1});
    analytics.service.store.write(Write::put(&table, &old).unwrap()).await.unwrap();
    let counters = serde_json::json!({"pk": "summary#0#3", "sk": "orders", "orders": 77, "updated_at": "2026-11-20T10:00:00Z"});
    analytics.service.store.write(Write::put(&table, &counters).unwrap()).await.unwrap();
    assert_eq!(analytics.summary().await["total_orders"], 77, "counters of earlier versions are read");
    rebuild(&analytics, &events).await;
    assert_eq!(analytics.summary().await["total_orders"], 20);
    assert_eq!(generations_left(&analytics).await, (["1".to_owned()].into(), 20));
}
