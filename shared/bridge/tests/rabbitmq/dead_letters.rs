//! Dead letters are listed, replaced, replayed and purged, and never lost.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::QueueDeleteOptions;
use lapin::types::{AMQPValue, FieldTable};
use orderflow_bridge::rabbitmq::{dead_letter_queue, queue};
use orderflow_domain::{Event, EventData, InventoryReleased, Quantities, Sku, Timestamp};
use orderflow_messaging::{QueueAdmin, QueueStatus, SUBSCRIPTIONS, Selection};
use tokio::sync::Notify;

use crate::support::{CONSUMER, Scripted, World, eventually, ids, put, released};

fn selected(events: &[Event]) -> Selection {
    Selection::Ids(ids(events).into_iter().collect())
}

async fn replay(world: &World, selection: &Selection) -> u64 {
    world.admin.replay(CONSUMER, selection, &|| {}).await.unwrap()
}

/// Returns the event with one more line.
fn edited(event: &Event) -> Event {
    let EventData::InventoryReleased(data) = &event.data else { panic!("{event:?}") };
    let line = Quantities { sku: Sku::parse("MUG").unwrap(), quantity: 1 };
    let data = InventoryReleased { items: vec![line], ..data.clone() };
    Event { data: EventData::InventoryReleased(data), ..event.clone() }
}

#[tokio::test]
async fn a_dead_letter_is_listed_replaced_replayed_and_processed() {
    let (world, started) = (World::new().await, Timestamp::now());
    let events = world.dead_letter(2, "bad").await;
    let listed = world.dead().await;
    assert_eq!(listed.len(), 2);
    let (id, event) = (events[0].id.to_string(), &events[0]);
    let letter = listed.iter().find(|letter| letter.id == id).unwrap();
    assert_eq!(
        (letter.code.as_str(), letter.reason.as_str(), letter.attempts),
        ("bad", "told to dead-letter", 1)
    );
    assert_eq!((letter.consumer.as_str(), &letter.body), (CONSUMER, &event.to_json()));
    let (first_at, last_at) = (letter.first_at.unwrap(), letter.last_at.unwrap());
    assert!(started <= first_at && first_at <= last_at && last_at <= Timestamp::now(), "{letter:?}");

    let edited = edited(event);
    assert!(world.admin.replace(CONSUMER, &id, &edited).await.unwrap());
    assert!(!world.admin.replace(CONSUMER, "unknown", &edited).await.unwrap());
    let after = world.dead().await;
    assert_eq!(after.len(), 2);
    let mut expected = listed.clone();
    expected.iter_mut().filter(|letter| letter.id == id).for_each(|letter| letter.body = edited.to_json());
    assert_eq!(after, expected, "its history and its position are unchanged");

    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    assert_eq!(replay(&world, &Selection::Ids(vec![id])).await, 1);
    eventually("the event is processed", async || !doer.done().is_empty()).await;
    running.stop().await;
    assert_eq!(doer.done(), [(edited, "1".to_owned())], "its attempts start again");
    assert_eq!(world.dead().await.len(), 1);
}

#[tokio::test]
async fn headers_that_nearly_fill_a_frame_are_dropped_with_a_note() {
    let (world, event) = (World::new().await, released());
    let mut headers = FieldTable::default();
    headers.insert("large".into(), AMQPValue::LongString("x".repeat(130_900).into()));
    let properties = BasicProperties::default().with_headers(headers);
    put(&world.by_hand().await, &queue(CONSUMER), &event.to_json(), properties).await;
    let refusing = Arc::new(Scripted::default());
    refusing.dead_letter(std::slice::from_ref(&event), "bad");
    let running = world.consume(refusing);
    eventually("the event is a dead letter", async || world.dead_count().await == 1).await;
    running.stop().await;
    let [letter] = &world.dead().await[..] else { panic!("not one dead letter") };
    assert_eq!(letter.body, event.to_json());
    assert_eq!(letter.reason, "told to dead-letter; dropped 1 header with 130911 bytes, too large to move");

    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    assert_eq!(replay(&world, &Selection::All).await, 1);
    eventually("the event is processed", async || !doer.done().is_empty()).await;
    running.stop().await;
}

#[tokio::test]
async fn replay_and_purge_affect_only_the_selection() {
    let world = World::new().await;
    let (bad, worse) = (world.dead_letter(3, "bad").await, world.dead_letter(3, "worse").await);
    assert_eq!(replay(&world, &selected(&bad[..1])).await, 1);
    assert_eq!(replay(&world, &selected(&bad[..1])).await, 0, "it is no longer a dead letter");
    assert_eq!(replay(&world, &Selection::Code("worse".to_owned())).await, 3);
    assert_eq!(world.admin.purge(CONSUMER, &selected(&bad[1..2])).await.unwrap(), 1);
    assert_eq!(world.dead().await.len(), 1);
    assert_eq!(replay(&world, &Selection::All).await, 1);
    assert_eq!(world.admin.purge(CONSUMER, &Selection::All).await.unwrap(), 0);

    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    let mut expected = ids(&worse);
    expected.extend(ids(&[bad[0].clone(), bad[2].clone()]));
    eventually("the five events are processed", async || doer.done_ids() == expected).await;
    running.stop().await;
    assert_eq!(doer.done().len(), 5, "each of them once");
    assert_eq!(world.admin.dead_letters("unknown").await.unwrap(), []);
    assert_eq!(world.admin.purge("unknown", &Selection::All).await.unwrap(), 0);
}

#[tokio::test]
async fn a_replayed_message_can_be_dead_lettered_again() {
    let world = World::new().await;
    let events = world.dead_letter(1, "bad").await;
    let refusing = Arc::new(Scripted::default());
    refusing.dead_letter(&events, "worse");
    let running = world.consume(refusing);
    assert_eq!(replay(&world, &Selection::All).await, 1);
    eventually("it is a dead letter again", async || world.dead_count().await == 1).await;
    running.stop().await;
    let dead = world.dead().await;
    assert_eq!((dead[0].id.as_str(), dead[0].code.as_str()), (events[0].id.to_string().as_str(), "worse"));
    assert_eq!(dead[0].attempts, 1);
}

#[tokio::test]
async fn repeated_and_concurrent_listings_change_nothing() {
    let world = World::new().await;
    let events = world.dead_letter(300, "bad").await;
    let first = world.dead().await;
    let found: BTreeSet<String> = first.iter().map(|letter| letter.id.clone()).collect();
    assert_eq!((first.len(), found), (300, ids(&events)));
    for look in 0..25 {
        let (one, other) = tokio::join!(world.dead(), world.dead());
        assert_eq!((one.len(), other.len()), (300, 300), "look {look}");
        assert!(one == first && other == first, "look {look} found another order");
    }
    eventually("all dead letters are counted", async || world.dead_count().await == 300).await;
}

#[tokio::test]
async fn an_interrupted_replay_loses_nothing_and_can_be_completed() {
    let world = World::new().await;
    let events = world.dead_letter(350, "bad").await;
    let replayed = Notify::new();
    let progress = || replayed.notify_one();
    tokio::select! {
        biased;
        () = replayed.notified() => {}
        _ = world.admin.replay(CONSUMER, &Selection::All, &progress) => panic!("the replay completed"),
    }
    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    eventually("each event is a dead letter or processed", async || {
        let mut found = doer.done_ids();
        found.extend(world.dead().await.into_iter().map(|letter| letter.id));
        found == ids(&events)
    })
    .await;
    let left = world.dead().await.len();
    assert!((1..350).contains(&left), "{left}");
    assert_eq!(replay(&world, &Selection::All).await, left as u64);
    eventually("all events are processed", async || doer.done_ids() == ids(&events)).await;
    running.stop().await;
    assert_eq!(world.dead().await, []);
}

#[tokio::test]
async fn a_message_put_there_by_hand_is_listed_replaced_and_replayed() {
    let world = World::new().await;
    let (channel, dead) = (world.by_hand().await, dead_letter_queue(CONSUMER));
    put(&channel, &dead, "no event", BasicProperties::default()).await;
    let listed = world.dead().await;
    assert_eq!((listed.len(), listed[0].body.as_str()), (1, "no event"));
    assert_eq!((listed[0].code.as_str(), listed[0].first_at, listed[0].last_at), ("unknown", None, None));

    // An interrupted replacement leaves two letters of one id.
    let same = BasicProperties::default().with_message_id(listed[0].id.clone().into());
    put(&channel, &dead, "no event either", same).await;
    let event = crate::support::released();
    assert!(world.admin.replace(CONSUMER, &listed[0].id, &event).await.unwrap());
    let after = world.dead().await;
    assert_eq!((after.len(), after[0].id.as_str()), (1, listed[0].id.as_str()));
    assert_eq!(after[0].body, event.to_json());

    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    assert_eq!(replay(&world, &Selection::Code("unknown".to_owned())).await, 1);
    eventually("the event is processed", async || doer.done_ids() == ids(std::slice::from_ref(&event))).await;
    running.stop().await;
}

#[tokio::test]
async fn queues_report_their_counts_and_missing_queues_are_declared_again() {
    let world = World::new().await;
    let status = QueueStatus { consumer: CONSUMER.to_owned(), ..QueueStatus::default() };
    world.publish(3).await;
    let channel = world.by_hand().await;
    for queue in ["orderflow.payment.dlq", "orderflow.notification.delay.1000ms"] {
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }
    let waits = "orderflow.order-tracker.delay.120000ms";
    put(&channel, waits, "no event", BasicProperties::default()).await;
    put(&channel, &dead_letter_queue(CONSUMER), "no event", BasicProperties::default()).await;
    let expected = QueueStatus { ready: 3, delayed: 1, dead: 1, ..status };
    eventually("all messages are counted", async || world.admin.queues().await.unwrap()[0] == expected).await;
    let statuses = world.admin.queues().await.unwrap();
    let consumers: Vec<_> = SUBSCRIPTIONS.iter().map(|row| row.consumer).collect();
    assert_eq!(statuses.iter().map(|status| status.consumer.as_str()).collect::<Vec<_>>(), consumers);
    assert_eq!(world.admin.dead_letters("payment").await.unwrap(), []);
}

#[tokio::test]
async fn a_replay_declares_its_missing_queue_again() {
    let world = World::new().await;
    let events = world.dead_letter(1, "bad").await;
    let channel = world.by_hand().await;
    channel.queue_delete(queue(CONSUMER).as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    assert_eq!(replay(&world, &Selection::All).await, 1);
    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    eventually("the event is processed", async || doer.done_ids() == ids(&events)).await;
    running.stop().await;
}

#[tokio::test]
async fn an_unreachable_broker_is_reported() {
    use orderflow_bridge::rabbitmq::{BrokerAddress, RabbitAdmin, RabbitMq};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("amqp://guest:guest@{}", listener.local_addr().unwrap());
    drop(listener);
    let address = BrokerAddress { uri: uri.parse().unwrap(), ca_certificates: None };
    let admin = RabbitAdmin::new(RabbitMq::new(address));
    let told = tokio::time::timeout(Duration::from_secs(30), admin.dead_letters(CONSUMER)).await.unwrap();
    assert!(told.unwrap_err().to_string().contains("cannot be reached"));
    admin.queues().await.unwrap_err();
}

#[tokio::test]
async fn purged_dead_letters_do_not_return() {
    let world = World::new().await;
    let events = world.dead_letter(1_000, "bad").await;
    for (purge, left) in [(600, 400), (400, 0)] {
        let purged = selected(&events[left..left + purge]);
        assert_eq!(world.admin.purge(CONSUMER, &purged).await.unwrap(), purge as u64);
        for look in 0..10 {
            assert_eq!(world.dead().await.len(), left, "look {look}");
        }
    }
}

/// A caller that breaks off at any point, as a client that disconnects, hides no dead letter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_broken_off_returns_its_dead_letters() {
    let world = World::new().await;
    world.dead_letter(400, "bad").await;
    for millis in 0..40 {
        let broken_off = tokio::time::timeout(Duration::from_millis(millis), world.dead());
        if broken_off.await.is_err() && millis % 8 == 7 {
            assert_eq!(world.dead().await.len(), 400, "broken off after {millis} ms");
        }
    }
    eventually("all are counted", async || world.dead_count().await == 400).await;
    assert_eq!(world.dead().await.len(), 400);
}

#[tokio::test]
async fn waiting_and_delayed_messages_are_rewritten_in_their_queues() {
    let world = World::new().await;
    let waiting = world.publish(3).await;
    let delayed = released();
    let delay_queue = format!("{}.delay.120000ms", queue(CONSUMER));
    put(&world.by_hand().await, &delay_queue, &delayed.to_json(), BasicProperties::default()).await;
    let expected: HashSet<String> = waiting.iter().chain([&delayed]).map(Event::to_json).collect();
    let bodies = async || world.admin.waiting(CONSUMER).await.unwrap().into_iter().collect::<HashSet<_>>();
    assert_eq!(bodies().await, expected);
    assert_eq!(bodies().await, expected, "reading leaves them in their queues");

    let replaced = [&waiting[1], &delayed];
    let replacements = HashMap::from(replaced.map(|event| (event.to_json(), edited(event).to_json())));
    assert_eq!(world.admin.rewrite(CONSUMER, &replacements).await.unwrap(), 2);
    let kept = [&waiting[0], &waiting[2]].map(Event::to_json);
    let expected: HashSet<String> = kept.into_iter().chain(replacements.values().cloned()).collect();
    assert_eq!(bodies().await, expected);
    // The broker counts what was read as in flight until it has taken it back.
    eventually("all are back in their queues", async || {
        let statuses = world.admin.queues().await.unwrap();
        let status = statuses.iter().find(|status| status.consumer == CONSUMER).unwrap();
        (status.ready, status.delayed) == (3, 1)
    })
    .await;
}
