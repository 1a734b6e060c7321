//! Messages from other senders.

use super::TRACKER;
use crate::conformance::events::{many_released, publish};
use crate::conformance::scripted::Scripted;
use crate::conformance::{AcceptsAnything, PATIENCE, POLICY, assert_queues_are_empty, eventually};

/// A message that is not an event is dead-lettered at the first attempt and does not affect others.
pub async fn a_poison_message_from_another_sender<B: AcceptsAnything>() {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let events = many_released(20);
    publish(&*broker.publisher(), &events[..10]).await;
    for poison in ["no JSON", r#"{"specversion":"1.0"}"#, ""] {
        broker.put(TRACKER, poison).await;
    }
    publish(&*broker.publisher(), &events[10..]).await;
    broker.attach(TRACKER, function.clone()).await;
    eventually("it is dead", PATIENCE, async || broker.dead_letters(TRACKER).await.len() == 3).await;
    eventually("the other messages are done", PATIENCE, async || function.events_done() == 20).await;
    assert_queues_are_empty(&mut broker, &[TRACKER]).await;

    let mut letters = broker.dead_letters(TRACKER).await;
    letters.sort_by(|one, other| one.body.cmp(&other.body));
    let bodies: Vec<_> = letters.iter().map(|letter| letter.body.as_str()).collect();
    assert_eq!(bodies, ["", "no JSON", r#"{"specversion":"1.0"}"#]);
    for letter in &letters {
        assert_eq!((letter.code.as_str(), letter.attempts), ("undecodable", 1), "{letter:?}");
        assert!(!letter.id.is_empty() && !letter.reason.is_empty(), "{letter:?}");
        assert!(letter.first_at.is_some() && letter.last_at.is_some(), "{letter:?}");
    }
    assert!(events.iter().all(|event| function.times_done(event) == 1));
}
