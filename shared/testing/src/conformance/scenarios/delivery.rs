//! Which consumer gets which messages, and how often.

use super::TRACKER;
use crate::conformance::events::{cancelled, many_released, publish, released, reserved};
use crate::conformance::scripted::Scripted;
use crate::conformance::{BrokerUnderTest, PATIENCE, POLICY, assert_queues_are_empty, eventually};

/// Without failures each message is delivered once, and the queue is empty afterwards.
pub async fn every_message_is_delivered_once<B: BrokerUnderTest>() {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let (early, late) = (many_released(150), many_released(150));
    publish(&*broker.publisher(), &early).await;
    broker.attach(TRACKER, function.clone()).await;
    publish(&*broker.publisher(), &late).await;
    eventually("all are done", PATIENCE, async || function.events_done() == 300).await;
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    for event in early.iter().chain(&late) {
        assert_eq!((function.attempts(event), function.times_done(event)), (vec![1], 1));
    }
    assert_eq!(broker.dead_letters(TRACKER).await, []);
}

/// Each consumer gets the events of its subscription and no others.
pub async fn every_consumer_gets_its_subscribed_events<B: BrokerUnderTest>() {
    let mut broker = B::start(POLICY).await;
    let consumers = [TRACKER, "inventory-reserve", "payment", "notification", "analytics"];
    let functions = consumers.map(|consumer| Scripted::new(consumer, POLICY));
    for (consumer, function) in consumers.into_iter().zip(&functions) {
        broker.attach(consumer, function.clone()).await;
    }
    let [for_one, for_two, for_four] = [released(), reserved(), cancelled()];
    publish(&*broker.publisher(), &[for_one.clone(), for_two.clone(), for_four.clone()]).await;
    let times_done = |event| functions.each_ref().map(|function| function.times_done(event));
    let expected = [(&for_one, [1, 0, 0, 0, 0]), (&for_two, [1, 0, 1, 0, 0]), (&for_four, [0, 1, 1, 1, 1])];
    let all_done = async || expected.iter().all(|(event, times)| times_done(event) == *times);
    eventually("all consumers received their events", PATIENCE, all_done).await;
    assert_queues_are_empty(&mut broker, &consumers).await;
    for (event, times) in expected {
        assert_eq!(times_done(event), times, "{}", event.event_type());
    }
    let delivered: usize = functions.iter().map(|function| function.delivered().len()).sum();
    assert_eq!(delivered, 7, "a consumer received an event that it does not subscribe to");
}

/// Stops and resumes the deliveries to one consumer; those to others continue.
pub async fn a_stopped_consumer_gets_nothing_until_it_resumes<B: BrokerUnderTest>() {
    let mut broker = B::start(POLICY).await;
    let [tracker, payment] = [TRACKER, "payment"].map(|consumer| Scripted::new(consumer, POLICY));
    broker.switch().stop(["payment".to_owned()]);
    broker.attach(TRACKER, tracker.clone()).await;
    broker.attach("payment", payment.clone()).await;
    let events: Vec<_> = (0..50).map(|_| reserved()).collect();
    publish(&*broker.publisher(), &events).await;
    let others_continue = async || tracker.events_done() == 50 && broker.waiting("payment").await == 50;
    eventually("the messages stay in the queue", PATIENCE, others_continue).await;
    assert_eq!(payment.delivered(), []);

    broker.switch().stop([]);
    eventually("deliveries resume", PATIENCE, async || payment.events_done() == 50).await;
    assert_queues_are_empty(&mut broker, &[TRACKER, "payment"]).await;
    assert!(events.iter().all(|event| payment.times_done(event) == 1));
}
