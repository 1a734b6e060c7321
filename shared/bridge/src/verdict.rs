//! From a function's answer to what becomes of each message, the same for every broker.

use std::collections::HashMap;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use orderflow_domain::Timestamp;
use orderflow_messaging::{DeadLettered, ItemFailure, QueueResponse, RetryPolicy, Verdict as RetryVerdict};

use crate::runtime_table::Tried;

/// The code of messages that were tried too often.
const EXHAUSTED: &str = "attempts-exhausted";

/// What becomes of a message. `tried` counts the attempt that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is dealt with.
    Done,
    /// It comes again.
    Again {
        tried: Tried,
        /// After this long.
        after: Duration,
        /// Why.
        reason: String,
    },
    /// It is put out of the way.
    DeadLetter {
        tried: Tried,
        /// A stable code.
        code: String,
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// A message that is put out of the way because nobody lived to answer for it.
    pub(crate) fn exhausted(tried: Tried) -> Self {
        let reason = "every attempt ended with the process".to_owned();
        Self::DeadLetter { tried, code: EXHAUSTED.to_owned(), reason }
    }
}

/// A message on its way to a function.
pub(crate) struct Outgoing<'a> {
    pub body: &'a str,
    pub tried: Tried,
}

/// The batch as a function gets it. Messages are known by their position.
pub(crate) fn sqs_event<'a>(
    event_source: &str,
    messages: impl IntoIterator<Item = Outgoing<'a>>,
) -> SqsEvent {
    let record = |(position, message): (usize, Outgoing<'a>)| {
        let mut record = SqsMessage::default();
        record.message_id = Some(position.to_string());
        record.body = Some(message.body.to_owned());
        record.event_source = Some(event_source.to_owned());
        record.attributes = HashMap::from([
            ("ApproximateReceiveCount".to_owned(), (message.tried.attempts + 1).to_string()),
            ("ApproximateFirstReceiveTimestamp".to_owned(), message.tried.first_at.as_millis().to_string()),
        ]);
        record
    };
    let mut event = SqsEvent::default();
    event.records = messages.into_iter().enumerate().map(record).collect();
    event
}

/// One verdict for each message, in their order. `tried` counts the attempts before this one.
pub(crate) fn verdicts(
    response: QueueResponse,
    tried: impl IntoIterator<Item = Tried>,
    policy: &RetryPolicy,
    now: Timestamp,
) -> Vec<Verdict> {
    let failures = response.failures.into_iter();
    let mut failure_of: HashMap<String, ItemFailure> =
        failures.map(|failure| (failure.item_identifier.clone(), failure)).collect();
    let verdict = |(position, tried): (usize, Tried)| match failure_of.remove(&position.to_string()) {
        None => Verdict::Done,
        Some(failure) => after_failure(failure, tried, policy, now),
    };
    tried.into_iter().enumerate().map(verdict).collect()
}

/// What becomes of a message that is not done.
fn after_failure(failure: ItemFailure, before: Tried, policy: &RetryPolicy, now: Timestamp) -> Verdict {
    let tried = Tried { attempts: before.attempts + 1, ..before };
    if let Some(DeadLettered { code, reason }) = failure.dead_letter {
        return Verdict::DeadLetter { tried, code, reason };
    }
    let reason = failure.reason.unwrap_or_default();
    let asked = failure.retry_after_ms.map(Duration::from_millis);
    if failure.deferred {
        let after = asked.unwrap_or_else(|| policy.delay(tried.attempts));
        return Verdict::Again { tried: before, after, reason };
    }
    match policy.after_failure(tried.attempts, tried.first_at, now) {
        RetryVerdict::GiveUp => Verdict::DeadLetter { tried, code: EXHAUSTED.to_owned(), reason },
        RetryVerdict::RetryAfter(delay) => Verdict::Again { tried, after: asked.unwrap_or(delay), reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tried_counts_no_attempt_and_is_never_given_up() {
        let policy = RetryPolicy { max_attempts: 1, min_age: Duration::ZERO, ..RetryPolicy::default() };
        let (first_at, now) = (Timestamp::from_millis(0), Timestamp::from_millis(1_000));
        let tried = [Tried { attempts: 7, first_at }; 2];
        let deferred = ItemFailure {
            retry_after_ms: Some(300),
            deferred: true,
            ..ItemFailure::again("0", "the breaker is open")
        };
        let failures = vec![deferred, ItemFailure::again("1", "it failed")];
        let verdicts = verdicts(QueueResponse { failures }, tried, &policy, now);
        let again = Verdict::Again {
            tried: tried[0],
            after: Duration::from_millis(300),
            reason: "the breaker is open".to_owned(),
        };
        assert_eq!(verdicts[0], again);
        assert!(
            matches!(&verdicts[1], Verdict::DeadLetter { tried, .. } if tried.attempts == 8),
            "{verdicts:?}"
        );
    }
}
