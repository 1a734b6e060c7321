//! Poison isolation: finds a message that ends its consumer's process, without giving up the messages delivered together with it.
//!
//! A quorum queue counts deliveries without an acknowledgement (`x-delivery-count`), for every message that was in flight when a process ended. So a
//! message with several of them is first delivered alone, then received alone. Only deliveries after that count as attempts of the message itself.

use lapin::BasicProperties;
use orderflow_domain::Timestamp;
use orderflow_messaging::{AttemptHistory, MessageField, RetryPolicy, is_isolated};

use super::headers::{DELIVERY_COUNT, integer, string};

/// The delivery from which on a message is also received alone: with a prefetch of one, no other message is in flight beside it. Restarts of a consumer
/// every few seconds make many messages reach [`ISOLATED_FROM_DELIVERY`](orderflow_messaging::ISOLATED_FROM_DELIVERY) and few this one.
const RECEIVED_ALONE_FROM_DELIVERY: u32 = 9;

/// Deliveries that are not counted as attempts: the eight before the message is received alone, and the one that returned it for that.
const NOT_COUNTED: u32 = RECEIVED_ALONE_FROM_DELIVERY;

/// The isolation that a message needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    /// It is delivered in a batch.
    None,
    /// It is delivered alone.
    Alone,
    /// It is received and delivered alone.
    ReceivedAlone,
}

impl Isolation {
    pub(super) fn of(properties: &BasicProperties) -> Self {
        match u32::try_from(delivery_count(properties)).unwrap_or_default() {
            before if before.saturating_add(1) >= RECEIVED_ALONE_FROM_DELIVERY => Self::ReceivedAlone,
            before if is_isolated(before) => Self::Alone,
            _ => Self::None,
        }
    }
}

/// Returns the attempts made of a message before. Unacknowledged deliveries count only after the message is received alone; before that, another message
/// of the batch or a restart of the consumer is as likely the cause. If no attempt noted the first time, the time of publication is used.
pub(super) fn history(properties: &BasicProperties, now: Timestamp) -> AttemptHistory {
    let noted = integer(properties, MessageField::Attempts.header()).unwrap_or_default();
    let unacknowledged = isolated_deliveries(properties);
    let attempts = u32::try_from(noted.saturating_add(unacknowledged)).unwrap_or(u32::MAX);
    let noted_at = string(properties, MessageField::FirstAt.header());
    let noted_at = noted_at.and_then(|text| Timestamp::parse(&text).ok());
    let first_at = noted_at.or_else(|| published_at(properties).filter(|_| unacknowledged > 0));
    AttemptHistory { attempts, first_at: first_at.unwrap_or(now) }
}

/// Returns whether the last attempts of a message ended with the consumer's process and the policy allows no further one. A message whose attempts were
/// answered, even with a failure, is delivered once more.
pub(super) fn is_exhausted(properties: &BasicProperties, policy: &RetryPolicy, now: Timestamp) -> bool {
    let AttemptHistory { attempts, first_at } = history(properties, now);
    isolated_deliveries(properties) > 0 && policy.is_last(attempts, first_at, now)
}

/// Returns the unacknowledged deliveries since the message is received alone.
fn isolated_deliveries(properties: &BasicProperties) -> i64 {
    (delivery_count(properties) - i64::from(NOT_COUNTED)).max(0)
}

fn delivery_count(properties: &BasicProperties) -> i64 {
    integer(properties, DELIVERY_COUNT).unwrap_or_default()
}

fn published_at(properties: &BasicProperties) -> Option<Timestamp> {
    let seconds = i64::try_from((*properties.timestamp())?).ok()?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1_000)))
}

#[cfg(test)]
mod tests {
    use lapin::types::{AMQPValue, FieldTable};

    use super::super::headers::of_retry;
    use super::*;

    fn delivered(count: i64) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(count));
        BasicProperties::default().with_headers(headers)
    }

    #[test]
    fn unacknowledged_deliveries_isolate_a_message_and_then_count_as_attempts() {
        let now = Timestamp::from_millis(0);
        let levels = [2, 3, 7, 8].map(|count| Isolation::of(&delivered(count)));
        assert_eq!(levels, [Isolation::None, Isolation::Alone, Isolation::Alone, Isolation::ReceivedAlone]);
        assert_eq!((history(&delivered(9), now).attempts, history(&delivered(14), now).attempts), (0, 5));
        let retry = of_retry(&delivered(14), AttemptHistory { attempts: 7, first_at: now }, "");
        assert_eq!(history(&retry, now).attempts, 7, "a retry starts without the count of the queue it left");
        let published = delivered(14).with_timestamp(3);
        let later = Timestamp::from_millis(9_000);
        assert_eq!(history(&published, later).first_at, Timestamp::from_millis(3_000));
    }

    #[test]
    fn only_a_message_that_ends_its_process_is_given_up_without_an_answer() {
        let policy = RetryPolicy::default();
        let now = Timestamp::now();
        let long_ago = AttemptHistory { attempts: 12, first_at: Timestamp::from_millis(0) };
        let answered = of_retry(&BasicProperties::default(), long_ago, "no");
        assert!(!is_exhausted(&answered, &policy, now), "its last attempt is still to be made");
        let deadly = delivered(21).with_timestamp(0);
        assert!(is_exhausted(&deadly, &policy, now));
        let young = deadly.with_timestamp(u64::try_from(now.as_millis() / 1_000).unwrap_or_default());
        assert!(!is_exhausted(&young, &policy, now));
    }
}
