//! The consuming process ends, gracefully or by a crash.

use std::sync::Arc;
use std::time::Duration;

use super::TRACKER;
use crate::conformance::events::{many_released, publish};
use crate::conformance::observed::Observed;
use crate::conformance::scripted::{Reply, Scripted};
use crate::conformance::{BrokerUnderTest, PATIENCE, POLICY, assert_queues_are_empty, eventually};
use crate::faults::{FaultRates, FaultyTarget, TargetFaults};

/// Messages in flight at a crash are delivered again.
pub async fn a_crash_in_the_middle_of_a_batch<B: BrokerUnderTest>() {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let events = many_released(30);
    function.script(&events[20], [Reply::Hang]);
    publish(&*broker.publisher(), &events).await;
    broker.attach(TRACKER, function.clone()).await;
    eventually("a batch is in flight", PATIENCE, async || !function.deliveries(&events[20]).is_empty()).await;
    broker.crash().await;
    assert_eq!(function.times_done(&events[20]), 0);
    let in_flight: Vec<_> = events.iter().filter(|event| function.times_done(event) == 0).collect();

    broker.attach(TRACKER, function.clone()).await;
    eventually("all messages are done", PATIENCE, async || function.events_done() == 30).await;
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    assert!(in_flight.iter().all(|event| function.times_done(event) == 1));
    assert_eq!(function.deliveries(&events[20]).len(), 2);
    assert_eq!(broker.dead_letters(TRACKER).await, []);
}

/// A graceful stop processes the messages in flight; the others stay in the queue for the next process.
pub async fn a_graceful_stop_in_the_middle<B: BrokerUnderTest>() {
    const MESSAGES: usize = 1_000;
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let rates = FaultRates { delay: 1.0, longest_delay: Duration::from_millis(50), ..FaultRates::default() };
    let slow = FaultyTarget::new(function.clone(), TargetFaults { rates, ..TargetFaults::default() }, 1);
    let observed = Observed::new(Arc::new(slow));
    let events = many_released(MESSAGES);
    publish(&*broker.publisher(), &events).await;
    broker.attach(TRACKER, observed.clone()).await;
    eventually("some messages are done", PATIENCE, async || function.events_done() > 0).await;
    broker.stop().await;
    let done = function.events_done();
    assert!(done < MESSAGES, "all messages were done before the stop");
    assert_eq!(observed.cut_off(), 0, "a call was interrupted");
    assert!(broker.waiting(TRACKER).await >= u64::try_from(MESSAGES - done).unwrap_or(u64::MAX));

    broker.attach(TRACKER, function.clone()).await;
    eventually("all messages are done", PATIENCE, async || function.events_done() == MESSAGES).await;
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    assert_eq!(broker.dead_letters(TRACKER).await, []);
}
