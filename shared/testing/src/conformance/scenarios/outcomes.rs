//! The outcomes of a message, by the response of its function.

use std::collections::BTreeMap;
use std::time::Duration;

use orderflow_domain::{Event, Timestamp};
use orderflow_messaging::{DeadLetter, RetryPolicy};

use super::TRACKER;
use crate::conformance::events::{many_released, publish, released};
use crate::conformance::scripted::{CODE, REASON, Reply, Scripted};
use crate::conformance::{BrokerUnderTest, PATIENCE, POLICY, assert_queues_are_empty, eventually};

/// A delay that every broker keeps exactly: RabbitMQ has delay tiers, and this is one of them.
const SHORT: Duration = Duration::from_millis(250);

/// The next delay tier.
const LONG: Duration = Duration::from_secs(1);

/// A tolerance: the delay may start when the broker delivers the batch, which is before the function receives it.
const HANDED_OVER: Duration = Duration::from_millis(100);

/// A failed message is not delivered again before its delay; its attempts increase; other messages do not wait for it.
pub async fn a_failed_message_is_retried_after_its_delay<B: BrokerUnderTest>() {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let (event, neighbour) = (released(), released());
    function.script(&event, [Reply::RetryAfter(LONG), Reply::RetryAfter(SHORT), Reply::Retry]);
    broker.attach(TRACKER, function.clone()).await;
    publish(&*broker.publisher(), &[event.clone(), neighbour.clone()]).await;
    eventually("it is done", PATIENCE, async || function.times_done(&event) == 1).await;
    let deliveries = function.deliveries(&event);
    let attempts: Vec<u32> = deliveries.iter().map(|delivered| delivered.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    for (pair, delay) in deliveries.windows(2).zip([LONG, SHORT, POLICY.base / 2]) {
        let waited = pair[1].at - pair[0].at;
        assert!(
            waited >= delay.saturating_sub(HANDED_OVER),
            "delivered after {waited:?} instead of {delay:?}"
        );
    }
    let neighbour_came = function.deliveries(&neighbour)[0].at;
    assert!(neighbour_came < deliveries[1].at, "the other message waited");
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    assert_eq!(function.attempts(&neighbour), [1]);
}

/// A batch with every outcome: each message gets its own. A deferred message counts no attempt, unless the broker counts every receive.
pub async fn a_batch_of_all_outcomes<B: BrokerUnderTest>() {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let events = many_released(8);
    let [done, again, dead, deferred] = [&events[..2], &events[2..4], &events[4..6], &events[6..]];
    again.iter().for_each(|event| function.script(event, [Reply::Retry]));
    dead.iter().for_each(|event| function.script(event, [Reply::Dead]));
    deferred.iter().for_each(|event| function.script(event, [Reply::Defer(SHORT)]));
    // All are in the queue before the first is delivered.
    publish(&*broker.publisher(), &events).await;
    broker.attach(TRACKER, function.clone()).await;
    eventually("six are done", PATIENCE, async || function.events_done() == 6).await;
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    let second = if B::COUNTS_DEFERRED { 2 } else { 1 };
    for (fate, attempts) in [(done, &[1][..]), (again, &[1, 2]), (dead, &[1]), (deferred, &[1, second])] {
        assert!(fate.iter().all(|event| function.attempts(event) == attempts), "{:?}", function.delivered());
    }
    assert_eq!(ids_of_dead(&broker).await, sorted_ids(dead));
}

/// A dead letter has code, reason, attempts and times, and does not affect other messages.
pub async fn dead_letters_have_code_reason_attempts_and_times<B: BrokerUnderTest>() {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let (poison, neighbours) = (released(), many_released(20));
    function.script(&poison, [Reply::RetryAfter(SHORT), Reply::Dead]);
    broker.attach(TRACKER, function.clone()).await;
    let before = Timestamp::now();
    publish(&*broker.publisher(), &neighbours[..10]).await;
    publish(&*broker.publisher(), std::slice::from_ref(&poison)).await;
    publish(&*broker.publisher(), &neighbours[10..]).await;
    eventually("it is dead", PATIENCE, async || !broker.dead_letters(TRACKER).await.is_empty()).await;
    eventually("the other messages are done", PATIENCE, async || function.events_done() == 20).await;
    let after = Timestamp::now();
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;

    let letters = broker.dead_letters(TRACKER).await;
    let [letter] = &letters[..] else { panic!("not one dead letter: {letters:?}") };
    assert_eq!((letter.id.as_str(), letter.consumer.as_str()), (poison.id.to_string().as_str(), TRACKER));
    assert_eq!((letter.code.as_str(), letter.reason.as_str()), (CODE, REASON));
    assert_eq!((letter.attempts, letter.body.as_str()), (2, poison.to_json().as_str()));
    let (Some(first), Some(last)) = (letter.first_at, letter.last_at) else { panic!("no times: {letter:?}") };
    assert!(before <= first && last <= after, "{before} <= {first}, {last} <= {after}");
    assert!(last.since(first) >= SHORT.saturating_sub(HANDED_OVER), "{first} to {last}");
    assert!(neighbours.iter().all(|event| function.times_done(event) == 1));
}

/// A dead letter has the same fields for each code that a function or the retry policy gives, on every broker.
pub async fn dead_letters_of_each_code_have_the_same_fields<B: BrokerUnderTest>() {
    const CODES: [&str; 4] = ["undecodable", "payment-refused", "message-refused", "of-a-later-version"];
    let policy = RetryPolicy { max_attempts: 2, ..POLICY };
    let (mut broker, function) = (B::start(policy.clone()).await, Scripted::new(TRACKER, policy));
    let mut expected = BTreeMap::new();
    let before = Timestamp::now();
    for code in CODES {
        let event = released();
        function.script(&event, [Reply::DeadLetter(code)]);
        expected.insert(event.id.to_string(), (event, code, 1));
    }
    let exhausted = released();
    function.script(&exhausted, [Reply::Retry; 2]);
    expected.insert(exhausted.id.to_string(), (exhausted, "attempts-exhausted", 2));
    broker.attach(TRACKER, function.clone()).await;
    let events: Vec<_> = expected.values().map(|(event, ..)| event.clone()).collect();
    publish(&*broker.publisher(), &events).await;
    eventually("all are dead letters", PATIENCE, async || {
        broker.dead_letters(TRACKER).await.len() == expected.len()
    })
    .await;
    let after = Timestamp::now();
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    for letter in broker.dead_letters(TRACKER).await {
        let (event, code, attempts) = &expected[&letter.id];
        let (Some(first_at), Some(last_at)) = (letter.first_at, letter.last_at) else { panic!("{letter:?}") };
        assert!(before <= first_at && first_at <= last_at && last_at <= after, "{letter:?}");
        let fields = DeadLetter {
            id: event.id.to_string(),
            consumer: TRACKER.to_owned(),
            code: (*code).to_owned(),
            reason: REASON.to_owned(),
            attempts: *attempts,
            first_at: Some(first_at),
            last_at: Some(last_at),
            body: event.to_json(),
        };
        assert_eq!(letter, fields);
    }
}

/// A message is dead-lettered after the last of its attempts, and not before.
pub async fn a_message_is_dead_lettered_after_its_last_attempt<B: BrokerUnderTest>() {
    let policy = RetryPolicy { max_attempts: 3, ..POLICY };
    let (mut broker, function) = (B::start(policy.clone()).await, Scripted::new(TRACKER, policy));
    let (hopeless, just_in_time) = (released(), released());
    function.script(&hopeless, [Reply::Retry; 9]);
    function.script(&just_in_time, [Reply::Retry; 2]);
    broker.attach(TRACKER, function.clone()).await;
    publish(&*broker.publisher(), &[hopeless.clone(), just_in_time.clone()]).await;
    eventually("one is dead", PATIENCE, async || !broker.dead_letters(TRACKER).await.is_empty()).await;
    eventually("one is done", PATIENCE, async || function.times_done(&just_in_time) == 1).await;
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;
    assert_eq!(function.attempts(&hopeless), [1, 2, 3]);
    assert_eq!(function.attempts(&just_in_time), [1, 2, 3]);
    let letters = broker.dead_letters(TRACKER).await;
    let [letter] = &letters[..] else { panic!("not one dead letter: {letters:?}") };
    assert_eq!((letter.id.as_str(), letter.attempts), (hopeless.id.to_string().as_str(), 3));
    assert_eq!((letter.code.as_str(), letter.reason.as_str()), ("attempts-exhausted", REASON));
}

async fn ids_of_dead<B: BrokerUnderTest>(broker: &B) -> Vec<String> {
    let mut ids: Vec<_> = broker.dead_letters(TRACKER).await.into_iter().map(|letter| letter.id).collect();
    ids.sort_unstable();
    ids
}

fn sorted_ids(events: &[Event]) -> Vec<String> {
    let mut ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
    ids.sort_unstable();
    ids
}
