//! A function fails for a whole batch, without naming the message that caused it.

use super::TRACKER;
use crate::conformance::events::{many_released, publish};
use crate::conformance::scripted::{Reply, Scripted};
use crate::conformance::{BrokerUnderTest, PATIENCE, POLICY, assert_queues_are_empty, eventually};

/// The function returns an error for every batch that contains a certain message.
pub async fn a_function_that_fails_a_batch<B: BrokerUnderTest>() {
    neighbours_get_through::<B>(Reply::Fail).await;
}

/// The function panics for every batch that contains a certain message.
pub async fn a_function_that_panics<B: BrokerUnderTest>() {
    neighbours_get_through::<B>(Reply::Panic).await;
}

/// The other messages are processed once; only the attempts of the failing message increase; it is processed once it no longer fails.
async fn neighbours_get_through<B: BrokerUnderTest>(reply: Reply) {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let events = many_released(21);
    let (guilty, neighbours) = (&events[10], [&events[..10], &events[11..]].concat());
    function.script(guilty, [reply; 3]);
    publish(&*broker.publisher(), &events).await;
    broker.attach(TRACKER, function.clone()).await;
    eventually("all are done", PATIENCE, async || function.events_done() == 21).await;
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    for neighbour in &neighbours {
        assert_eq!(function.times_done(neighbour), 1);
        assert!(function.attempts(neighbour).iter().all(|attempt| *attempt == 1), "{reply:?}");
    }
    let attempts = function.attempts(guilty);
    // The first, whole batch may or may not count as an attempt of the failing message.
    assert!(attempts == [1, 1, 2, 3] || attempts == [1, 2, 3, 4], "{reply:?}: {attempts:?}");
    assert_eq!(broker.dead_letters(TRACKER).await, []);
}
