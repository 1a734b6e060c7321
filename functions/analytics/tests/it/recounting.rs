//! Counting anew while orders go on.

use std::collections::BTreeSet;

use orderflow_analytics::{ANALYTICS, Recount, RecountError};
use orderflow_domain::Event;

use crate::support::{Analytics, mixed};

/// The generations that there are items of, and how many orders they mark together.
async fn left(analytics: &Analytics) -> (BTreeSet<String>, usize) {
    let (items, next) = analytics.store.table(&ANALYTICS).scan(None).await.unwrap();
    assert!(next.is_none());
    let pks: Vec<String> = items.iter().map(|item| item["pk"].as_s().unwrap().clone()).collect();
    let generations = pks.iter().filter_map(|pk| pk.split('#').nth(1)).map(str::to_owned).collect();
    (generations, pks.iter().filter(|pk| pk.starts_with("order#")).count())
}

async fn recount(analytics: &Analytics, events: &[Event]) {
    let recount = Recount::begin(&analytics.store).await.unwrap();
    recount.count(events).await.unwrap();
    recount.finish().await.unwrap();
}

#[tokio::test]
async fn a_recount_of_what_was_counted_changes_nothing_and_leaves_nothing_behind() {
    let analytics = Analytics::open().await;
    let events = mixed(50);
    analytics.done(&events).await;
    let before = analytics.everything().await;
    for generation in ["1", "2"] {
        recount(&analytics, &events).await;
        assert_eq!(analytics.everything().await, before);
        assert_eq!(left(&analytics).await, ([generation.to_owned()].into(), 50));
    }
    analytics.done(&events).await;
    assert_eq!(analytics.everything().await, before, "what was counted anew is still known");
}

#[tokio::test]
async fn a_recount_puts_counters_right() {
    let (wrong, right) = (Analytics::open().await, Analytics::open().await);
    let events = mixed(40);
    right.done(&events).await;
    wrong.done(&mixed(7)).await;
    wrong.done(&events[..30]).await;
    recount(&wrong, &events).await;
    assert_eq!(wrong.everything().await, right.everything().await);
}

#[tokio::test]
async fn what_is_told_during_a_recount_counts_once_and_before_its_end_too() {
    let (analytics, alone) = (Analytics::open().await, Analytics::open().await);
    let events = mixed(60);
    alone.done(&events).await;
    let (old, new) = events.split_at(40);
    analytics.done(old).await;
    let recount = Recount::begin(&analytics.store).await.unwrap();
    recount.count(&old[..20]).await.unwrap();
    analytics.done(new).await;
    assert_eq!(analytics.everything().await, alone.everything().await, "the old counters are still shown");
    // The orders are read while they go on: some of what they tell comes both ways.
    recount.count(&events[20..50]).await.unwrap();
    analytics.done(&new[..10]).await;
    recount.finish().await.unwrap();
    assert_eq!(analytics.everything().await, alone.everything().await);
}

#[tokio::test]
async fn a_recount_that_is_given_up_leaves_everything_as_it_was() {
    let analytics = Analytics::open().await;
    let events = mixed(30);
    analytics.done(&events[..20]).await;
    let given_up = Recount::begin(&analytics.store).await.unwrap();
    given_up.count(&mixed(5)).await.unwrap();
    analytics.done(&events[20..]).await;
    let before = analytics.everything().await;
    assert_eq!(before[0]["total_orders"], 30);
    recount(&analytics, &events).await;
    assert_eq!(analytics.everything().await, before);
    let error = given_up.finish().await.unwrap_err();
    assert!(matches!(error, RecountError::Overtaken), "{error}");
    assert_eq!(analytics.everything().await, before);
}

#[tokio::test]
async fn the_later_of_two_recounts_is_the_one_that_goes_on() {
    let analytics = Analytics::open().await;
    let events = mixed(10);
    let first = Recount::begin(&analytics.store).await.unwrap();
    let second = Recount::begin(&analytics.store).await.unwrap();
    first.count(&events).await.unwrap();
    assert!(matches!(first.finish().await, Err(RecountError::Overtaken)));
    second.count(&events).await.unwrap();
    second.finish().await.unwrap();
    assert_eq!(analytics.summary().await["total_orders"], 10);
}
