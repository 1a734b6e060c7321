//! The decision about each delivery: acknowledge, retry or dead-letter. The host that acts on it calls [`Disposition::of`] once for each delivery, makes
//! the decision durable, and then counts and logs it with [`Disposition::report`]; nothing else decides, counts or logs it.

use std::fmt;
use std::time::Duration;

use orderflow_backoff::{Ended, Repeats};
use orderflow_bugs::is_planted;
use orderflow_domain::{Event, Timestamp};

use crate::{AttemptHistory, DeadLetterCode, Outcome, RetryPolicy, message_id};

/// The value of the metric label `outcome` for a message that is retried.
const RETRIED: &str = "retried";

/// What the host does with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Tell the broker that the message is done.
    Ack,
    /// Deliver the message again.
    Retry {
        /// The delay before the next delivery.
        after: Duration,
        /// Whether the delivery counts as an attempt. A deferred one does not.
        counted: bool,
    },
    /// Store the message as a dead letter, then acknowledge it.
    DeadLetter {
        /// The stable code.
        code: DeadLetterCode,
        /// The reason, as text for a person. It can quote the message.
        reason: String,
    },
}

impl Disposition {
    /// Decides what the host does with an attempt.
    ///
    /// A retry becomes a dead letter after the last attempt of the policy. A deferred delivery is never given up.
    pub fn of(attempt: &Attempt<'_>, outcome: &Outcome, policy: &RetryPolicy, now: Timestamp) -> Self {
        let AttemptHistory { attempts, first_at } = attempt.history;
        match outcome {
            Outcome::Done => Self::Ack,
            Outcome::Defer { after, .. } => {
                Self::Retry { after: *after, counted: is_planted("deferral-counted") }
            }
            Outcome::DeadLetter { .. } if is_planted("dead-letter-dropped") => Self::Ack,
            Outcome::DeadLetter { code, reason } => {
                Self::DeadLetter { code: code.clone(), reason: reason.clone() }
            }
            Outcome::Retry { reason, .. } if policy.is_last(attempts, first_at, now) => {
                if is_planted("exhausted-message-dropped") {
                    return Self::Ack;
                }
                Self::DeadLetter { code: DeadLetterCode::ATTEMPTS_EXHAUSTED, reason: reason.clone() }
            }
            Outcome::Retry { after, at_most, .. } => {
                let longest = at_most.unwrap_or(Duration::MAX);
                let after = after.unwrap_or_else(|| policy.delay_within(attempts, longest));
                Self::Retry { after, counted: !is_planted("retry-not-counted") }
            }
        }
    }

    /// Counts and logs what the host did with an attempt, after that is durable. `retry_reason` says why a message is retried.
    pub fn report(&self, attempt: &Attempt<'_>, retry_reason: &str) {
        count(attempt.consumer, self.label());
        for Ended { failure, count } in UNSTORED.works() {
            tracing::info!(error = failure, decisions = count, "decisions are stored again");
        }
        match self {
            Self::Ack => {}
            Self::Retry { after, counted: true } => log_retry(attempt, *after, retry_reason),
            Self::Retry { after, counted: false } => log_deferral(attempt, *after, retry_reason),
            Self::DeadLetter { code, reason } => log_dead_letter(attempt, code, reason),
        }
    }

    /// Returns the attempts to store with the message: a deferred delivery is not counted. `history` includes the present delivery.
    pub fn history(&self, history: AttemptHistory) -> AttemptHistory {
        match self {
            Self::Retry { counted: false, .. } => {
                AttemptHistory { attempts: history.attempts.saturating_sub(1), ..history }
            }
            _ => history,
        }
    }

    /// Returns the value of the metric label `outcome`.
    fn label(&self) -> &'static str {
        match self {
            Self::Ack => "done",
            Self::Retry { counted: true, .. } => RETRIED,
            Self::Retry { counted: false, .. } => "deferred",
            Self::DeadLetter { .. } => "dead_lettered",
        }
    }
}

/// A delivery that the consumer has answered, or that failed.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The consumer.
    pub consumer: &'static str,
    /// The message.
    pub body: &'a str,
    /// Its attempts, with the present one.
    pub history: AttemptHistory,
}

/// Counts an attempt whose decision could not be made durable, so that the message is delivered again. Logs when that begins.
pub fn report_unstored(attempt: &Attempt<'_>, error: &dyn fmt::Display) {
    count(attempt.consumer, RETRIED);
    if UNSTORED.fails(&error.to_string()) {
        tracing::error!(
            service = attempt.consumer,
            message.id = message_id(attempt.body),
            %error,
            "decision not stored; message will be delivered again"
        );
    }
}

/// Why decisions of this process could not be made durable.
static UNSTORED: Repeats = Repeats::new();

fn count(consumer: &'static str, outcome: &'static str) {
    metrics::counter!("deliveries_total", "consumer" => consumer, "outcome" => outcome).increment(1);
}

/// Logs a deferral. The reason, such as an open circuit breaker, is logged once for all messages.
fn log_deferral(attempt: &Attempt<'_>, after: Duration, reason: &str) {
    tracing::debug!(
        service = attempt.consumer,
        message.id = message_id(attempt.body),
        delay_ms = milliseconds(after),
        reason,
        "event is deferred"
    );
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn log_retry(attempt: &Attempt<'_>, after: Duration, reason: &str) {
    let event = Event::from_json(attempt.body).ok();
    let event = event.as_ref();
    tracing::warn!(
        service = attempt.consumer,
        order.id = event.and_then(Event::order_id).map(tracing::field::display),
        event.r#type = event.map(|event| event.event_type().as_str()),
        trace.id = event.and_then(Event::trace_id),
        attempt = attempt.history.attempts,
        delay_ms = milliseconds(after),
        reason,
        "event will be retried"
    );
}

/// Logs a dead letter. The reason of an undecodable message quotes it, and it can hold an address, so the log has the reason without content.
fn log_dead_letter(attempt: &Attempt<'_>, code: &DeadLetterCode, reason: &str) {
    let decoded = Event::from_json(attempt.body);
    let event = decoded.as_ref().ok();
    let logged = match &decoded {
        Err(error) if *code == DeadLetterCode::UNDECODABLE => error.without_content(),
        _ => reason.to_owned(),
    };
    tracing::error!(
        service = attempt.consumer,
        message.id = message_id(attempt.body),
        order.id = event.and_then(Event::order_id).map(tracing::field::display),
        event.r#type = event.map(|event| event.event_type().as_str()),
        trace.id = event.and_then(Event::trace_id),
        attempt = attempt.history.attempts,
        code = code.as_str(),
        reason = logged,
        "message is dead-lettered"
    );
}

#[cfg(test)]
mod tests {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn decided(outcome: &Outcome, attempts: u32, age: Duration) -> Disposition {
        let (attempt, now) = (attempt(attempts), start().plus(age));
        Disposition::of(&attempt, outcome, &RetryPolicy::default(), now)
    }

    fn attempt(attempts: u32) -> Attempt<'static> {
        let history = AttemptHistory { attempts, first_at: start() };
        Attempt { consumer: "payment", body: "{}", history }
    }

    fn exhausted() -> Disposition {
        Disposition::DeadLetter { code: DeadLetterCode::ATTEMPTS_EXHAUSTED, reason: "it failed".to_owned() }
    }

    #[test]
    fn a_delivery_is_given_up_after_the_last_attempt_and_the_minimum_age() {
        let failed = Outcome::retry("it failed");
        let (young, old) = (Duration::from_secs(599), Duration::from_secs(600));
        assert!(matches!(decided(&failed, 500, young), Disposition::Retry { counted: true, .. }));
        assert!(matches!(decided(&failed, 11, old), Disposition::Retry { counted: true, .. }));
        assert_eq!(decided(&failed, 12, old), exhausted());
        let at_its_own_time = Outcome::retry_after("it failed", young);
        assert_eq!(decided(&at_its_own_time, 11, old), Disposition::Retry { after: young, counted: true });
        assert_eq!(decided(&at_its_own_time, 12, old), exhausted());
    }

    #[test]
    fn a_retry_within_a_delay_waits_no_longer_however_many_attempts_there_were() {
        let within = Outcome::retry_within("the provider is down", Duration::from_secs(20));
        for attempts in [1, 8, 12, 500] {
            let (counted, young) = (true, Duration::from_secs(599));
            let Disposition::Retry { after, counted: found } = decided(&within, attempts, young) else {
                panic!("not a retry");
            };
            assert!(after <= Duration::from_secs(20) && found == counted, "{attempts}: {after:?}");
        }
        assert_eq!(
            decided(&within, 12, Duration::from_secs(600)),
            Disposition::DeadLetter {
                code: DeadLetterCode::ATTEMPTS_EXHAUSTED,
                reason: "the provider is down".to_owned()
            }
        );
    }

    #[test]
    fn a_deferred_delivery_counts_no_attempt_and_is_never_given_up() {
        let after = Duration::from_millis(300);
        let deferred = Outcome::Defer { reason: "circuit breaker is open".to_owned(), after };
        let disposition = decided(&deferred, 5_000, Duration::from_secs(6_000));
        assert_eq!(disposition, Disposition::Retry { after, counted: false });
        let history = AttemptHistory { attempts: 8, first_at: start() };
        assert_eq!(disposition.history(history).attempts, 7);
        assert_eq!(exhausted().history(history).attempts, 8);
    }

    #[test]
    fn each_decision_is_counted_once_by_what_the_host_does() {
        let recorder = DebuggingRecorder::new();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let code = DeadLetterCode::MESSAGE_REFUSED;
        let outcomes = [
            (Outcome::Done, 1),
            (Outcome::Done, 1),
            (Outcome::retry("x"), 1),
            (Outcome::Defer { reason: "x".to_owned(), after: Duration::ZERO }, 1),
            (Outcome::DeadLetter { code, reason: "x".to_owned() }, 1),
            (Outcome::retry("x"), 12),
        ];
        for (outcome, attempts) in &outcomes {
            let disposition = decided(outcome, *attempts, Duration::from_secs(600));
            disposition.report(&attempt(*attempts), outcome.reason());
        }
        let entries = recorder.snapshotter().snapshot().into_vec().into_iter();
        let mut counted: Vec<_> = entries
            .map(|(key, _, _, value)| {
                let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
                (format!("{} {}", key.key().name(), labels.join(" ")), value)
            })
            .collect();
        counted.sort_by(|a, b| a.0.cmp(&b.0));
        let expected =
            [("dead_lettered", 2), ("deferred", 1), ("done", 2), ("retried", 1)].map(|(outcome, count)| {
                (format!("deliveries_total payment {outcome}"), DebugValue::Counter(count))
            });
        assert_eq!(counted, expected);
    }
}
