//! A dead letter in its queue on SQS: the message, and its fields as message attributes.

use async_trait::async_trait;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use orderflow_domain::Timestamp;
use orderflow_messaging::{DeadLetter, DeadLetterCode, DeadLetterError, DeadLetterQueue};

use crate::queue::{Attributes, Queue};

/// Returns the attributes that store a dead letter's fields. SQS refuses empty attributes; [`DeadLetter::fields`] returns none.
pub(crate) fn attributes(letter: &DeadLetter) -> Attributes {
    let attribute = |text| MessageAttributeValue::builder().data_type("String").string_value(text).build();
    let fields = letter.fields().into_iter();
    fields
        .map(|(field, text)| (field.attribute().to_owned(), attribute(text).expect("its type is set")))
        .collect()
}

/// Reads a message of a consumer's dead-letter queue. If the message has no time at which it was given up, as one that SQS moved itself, the time
/// at which it was sent is used.
pub(crate) fn read(consumer: &str, message: &Message) -> DeadLetter {
    let text = |name| message.message_attributes.as_ref()?.get(name)?.string_value.clone();
    let system = |name| message.attributes.as_ref()?.get(&name).cloned();
    let default_code = match system(MessageSystemAttributeName::DeadLetterQueueSourceArn) {
        Some(_) => DeadLetterCode::DELIVERY_LIMIT,
        None => DeadLetterCode::UNKNOWN,
    };
    let body = message.body.clone().unwrap_or_default();
    let letter = DeadLetter::from_fields(consumer, body, &default_code, |field| text(field.attribute()));
    let sent_at = || {
        let millis = system(MessageSystemAttributeName::SentTimestamp)?.parse().ok()?;
        Some(Timestamp::from_millis(millis))
    };
    DeadLetter { last_at: letter.last_at.or_else(sent_at), ..letter }
}

#[async_trait]
impl DeadLetterQueue for Queue {
    async fn put(&self, letter: DeadLetter) -> Result<(), DeadLetterError> {
        let sent = self.send(&letter.body, attributes(&letter)).await;
        sent.map_err(|error| DeadLetterError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use orderflow_messaging::AttemptHistory;

    use super::*;

    fn message(body: &str, attributes: Attributes) -> Message {
        Message::builder().body(body).set_message_attributes(Some(attributes)).build()
    }

    fn letter(reason: &str) -> DeadLetter {
        let history = AttemptHistory { attempts: 7, first_at: Timestamp::from_millis(1_000) };
        let code = DeadLetterCode::UNDECODABLE;
        DeadLetter::new("payment", "no JSON", (&code, reason), history, Timestamp::from_millis(2_000))
    }

    #[test]
    fn a_dead_letter_is_read_as_it_was_sent() {
        for reason in ["it failed", ""] {
            let letter = letter(reason);
            assert_eq!(read("payment", &message("no JSON", attributes(&letter))), letter);
        }
    }

    #[test]
    fn a_message_put_there_by_hand_has_no_history_but_the_same_id() {
        let by_hand = read("payment", &message("no JSON", Attributes::new()));
        assert_eq!((by_hand.code.as_str(), by_hand.attempts, by_hand.first_at), ("unknown", 0, None));
        assert_eq!(by_hand.id, letter("").id);
    }

    #[test]
    fn a_message_moved_by_sqs_has_the_code_of_its_delivery_limit() {
        let source = MessageSystemAttributeName::DeadLetterQueueSourceArn;
        let sent = MessageSystemAttributeName::SentTimestamp;
        let moved =
            Message::builder().body("{}").attributes(source, "arn:aws:sqs:r:1:q").attributes(sent, "5000");
        let letter = read("payment", &moved.build());
        assert_eq!((letter.code.as_str(), letter.attempts), ("delivery-limit", 1_000));
        assert_eq!(letter.last_at, Some(Timestamp::from_millis(5_000)));
    }

    /// As functions stored dead letters before they noted times and ids, and as the poller stored them without ids.
    #[test]
    fn dead_letters_of_earlier_versions_are_read() {
        let text =
            |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build();
        let mut recorded = Attributes::new();
        for (name, value) in
            [("code", "undecodable"), ("reason", "no CloudEvents envelope"), ("attempts", "2")]
        {
            recorded.insert(name.to_owned(), text(value).unwrap());
        }
        let by_function = Message::builder()
            .body("no JSON")
            .set_message_attributes(Some(recorded.clone()))
            .attributes(MessageSystemAttributeName::SentTimestamp, "5000");
        let by_function = read("payment", &by_function.build());
        assert_eq!((by_function.code.as_str(), by_function.attempts), ("undecodable", 2));
        assert_eq!((by_function.first_at, by_function.last_at), (None, Some(Timestamp::from_millis(5_000))));
        for (name, value) in
            [("first_at", "1970-01-01T00:00:01.000Z"), ("last_at", "1970-01-01T00:00:02.000Z")]
        {
            recorded.insert(name.to_owned(), text(value).unwrap());
        }
        let by_poller = read("payment", &message("no JSON", recorded));
        assert_eq!(by_poller.first_at, Some(Timestamp::from_millis(1_000)));
        assert_eq!(by_poller.last_at, Some(Timestamp::from_millis(2_000)));
        assert_eq!(by_poller.id, letter("").id);
    }

    #[test]
    fn a_replacement_keeps_id_and_history() {
        let before = letter("it failed");
        let replaced = DeadLetter { body: "other".to_owned(), ..before.clone() };
        assert_eq!(read("payment", &message("other", attributes(&replaced))), replaced);
        assert_eq!(replaced.id, before.id);
    }
}
