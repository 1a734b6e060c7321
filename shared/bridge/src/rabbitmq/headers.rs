//! What a message carries beside its body.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use orderflow_domain::{Event, SPEC_VERSION, Timestamp};
use orderflow_messaging::amqp::{ATTEMPTS, DELIVERY_COUNT, FIRST_AT};
use orderflow_messaging::{RetryPolicy, body_id};

use crate::runtime_table::Tried;

/// Dead letters: when it was given up, RFC 3339.
pub(super) const LAST_AT: &str = "x-orderflow-last-at";
/// Dead letters: the stable code.
pub(super) const CODE: &str = "x-orderflow-code";
/// Why it was put off or given up.
pub(super) const REASON: &str = "x-orderflow-reason";

/// Messages are kept on disk.
pub(super) const PERSISTENT: u8 = 2;

/// The most of a reason that is kept: headers have to fit into one frame.
const MAX_REASON: usize = 1_024;

/// The properties of an event: CloudEvents AMQP binding 1.0.2 headers beside the structured JSON body.
pub(super) fn of_event(event: &Event) -> BasicProperties {
    let mut headers = FieldTable::default();
    let mut set = |name: &str, value: String| {
        headers.insert(format!("cloudEvents:{name}").into(), text(&value));
    };
    set("specversion", SPEC_VERSION.to_owned());
    set("id", event.id.to_string());
    set("source", event.event_type().source().to_owned());
    set("type", event.event_type().as_str().to_owned());
    set("subject", event.data.subject());
    set("time", event.time.to_string());
    if let Some(traceparent) = &event.traceparent {
        headers.insert("traceparent".into(), text(traceparent));
    }
    BasicProperties::default()
        .with_content_type("application/cloudevents+json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(event.id.to_string().into())
        .with_type(event.event_type().as_str().into())
        .with_timestamp(u64::try_from(event.time.as_millis() / 1_000).unwrap_or_default())
        .with_headers(headers)
}

/// How often a message was tried, and since when. Deliveries that ended with their consumer count once the message goes alone: before that
/// its neighbours or the consumer's own restarts are as likely to blame. Nobody lived to note when the first of them was; they count from the
/// event's own time.
pub(super) fn tried(properties: &BasicProperties, now: Timestamp) -> Tried {
    let (counted, killed) = (integer(properties, ATTEMPTS).unwrap_or_default(), lone_deaths(properties));
    let attempts = u32::try_from(counted.saturating_add(killed)).unwrap_or(u32::MAX);
    let noted = string(properties, FIRST_AT).and_then(|text| Timestamp::parse(&text).ok());
    let first_at = noted.or_else(|| published_at(properties).filter(|_| killed > 0));
    Tried { attempts, first_at: first_at.unwrap_or(now) }
}

/// Whether every further attempt would end like those before: with the consumer. What was answered, be it with a failure, is tried again.
pub(super) fn is_exhausted(properties: &BasicProperties, policy: &RetryPolicy, now: Timestamp) -> bool {
    let Tried { attempts, first_at } = tried(properties, now);
    lone_deaths(properties) > 0 && policy.is_last(attempts, first_at, now)
}

/// Deliveries without acknowledgement since the message goes alone.
fn lone_deaths(properties: &BasicProperties) -> i64 {
    (delivery_count(properties) - i64::from(FORGIVEN)).max(0)
}

fn published_at(properties: &BasicProperties) -> Option<Timestamp> {
    let seconds = i64::try_from((*properties.timestamp())?).ok()?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1_000)))
}

/// Deliveries without acknowledgement from which on a message goes alone: this is more than its third delivery then.
const ISOLATED_FROM: u32 = 3;

/// Deliveries without acknowledgement from which on nothing is even sent ahead beside the message. Consumers that are restarted again and again
/// bring many messages to the first mark, and hardly any to this one.
const SEPARATED_FROM: u32 = 8;

/// Those that do not count: until the message is by itself, and the one with which it was given back for that.
const FORGIVEN: u32 = SEPARATED_FROM + 1;

/// How much a message is suspected of ending its consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspicion {
    None,
    /// It goes alone.
    Some,
    /// It goes alone, and nothing is sent ahead that would share its fate.
    Strong,
}

impl Suspicion {
    pub(super) fn of(properties: &BasicProperties) -> Self {
        match delivery_count(properties) {
            count if count >= i64::from(SEPARATED_FROM) => Self::Strong,
            count if count >= i64::from(ISOLATED_FROM) => Self::Some,
            _ => Self::None,
        }
    }
}

/// What a message takes along from queue to queue. What may have come with it by hand and changes what the broker does (a time to live, a
/// user, other recipients) stays behind.
pub(super) fn carried(properties: &BasicProperties) -> BasicProperties {
    let mut carried =
        BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(kept(properties));
    if let Some(id) = properties.message_id() {
        carried = carried.with_message_id(id.clone());
    }
    if let Some(content_type) = properties.content_type() {
        carried = carried.with_content_type(content_type.clone());
    }
    if let Some(event_type) = properties.kind() {
        carried = carried.with_type(event_type.clone());
    }
    if let Some(published_at) = properties.timestamp() {
        carried = carried.with_timestamp(*published_at);
    }
    carried
}

/// The properties of a message that comes again.
pub(super) fn of_retry(properties: &BasicProperties, tried: Tried, reason: &str) -> BasicProperties {
    let mut headers = kept(properties);
    headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(i64::from(tried.attempts)));
    headers.insert(FIRST_AT.into(), text(&tried.first_at.to_string()));
    headers.insert(REASON.into(), text(&shortened(reason)));
    carried(properties).with_headers(headers)
}

/// The properties of a dead letter. One that came without id is known by its body from now on.
pub(super) fn of_dead_letter(delivery: &Delivery, tried: Tried, code: &str, reason: &str) -> BasicProperties {
    let retry = of_retry(&delivery.properties, tried, reason);
    let mut headers = kept(&retry);
    headers.insert(CODE.into(), text(code));
    headers.insert(LAST_AT.into(), text(&Timestamp::now().to_string()));
    retry.with_headers(headers).with_message_id(message_id(delivery).into())
}

/// The id of a message: its own, or one that is derived from its body.
pub(super) fn message_id(delivery: &Delivery) -> String {
    match delivery.properties.message_id() {
        Some(id) => id.to_string(),
        None => body_id(&String::from_utf8_lossy(&delivery.data)),
    }
}

/// The headers without those that the broker keeps count in, which belong to the queue that was left, and those that address others.
pub(super) fn kept(properties: &BasicProperties) -> FieldTable {
    let mut headers = FieldTable::default();
    for (name, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
        let broker_own = [DELIVERY_COUNT, "x-death", "x-acquired-count", "CC", "BCC"]
            .contains(&name.as_str())
            || name.as_str().starts_with("x-first-death")
            || name.as_str().starts_with("x-last-death");
        if !broker_own {
            headers.insert(name.clone(), value.clone());
        }
    }
    headers
}

fn shortened(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect()
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

pub(super) fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
}

fn delivery_count(properties: &BasicProperties) -> i64 {
    integer(properties, DELIVERY_COUNT).unwrap_or_default()
}

pub(super) fn integer(properties: &BasicProperties, name: &str) -> Option<i64> {
    match header(properties, name)? {
        AMQPValue::ShortShortInt(value) => Some(i64::from(*value)),
        AMQPValue::ShortShortUInt(value) => Some(i64::from(*value)),
        AMQPValue::ShortInt(value) => Some(i64::from(*value)),
        AMQPValue::ShortUInt(value) => Some(i64::from(*value)),
        AMQPValue::LongInt(value) => Some(i64::from(*value)),
        AMQPValue::LongUInt(value) => Some(i64::from(*value)),
        AMQPValue::LongLongInt(value) => Some(*value),
        _ => None,
    }
}

pub(super) fn string(properties: &BasicProperties, name: &str) -> Option<String> {
    match header(properties, name)? {
        AMQPValue::LongString(value) => Some(String::from_utf8_lossy(value.as_bytes()).into_owned()),
        AMQPValue::ShortString(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_and_age_travel_with_the_message() {
        let now = Timestamp::from_millis(5_000);
        let fresh = BasicProperties::default();
        assert_eq!(tried(&fresh, now).attempts, 0);
        let first_at = Timestamp::from_millis(1_000);
        let again = of_retry(&fresh, Tried { attempts: 4, first_at }, "it\nfailed");
        let read = tried(&again, now);
        assert_eq!((read.attempts, read.first_at), (4, first_at));
        assert_eq!(string(&again, REASON).as_deref(), Some("itfailed"));
    }

    #[test]
    fn deliveries_that_end_the_consumer_isolate_a_message_and_then_count() {
        let delivered = |count| {
            let mut headers = FieldTable::default();
            headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(count));
            BasicProperties::default().with_headers(headers)
        };
        let now = Timestamp::from_millis(0);
        let suspicions = [2, 3, 7, 8].map(|count| Suspicion::of(&delivered(count)));
        assert_eq!(suspicions, [Suspicion::None, Suspicion::Some, Suspicion::Some, Suspicion::Strong]);
        assert_eq!((tried(&delivered(9), now).attempts, tried(&delivered(14), now).attempts), (0, 5));
        let again = of_retry(&delivered(14), Tried { attempts: 7, first_at: now }, "");
        assert_eq!(tried(&again, now).attempts, 7, "the queue's own count is not taken along");
        let published = delivered(14).with_timestamp(3);
        assert_eq!(tried(&published, Timestamp::from_millis(9_000)).first_at, Timestamp::from_millis(3_000));
    }

    #[test]
    fn only_what_ends_its_consumer_is_given_up_unasked() {
        let policy = RetryPolicy::default();
        let now = Timestamp::now();
        let long_ago = Timestamp::from_millis(0);
        let answered =
            of_retry(&BasicProperties::default(), Tried { attempts: 12, first_at: long_ago }, "no");
        assert!(!is_exhausted(&answered, &policy, now), "its last attempt is still to be made");
        let mut headers = FieldTable::default();
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(21));
        let deadly = BasicProperties::default().with_headers(headers).with_timestamp(0);
        assert!(is_exhausted(&deadly, &policy, now));
        let young = deadly.with_timestamp(u64::try_from(now.as_millis() / 1_000).unwrap_or_default());
        assert!(!is_exhausted(&young, &policy, now));
    }

    #[test]
    fn what_came_along_by_hand_stays_behind() {
        let mut headers = FieldTable::default();
        headers.insert("CC".into(), text("orderflow.notification"));
        headers.insert("traceparent".into(), text("00-x"));
        let by_hand = BasicProperties::default()
            .with_expiration("50".into())
            .with_user_id("somebody".into())
            .with_message_id("m1".into())
            .with_headers(headers);
        let again = of_retry(&by_hand, Tried { attempts: 1, first_at: Timestamp::from_millis(0) }, "");
        assert_eq!((again.expiration(), again.user_id()), (&None, &None));
        assert_eq!(again.message_id(), by_hand.message_id());
        assert!(header(&again, "CC").is_none() && header(&again, "traceparent").is_some());
    }
}
