//! A function that fails as a whole says nothing about the messages that it was given.

use super::TRACKER;
use crate::conformance::events::{many_released, publish};
use crate::conformance::scripted::{Reply, Scripted};
use crate::conformance::{BrokerUnderTest, PATIENCE, POLICY, assert_nothing_is_left, eventually};

/// An error for the whole batch, as long as one message is in it.
pub async fn a_function_that_fails_a_batch<B: BrokerUnderTest>() {
    neighbours_get_through::<B>(Reply::Fail).await;
}

/// A panic, as long as one message is in the batch.
pub async fn a_function_that_panics<B: BrokerUnderTest>() {
    neighbours_get_through::<B>(Reply::Panic).await;
}

/// Neighbours of a message that fails whole batches are done, once; only its own attempts count up; it is done when it fails no more.
async fn neighbours_get_through<B: BrokerUnderTest>(reply: Reply) {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let events = many_released(21);
    let (guilty, neighbours) = (&events[10], [&events[..10], &events[11..]].concat());
    function.script(guilty, [reply; 3]);
    publish(&*broker.publisher(), &events).await;
    broker.attach(TRACKER, function.clone()).await;
    eventually("all are done", PATIENCE, async || function.events_done() == 21).await;
    assert_nothing_is_left(&mut broker, &[TRACKER]).await;
    for neighbour in &neighbours {
        assert_eq!(function.times_done(neighbour), 1);
        assert!(function.attempts(neighbour).iter().all(|attempt| *attempt == 1), "{reply:?}");
    }
    let attempts = function.attempts(guilty);
    // A batch that failed may or may not have been an attempt of the message that turned out to be guilty.
    assert!(attempts == [1, 1, 2, 3] || attempts == [1, 2, 3, 4], "{reply:?}: {attempts:?}");
    assert_eq!(broker.dead_letters(TRACKER).await, []);
}
