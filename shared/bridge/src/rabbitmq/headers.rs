//! The properties and headers of messages: events, retries and dead letters.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use orderflow_domain::{Event, SPEC_VERSION, Timestamp};
use orderflow_messaging::{
    AttemptHistory, DeadLetter, DeadLetterCode, MessageField, message_id as id_of_body, storable_reason,
};

use super::header_limit::limit;

/// Set by quorum queues: the number of earlier deliveries without an acknowledgement.
pub(super) const DELIVERY_COUNT: &str = "x-delivery-count";

/// Set by the broker when it moves a message by itself: an array with the latest move first.
const DEATHS: &str = "x-death";

/// The delivery mode of messages that are stored on disk.
const PERSISTENT: u8 = 2;

/// Returns the properties of an event: the headers of the CloudEvents AMQP binding 1.0.2, for a body in structured JSON.
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

/// Returns the properties that a message keeps when it is moved to another queue. Properties of a message published by hand that change what the broker
/// does (a time to live, a user, other recipients) are dropped.
fn carried(properties: &BasicProperties) -> BasicProperties {
    let mut carried =
        BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(carried_headers(properties));
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

/// Returns the properties of a message that is put into the same queue again with another body.
pub(super) fn of_rewritten(delivery: &Delivery) -> BasicProperties {
    carried(&delivery.properties)
}

/// Returns the headers without those in which the broker counts for the queue that the message left, and those that address other recipients.
fn carried_headers(properties: &BasicProperties) -> FieldTable {
    let mut headers = FieldTable::default();
    for (name, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
        let is_brokers = [DELIVERY_COUNT, DEATHS, "x-acquired-count", "CC", "BCC"].contains(&name.as_str())
            || name.as_str().starts_with("x-first-death")
            || name.as_str().starts_with("x-last-death");
        if !is_brokers {
            headers.insert(name.clone(), value.clone());
        }
    }
    headers
}

/// Returns the carried headers without the fields of retries and dead letters.
fn headers_without_fields(properties: &BasicProperties) -> FieldTable {
    let mut headers = FieldTable::default();
    for (name, value) in carried_headers(properties).inner() {
        if !MessageField::ALL.iter().any(|field| field.header() == name.as_str()) {
            headers.insert(name.clone(), value.clone());
        }
    }
    headers
}

/// Returns the properties of a message that waits for its retry, with the attempts made so far.
pub(super) fn of_retry(
    properties: &BasicProperties,
    history: AttemptHistory,
    reason: &str,
) -> BasicProperties {
    let mut headers = carried_headers(properties);
    headers
        .insert(MessageField::Attempts.header().into(), AMQPValue::LongLongInt(i64::from(history.attempts)));
    headers.insert(MessageField::FirstAt.header().into(), text(&history.first_at.to_string()));
    headers.insert(MessageField::Reason.header().into(), text(&storable_reason(reason)));
    limit(&mut headers);
    carried(properties).with_headers(headers)
}

/// Returns the properties of a dead letter. Its id is the message id, which a message published by hand can lack.
pub(super) fn of_dead_letter(delivery: &Delivery, letter: &DeadLetter) -> BasicProperties {
    let mut headers = headers_without_fields(&delivery.properties);
    for (field, value) in letter.fields() {
        let value = match field {
            MessageField::Id => continue,
            MessageField::Attempts => AMQPValue::LongLongInt(i64::from(letter.attempts)),
            _ => text(&value),
        };
        headers.insert(field.header().into(), value);
    }
    if let Some(note) = limit(&mut headers) {
        let reason = storable_reason(&format!("{}; {note}", letter.reason));
        headers.insert(MessageField::Reason.header().into(), text(&reason));
    }
    carried(&delivery.properties).with_headers(headers).with_message_id(message_id(delivery).into())
}

/// Reads a message of a consumer's dead-letter queue. Reading a message changes the broker's own counts of it, so they are not used.
pub(super) fn read_dead_letter(consumer: &str, delivery: &Delivery) -> DeadLetter {
    let properties = &delivery.properties;
    let body = String::from_utf8_lossy(&delivery.data).into_owned();
    let field = |field: MessageField| match field {
        MessageField::Id => Some(message_id(delivery)),
        MessageField::Attempts => integer(properties, field.header()).map(|attempts| attempts.to_string()),
        _ => string(properties, field.header()),
    };
    let death = latest_death(properties);
    let default_code = death.as_ref().and_then(death_code).unwrap_or(DeadLetterCode::UNKNOWN);
    let letter = DeadLetter::from_fields(consumer, body, &default_code, field);
    DeadLetter { last_at: letter.last_at.or_else(|| death.as_ref().and_then(death_time)), ..letter }
}

fn latest_death(properties: &BasicProperties) -> Option<FieldTable> {
    let AMQPValue::FieldArray(deaths) = header(properties, DEATHS)? else { return None };
    let AMQPValue::FieldTable(latest) = deaths.as_slice().first()? else { return None };
    Some(latest.clone())
}

/// Returns the broker's reason as a code, such as `delivery-limit`.
fn death_code(death: &FieldTable) -> Option<DeadLetterCode> {
    let AMQPValue::LongString(reason) = death.inner().get("reason")? else { return None };
    Some(String::from_utf8_lossy(reason.as_bytes()).replace('_', "-").into())
}

fn death_time(death: &FieldTable) -> Option<Timestamp> {
    let AMQPValue::Timestamp(seconds) = death.inner().get("time")? else { return None };
    Some(Timestamp::from_millis(i64::try_from(*seconds).ok()?.saturating_mul(1_000)))
}

/// Returns the properties with which a dead letter goes back to its queue: without attempts and without the fields of a dead letter.
pub(super) fn of_replay(delivery: &Delivery) -> BasicProperties {
    let mut headers = headers_without_fields(&delivery.properties);
    limit(&mut headers);
    carried(&delivery.properties).with_headers(headers).with_message_id(message_id(delivery).into())
}

/// Returns the properties of an event that replaces a dead letter, with the letter's id and fields.
pub(super) fn of_replacement(delivery: &Delivery, event: &Event) -> BasicProperties {
    let properties = of_event(event).with_message_id(message_id(delivery).into());
    let mut headers = properties.headers().clone().unwrap_or_default();
    for field in MessageField::ALL {
        if let Some(value) = header(&delivery.properties, field.header()) {
            headers.insert(field.header().into(), value.clone());
        }
    }
    properties.with_headers(headers)
}

/// Returns the id of a message: its own, or one derived from the body.
pub(super) fn message_id(delivery: &Delivery) -> String {
    match delivery.properties.message_id() {
        Some(id) => id.to_string(),
        None => id_of_body(&String::from_utf8_lossy(&delivery.data)),
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
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
#[path = "headers_tests.rs"]
mod tests;
