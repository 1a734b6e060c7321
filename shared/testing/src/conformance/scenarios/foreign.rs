//! What others put on a queue.

use super::TRACKER;
use crate::conformance::events::{many_released, publish};
use crate::conformance::scripted::Scripted;
use crate::conformance::{PATIENCE, POLICY, TakesAnything, assert_nothing_is_left, eventually};

/// What is no event goes to the dead letters at the first attempt, and harms no neighbour.
pub async fn poison_that_was_put_there_by_hand<B: TakesAnything>() {
    let (mut broker, function) = (B::start(POLICY).await, Scripted::new(TRACKER, POLICY));
    let events = many_released(20);
    publish(&*broker.publisher(), &events[..10]).await;
    for poison in ["no JSON", r#"{"specversion":"1.0"}"#, ""] {
        broker.put(TRACKER, poison).await;
    }
    publish(&*broker.publisher(), &events[10..]).await;
    broker.attach(TRACKER, function.clone()).await;
    eventually("it is dead", PATIENCE, async || broker.dead_letters(TRACKER).await.len() == 3).await;
    eventually("neighbours are done", PATIENCE, async || function.events_done() == 20).await;
    assert_nothing_is_left(&mut broker, &[TRACKER]).await;

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
