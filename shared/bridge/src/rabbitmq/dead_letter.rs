//! A dead letter as the broker keeps it: what its headers tell, and those that it goes on with.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use orderflow_domain::{Event, Timestamp};
use orderflow_messaging::StoredDeadLetter;
use orderflow_messaging::amqp::{ATTEMPTS, FIRST_AT};

use super::headers::{CODE, LAST_AT, REASON, carried, header, integer, message_id, of_event, string};

/// The code of a letter that says none: somebody put it there by hand.
const UNKNOWN: &str = "unknown";

/// Set by the broker where it moved a message by itself: the latest move first.
const DEATHS: &str = "x-death";

/// The headers that tell what became of a message.
const HISTORY: [&str; 5] = [ATTEMPTS, FIRST_AT, LAST_AT, CODE, REASON];

/// What the headers tell of a dead letter. Looking at one changes the broker's own counts of it, so they tell nothing.
pub(super) fn stored(consumer: &str, delivery: &Delivery) -> StoredDeadLetter {
    let properties = &delivery.properties;
    let time = |name| string(properties, name).and_then(|text| Timestamp::parse(&text).ok());
    let code = string(properties, CODE).or_else(|| broker_code(properties));
    let attempts = integer(properties, ATTEMPTS).unwrap_or_default();
    StoredDeadLetter {
        id: message_id(delivery),
        consumer: consumer.to_owned(),
        code: code.unwrap_or_else(|| UNKNOWN.to_owned()),
        reason: string(properties, REASON).unwrap_or_default(),
        attempts: u32::try_from(attempts).unwrap_or_default(),
        first_at: time(FIRST_AT),
        last_at: time(LAST_AT),
        body: String::from_utf8_lossy(&delivery.data).into_owned(),
    }
}

/// Why the broker itself gave a message up, as `delivery-limit`.
fn broker_code(properties: &BasicProperties) -> Option<String> {
    let AMQPValue::FieldArray(deaths) = header(properties, DEATHS)? else { return None };
    let AMQPValue::FieldTable(latest) = deaths.as_slice().first()? else { return None };
    let AMQPValue::LongString(reason) = latest.inner().get("reason")? else { return None };
    Some(String::from_utf8_lossy(reason.as_bytes()).replace('_', "-"))
}

/// The properties with which a dead letter goes back to its queue: as if it had never been tried.
pub(super) fn of_replay(delivery: &Delivery) -> BasicProperties {
    let carried = carried(&delivery.properties).with_message_id(message_id(delivery).into());
    let mut headers = FieldTable::default();
    for (name, value) in carried.headers().iter().flat_map(|headers| headers.inner()) {
        if !HISTORY.contains(&name.as_str()) {
            headers.insert(name.clone(), value.clone());
        }
    }
    carried.with_headers(headers)
}

/// The properties of an event that takes the place of a dead letter: it keeps its id and its history.
pub(super) fn of_replacement(delivery: &Delivery, event: &Event) -> BasicProperties {
    let properties = of_event(event).with_message_id(message_id(delivery).into());
    let mut headers = properties.headers().clone().unwrap_or_default();
    for name in HISTORY {
        if let Some(value) = header(&delivery.properties, name) {
            headers.insert(name.into(), value.clone());
        }
    }
    properties.with_headers(headers)
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{EventData, InventoryReleased, OrderId};

    use super::super::headers::{PERSISTENT, of_dead_letter};
    use super::*;
    use crate::runtime_table::Tried;

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
        let tried = Tried { attempts: 7, first_at: Timestamp::from_millis(1_000) };
        delivery(of_dead_letter(&delivery(properties), tried, "bad", "it failed"))
    }

    #[test]
    fn a_dead_letter_tells_its_history_and_a_stranger_none() {
        let letter = stored("payment", &dead(BasicProperties::default().with_message_id("m1".into())));
        assert_eq!((letter.id.as_str(), letter.consumer.as_str()), ("m1", "payment"));
        assert_eq!((letter.code.as_str(), letter.reason.as_str(), letter.attempts), ("bad", "it failed", 7));
        assert_eq!(letter.first_at, Some(Timestamp::from_millis(1_000)));
        assert!(letter.last_at > letter.first_at);

        let stranger = delivery(BasicProperties::default());
        let letter = stored("payment", &stranger);
        assert_eq!((letter.code.as_str(), letter.reason.as_str(), letter.attempts), ("unknown", "", 0));
        assert_eq!((letter.first_at, letter.last_at), (None, None));
        assert_eq!(letter.id, message_id(&stranger));
    }

    #[test]
    fn what_the_broker_gave_up_says_why() {
        let mut death = FieldTable::default();
        death.insert("reason".into(), AMQPValue::LongString("delivery_limit".into()));
        let mut headers = FieldTable::default();
        headers.insert(DEATHS.into(), AMQPValue::FieldArray(vec![AMQPValue::FieldTable(death)].into()));
        let letter = stored("payment", &delivery(BasicProperties::default().with_headers(headers)));
        assert_eq!(letter.code, "delivery-limit");
    }

    #[test]
    fn a_replay_carries_nothing_but_the_message() {
        let by_hand = of_event(&event()).with_expiration("50".into()).with_user_id("guest".into());
        let replayed = of_replay(&dead(by_hand.clone()));
        assert_eq!((replayed.expiration(), replayed.user_id()), (&None, &None));
        assert_eq!((replayed.message_id(), replayed.kind()), (by_hand.message_id(), by_hand.kind()));
        assert_eq!(replayed.headers(), by_hand.headers(), "the event's own, and none of the dead letter's");
        assert_eq!(replayed.delivery_mode(), &Some(PERSISTENT));
    }

    #[test]
    fn a_replacement_keeps_id_and_history() {
        let (before, other) = (dead(BasicProperties::default().with_message_id("m1".into())), event());
        let mut after = delivery(of_replacement(&before, &other));
        let id = string(&after.properties, "cloudEvents:id");
        assert_eq!(id, Some(other.id.to_string()), "the event's headers are its own");
        after.data.clone_from(&before.data);
        assert_eq!(stored("payment", &after), stored("payment", &before));
    }
}
