//! A dead letter as its queue keeps it: the message, and attributes that tell what became of it.

use std::collections::HashMap;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use orderflow_domain::{Event, Timestamp};
use orderflow_messaging::{StoredDeadLetter, body_id};

const CODE: &str = "code";
const REASON: &str = "reason";
const ATTEMPTS: &str = "attempts";
const FIRST_AT: &str = "first_at";
const LAST_AT: &str = "last_at";

/// Set where the event was replaced: the letter keeps the id it had.
const ID: &str = "id";

/// The code of a letter that SQS itself put away.
const RECEIVED_TOO_OFTEN: &str = "delivery-limit";

/// The code of a letter that says none: somebody put it there by hand.
const UNKNOWN: &str = "unknown";

/// The most of a reason that is kept: an attribute counts toward the size of the message.
const MAX_REASON: usize = 1_024;

/// The attributes of a message.
pub type Attributes = HashMap<String, MessageAttributeValue>;

/// What is to be known of a message that is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp<'a> {
    /// A stable code.
    pub code: &'a str,
    /// Why, for a person.
    pub reason: &'a str,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: Timestamp,
    /// When it was given up.
    pub last_at: Timestamp,
}

impl GivenUp<'_> {
    /// The attributes that its message has among the dead letters.
    pub fn attributes(&self) -> Attributes {
        of_texts([
            (CODE, self.code.to_owned()),
            (REASON, self.reason.chars().filter(is_sendable).take(MAX_REASON).collect()),
            (ATTEMPTS, self.attempts.to_string()),
            (FIRST_AT, self.first_at.to_string()),
            (LAST_AT, self.last_at.to_string()),
        ])
    }
}

/// The attributes of an event that takes the place of a dead letter: it keeps its id and its history.
pub(super) fn of_replacement(letter: &StoredDeadLetter) -> Attributes {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    of_texts([
        (ID, letter.id.clone()),
        (CODE, letter.code.clone()),
        (REASON, letter.reason.clone()),
        (ATTEMPTS, letter.attempts.to_string()),
        (FIRST_AT, time(letter.first_at)),
        (LAST_AT, time(letter.last_at)),
    ])
}

fn of_texts<const N: usize>(texts: [(&'static str, String); N]) -> Attributes {
    // SQS refuses a message with an empty attribute.
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let attribute = |text| MessageAttributeValue::builder().data_type("String").string_value(text).build();
    texts.map(|(name, text)| (name.to_owned(), attribute(text).expect("its type is set"))).collect()
}

/// Whether SQS takes it in an attribute: control characters and the two that are no characters are refused.
fn is_sendable(c: &char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// What a message of a dead-letter queue tells. One whose function put it away itself, as on Lambda, tells no times; when it was
/// sent is when it was given up.
pub(super) fn stored(consumer: &str, message: &Message) -> StoredDeadLetter {
    let text = |name| message.message_attributes.as_ref()?.get(name)?.string_value.clone();
    let system = |name| message.attributes.as_ref()?.get(&name).cloned();
    let time = |name| text(name).and_then(|text| Timestamp::parse(&text).ok());
    let sent_at = || {
        let millis = system(MessageSystemAttributeName::SentTimestamp)?.parse().ok()?;
        Some(Timestamp::from_millis(millis))
    };
    let put_there_by = match system(MessageSystemAttributeName::DeadLetterQueueSourceArn) {
        Some(_) => RECEIVED_TOO_OFTEN,
        None => UNKNOWN,
    };
    let body = message.body.clone().unwrap_or_default();
    StoredDeadLetter {
        id: text(ID).unwrap_or_else(|| id_of(&body)),
        consumer: consumer.to_owned(),
        code: text(CODE).unwrap_or_else(|| put_there_by.to_owned()),
        reason: text(REASON).unwrap_or_default(),
        attempts: text(ATTEMPTS).and_then(|attempts| attempts.parse().ok()).unwrap_or_default(),
        first_at: time(FIRST_AT),
        last_at: time(LAST_AT).or_else(sent_at),
        body,
    }
}

fn id_of(body: &str) -> String {
    Event::from_json(body).map_or_else(|_| body_id(body), |event| event.id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: Attributes) -> Message {
        Message::builder().body("no JSON").set_message_attributes(Some(attributes)).build()
    }

    fn given_up(reason: &str) -> GivenUp<'_> {
        let (first_at, last_at) = (Timestamp::from_millis(1_000), Timestamp::from_millis(2_000));
        GivenUp { code: "bad", reason, attempts: 7, first_at, last_at }
    }

    #[test]
    fn a_dead_letter_tells_its_history_and_a_stranger_none() {
        let given_up = given_up("it\nfailed");
        let letter = stored("payment", &message(given_up.attributes()));
        assert_eq!((letter.consumer.as_str(), letter.code.as_str()), ("payment", "bad"));
        assert_eq!((letter.reason.as_str(), letter.attempts), ("itfailed", 7));
        assert_eq!((letter.first_at, letter.last_at), (Some(given_up.first_at), Some(given_up.last_at)));

        let stranger = stored("payment", &message(Attributes::new()));
        assert_eq!((stranger.code.as_str(), stranger.attempts, stranger.first_at), ("unknown", 0, None));
        assert_eq!(stranger.id, letter.id, "both bodies are the same");
    }

    #[test]
    fn what_sqs_put_away_says_why() {
        let source = MessageSystemAttributeName::DeadLetterQueueSourceArn;
        let sent = MessageSystemAttributeName::SentTimestamp;
        let moved =
            Message::builder().body("{}").attributes(source, "arn:aws:sqs:r:1:q").attributes(sent, "5000");
        let letter = stored("payment", &moved.build());
        assert_eq!(
            (letter.code.as_str(), letter.last_at),
            ("delivery-limit", Some(Timestamp::from_millis(5_000)))
        );
    }

    #[test]
    fn a_replacement_keeps_id_and_history() {
        let before = stored("payment", &message(given_up("").attributes()));
        let mut after = message(of_replacement(&before));
        after.body = Some("other".to_owned());
        assert_eq!(stored("payment", &after), StoredDeadLetter { body: "other".to_owned(), ..before });
    }
}
