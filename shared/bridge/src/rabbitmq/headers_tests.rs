use orderflow_domain::{EventData, InventoryReleased, OrderId};

use super::super::isolation::history;
use super::*;

fn event() -> Event {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None)
}

fn delivery(properties: BasicProperties) -> Delivery {
    let body = event().to_json().into_bytes();
    let mut delivery = Delivery::mock(1, "".into(), "".into(), false, body);
    delivery.properties = properties;
    delivery
}

fn dead(properties: BasicProperties) -> Delivery {
    let history = AttemptHistory { attempts: 7, first_at: Timestamp::from_millis(1_000) };
    let mut dead = delivery(properties);
    let body = String::from_utf8_lossy(&dead.data).into_owned();
    let code = DeadLetterCode::from("bad");
    let letter = DeadLetter::new("payment", &body, (&code, "it failed"), history, Timestamp::now());
    dead.properties = of_dead_letter(&dead, &letter);
    dead
}

#[test]
fn attempts_and_first_time_travel_with_the_message() {
    let now = Timestamp::from_millis(5_000);
    let fresh = BasicProperties::default();
    assert_eq!(history(&fresh, now).attempts, 0);
    let noted = AttemptHistory { attempts: 4, first_at: Timestamp::from_millis(1_000) };
    let retry = of_retry(&fresh, noted, "it\nfailed");
    assert_eq!(history(&retry, now), noted);
    assert_eq!(string(&retry, "x-orderflow-reason").as_deref(), Some("itfailed"));
}

#[test]
fn properties_set_by_hand_are_not_carried() {
    let mut headers = FieldTable::default();
    headers.insert("CC".into(), text("orderflow.notification"));
    headers.insert("traceparent".into(), text("00-x"));
    let by_hand = BasicProperties::default()
        .with_expiration("50".into())
        .with_user_id("guest".into())
        .with_message_id("m1".into())
        .with_headers(headers);
    let history = AttemptHistory { attempts: 1, first_at: Timestamp::from_millis(0) };
    let retry = of_retry(&by_hand, history, "");
    assert_eq!((retry.expiration(), retry.user_id()), (&None, &None));
    assert_eq!(retry.message_id(), by_hand.message_id());
    assert!(header(&retry, "CC").is_none() && header(&retry, "traceparent").is_some());
}

#[test]
fn a_dead_letter_has_its_history_and_a_message_put_there_by_hand_has_none() {
    let letter = read_dead_letter("payment", &dead(BasicProperties::default().with_message_id("m1".into())));
    assert_eq!((letter.id.as_str(), letter.consumer.as_str()), ("m1", "payment"));
    assert_eq!((letter.code.as_str(), letter.reason.as_str(), letter.attempts), ("bad", "it failed", 7));
    assert_eq!(letter.first_at, Some(Timestamp::from_millis(1_000)));
    assert!(letter.last_at > letter.first_at);

    let by_hand = delivery(BasicProperties::default());
    let letter = read_dead_letter("payment", &by_hand);
    assert_eq!((letter.code.as_str(), letter.reason.as_str(), letter.attempts), ("unknown", "", 0));
    assert_eq!((letter.first_at, letter.last_at), (None, None));
    assert_eq!(letter.id, message_id(&by_hand));
}

#[test]
fn a_message_moved_by_the_broker_has_the_code_of_its_reason() {
    let moved = |reason: &str| {
        let mut death = FieldTable::default();
        death.insert("reason".into(), text(reason));
        death.insert("time".into(), AMQPValue::Timestamp(5));
        let mut headers = FieldTable::default();
        headers.insert(DEATHS.into(), AMQPValue::FieldArray(vec![AMQPValue::FieldTable(death)].into()));
        read_dead_letter("payment", &delivery(BasicProperties::default().with_headers(headers)))
    };
    let limited = moved("delivery_limit");
    assert_eq!((limited.code.as_str(), limited.attempts), ("delivery-limit", 1_000));
    assert_eq!(limited.last_at, Some(Timestamp::from_millis(5_000)));
    assert!(limited.first_at.is_some() && !limited.reason.is_empty(), "{limited:?}");
    assert_eq!((moved("expired").code.as_str(), moved("expired").attempts), ("expired", 0));
}

/// The headers as they were before the fields of dead letters were in one place; they have not changed since.
#[test]
fn dead_letters_and_retries_of_earlier_versions_are_read() {
    let mut headers = FieldTable::default();
    for (name, value) in [
        ("x-orderflow-code", "undecodable"),
        ("x-orderflow-reason", "no CloudEvents envelope"),
        ("x-orderflow-first-at", "1970-01-01T00:00:01.000Z"),
        ("x-orderflow-last-at", "1970-01-01T00:00:02.000Z"),
    ] {
        headers.insert(name.into(), text(value));
    }
    headers.insert("x-orderflow-attempts".into(), AMQPValue::LongLongInt(3));
    let recorded = BasicProperties::default().with_message_id("m1".into()).with_headers(headers);
    let noted = AttemptHistory { attempts: 3, first_at: Timestamp::from_millis(1_000) };
    assert_eq!(history(&recorded, Timestamp::now()), noted);
    let letter = read_dead_letter("payment", &delivery(recorded));
    assert_eq!((letter.id.as_str(), letter.code.as_str(), letter.attempts), ("m1", "undecodable", 3));
    assert_eq!(letter.reason, "no CloudEvents envelope");
    assert_eq!(letter.first_at, Some(Timestamp::from_millis(1_000)));
    assert_eq!(letter.last_at, Some(Timestamp::from_millis(2_000)));
}

#[test]
fn a_replay_carries_only_the_message() {
    let by_hand = of_event(&event()).with_expiration("50".into()).with_user_id("guest".into());
    let replayed = of_replay(&dead(by_hand.clone()));
    assert_eq!((replayed.expiration(), replayed.user_id()), (&None, &None));
    assert_eq!((replayed.message_id(), replayed.kind()), (by_hand.message_id(), by_hand.kind()));
    assert_eq!(replayed.headers(), by_hand.headers(), "the event's headers and none of the dead letter's");
    assert_eq!(replayed.delivery_mode(), &Some(PERSISTENT));
}

#[test]
fn a_replacement_keeps_id_and_history() {
    let (before, other) = (dead(BasicProperties::default().with_message_id("m1".into())), event());
    let mut after = delivery(of_replacement(&before, &other));
    let id = string(&after.properties, "cloudEvents:id");
    assert_eq!(id, Some(other.id.to_string()), "the event's headers are its own");
    after.data.clone_from(&before.data);
    assert_eq!(read_dead_letter("payment", &after), read_dead_letter("payment", &before));
}
