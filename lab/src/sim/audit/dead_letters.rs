//! Attempts: a retry counts one, a deferral counts none, and a message is given up only after the last attempt.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::evidence::{Evidence, Fate, Handled};
use super::item::text;

const COUNTED: &str = "attempts-are-counted";
const GIVEN_UP: &str = "given-up-after-the-last-attempt";

const UNDERSTOOD: &str = "published-event-is-understood";

/// The attempts after which a message is dead-lettered, as the page about delivery says.
const ATTEMPTS_MAX: u32 = 12;

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let published: BTreeSet<&str> =
        evidence.published.iter().map(|published| text(&published.event, "id")).collect();
    let mut earlier: BTreeMap<(&str, u64), &Handled> = BTreeMap::new();
    let mut found = Vec::new();
    for handled in &evidence.handled {
        let before = earlier.insert((&handled.consumer, handled.copy), handled);
        found.extend(before.and_then(|before| counted(before, handled)));
        // Consumers ignore fields that they do not know, so they understand also the events of other versions.
        if handled.code.as_deref() == Some("undecodable") && published.contains(handled.event_id.as_str()) {
            let text = format!("{} did not understand the event {}", handled.consumer, handled.event_id);
            found.push(Violation::of(UNDERSTOOD, text));
        }
        let is_exhausted = handled.code.as_deref() == Some("attempts-exhausted");
        if handled.fate == Fate::DeadLettered && is_exhausted && handled.attempt < ATTEMPTS_MAX {
            let text = format!(
                "{} gave {} up after {} attempts",
                handled.consumer, handled.event_id, handled.attempt
            );
            found.push(Violation::of(GIVEN_UP, text));
        }
    }
    found
}

fn counted(before: &Handled, after: &Handled) -> Option<Violation> {
    // What an operator does has no attempt.
    let is_right = after.attempt == 0
        || match before.fate {
            Fate::Retried | Fate::Crashed => after.attempt > before.attempt,
            // A fault that delays a message beyond the limit counts attempts of its own.
            Fate::Deferred => after.attempt == before.attempt || after.attempt >= ATTEMPTS_MAX,
            Fate::Acknowledged | Fate::DeadLettered | Fate::Replayed | Fate::Purged => true,
        };
    let text = || {
        format!(
            "{}: {} was {:?} at attempt {}, and came back as attempt {}",
            after.consumer, after.event_id, before.fate, before.attempt, after.attempt
        )
    };
    (!is_right).then(|| Violation::of(COUNTED, text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::audit::testing::{Story, names};

    fn found(attempts: &[(Fate, u32)]) -> Vec<&'static str> {
        let mut story = Story::default();
        for (fate, attempt) in attempts {
            story.attempt("payment", "e1", *fate, *attempt);
        }
        let last = story.evidence.handled.last_mut().unwrap();
        last.code = (last.fate == Fate::DeadLettered).then(|| "attempts-exhausted".to_owned());
        names(check(&story.evidence))
    }

    #[test]
    fn counted_attempts_up_to_the_last_are_in_order() {
        let none: [&str; 0] = [];
        assert_eq!(
            found(&[(Fate::Retried, 1), (Fate::Deferred, 2), (Fate::Crashed, 2), (Fate::Acknowledged, 3)]),
            none
        );
        assert_eq!(found(&[(Fate::Retried, 11), (Fate::DeadLettered, 12)]), none);
    }

    #[test]
    fn a_retry_that_is_not_counted_is_found() {
        assert_eq!(found(&[(Fate::Retried, 1), (Fate::Acknowledged, 1)]), [COUNTED]);
    }

    #[test]
    fn a_deferral_that_is_counted_is_found() {
        assert_eq!(found(&[(Fate::Deferred, 1), (Fate::Acknowledged, 2)]), [COUNTED]);
    }

    #[test]
    fn an_event_that_is_not_understood_is_found_and_garbage_is_not() {
        let mut story = Story::default();
        story.publish(serde_json::json!({"id": "e1", "type": "order.placed"}));
        for id in ["e1", "garbage"] {
            story.handle("analytics", id, Fate::DeadLettered);
            story.evidence.handled.last_mut().unwrap().code = Some("undecodable".to_owned());
        }
        assert_eq!(names(check(&story.evidence)), [UNDERSTOOD]);
    }

    #[test]
    fn a_message_that_is_given_up_too_soon_is_found() {
        assert_eq!(found(&[(Fate::Retried, 1), (Fate::DeadLettered, 2)]), [GIVEN_UP]);
    }
}
