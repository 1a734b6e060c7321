//! Dead letters: messages that were given up, with the same fields on every transport.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use orderflow_domain::text::is_allowed;
use orderflow_domain::{Event, Timestamp};
use uuid::Uuid;

use crate::AttemptHistory;

/// The namespace of ids that are derived from a message's body.
const BODIES: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_626f_6469_6573);

/// The longest stored reason, in characters. On SQS it counts toward the size of the message, on RabbitMQ the headers have to fit into one frame.
const REASON_CHARS_MAX: usize = 1_024;

/// The number of deliveries after which the broker itself dead-letters a message, on RabbitMQ (`x-delivery-limit`) and SQS (`maxReceiveCount`,
/// for which 1,000 is the AWS maximum). Consumers give up long before; the limit is for a message that ends every process that receives it.
pub const DELIVERY_LIMIT: u32 = 1_000;

/// The stable code of a dead letter: the reason for programs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeadLetterCode(Cow<'static, str>);

impl DeadLetterCode {
    /// The message is not an event of this system.
    pub const UNDECODABLE: Self = Self(Cow::Borrowed("undecodable"));
    /// Every attempt failed, for at least the minimum age of the retry policy.
    pub const ATTEMPTS_EXHAUSTED: Self = Self(Cow::Borrowed("attempts-exhausted"));
    /// The broker reached [`DELIVERY_LIMIT`]: no process that received the message acknowledged it.
    pub const DELIVERY_LIMIT: Self = Self(Cow::Borrowed("delivery-limit"));
    /// The payment provider refused the request, and would refuse it again.
    pub const PAYMENT_REFUSED: Self = Self(Cow::Borrowed("payment-refused"));
    /// The mail or SMS provider refused the message, and would refuse it again.
    pub const MESSAGE_REFUSED: Self = Self(Cow::Borrowed("message-refused"));
    /// The message has no code: someone put it into the dead-letter queue by hand.
    pub const UNKNOWN: Self = Self(Cow::Borrowed("unknown"));

    /// Every code that this system stores, with its meaning.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::UNDECODABLE, "the message is not an event of this system"),
        (Self::ATTEMPTS_EXHAUSTED, "every attempt failed"),
        (Self::DELIVERY_LIMIT, "the broker delivered the message 1,000 times without an acknowledgement"),
        (Self::PAYMENT_REFUSED, "the payment provider refused the request"),
        (Self::MESSAGE_REFUSED, "the mail or SMS provider refused the message"),
        (Self::UNKNOWN, "the message has no code: it was put into the dead-letter queue by hand"),
    ];

    /// Returns the code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the meaning of a known code.
    pub fn meaning(&self) -> Option<&'static str> {
        Self::ALL.iter().find(|(code, _)| code == self).map(|(_, meaning)| *meaning)
    }
}

impl From<String> for DeadLetterCode {
    fn from(code: String) -> Self {
        Self(Cow::Owned(code))
    }
}

impl From<&'static str> for DeadLetterCode {
    fn from(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }
}

impl PartialEq<&str> for DeadLetterCode {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for DeadLetterCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A field that a message carries beside its body. Retries carry attempts, first time and reason; dead letters carry all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageField {
    /// The id of a dead letter whose body was replaced or is not an event.
    Id,
    /// The [`DeadLetterCode`].
    Code,
    /// The reason of the last failure, as text for a person.
    Reason,
    /// The number of attempts so far.
    Attempts,
    /// The time of the first attempt, RFC 3339.
    FirstAt,
    /// The time at which the message was given up, RFC 3339.
    LastAt,
}

impl MessageField {
    /// Every field.
    pub const ALL: [Self; 6] =
        [Self::Id, Self::Code, Self::Reason, Self::Attempts, Self::FirstAt, Self::LastAt];

    /// Returns the name of the field as a message attribute or a column.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Code => "code",
            Self::Reason => "reason",
            Self::Attempts => "attempts",
            Self::FirstAt => "first_at",
            Self::LastAt => "last_at",
        }
    }

    /// Returns the name of the field as a message header.
    pub fn header(self) -> &'static str {
        match self {
            Self::Id => "x-orderflow-id",
            Self::Code => "x-orderflow-code",
            Self::Reason => "x-orderflow-reason",
            Self::Attempts => "x-orderflow-attempts",
            Self::FirstAt => "x-orderflow-first-at",
            Self::LastAt => "x-orderflow-last-at",
        }
    }
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event's id, or for a body that is not an event an id derived from the body ([`body_id`]).
    pub id: String,
    /// The consumer that gave it up.
    pub consumer: String,
    /// A stable code, see [`DeadLetterCode`].
    pub code: String,
    /// The reason, as text for a person.
    pub reason: String,
    /// Attempts made before it was given up.
    pub attempts: u32,
    /// When it was first delivered, if known.
    pub first_at: Option<Timestamp>,
    /// When it was given up, if known.
    pub last_at: Option<Timestamp>,
    /// The message, unchanged.
    pub body: String,
}

impl DeadLetter {
    /// Returns the dead letter of a message that is given up at `now`. Every transport stores exactly these fields.
    pub fn new(
        consumer: &str,
        body: &str,
        (code, reason): (&DeadLetterCode, &str),
        history: AttemptHistory,
        now: Timestamp,
    ) -> Self {
        Self {
            id: message_id(body),
            consumer: consumer.to_owned(),
            code: code.as_str().to_owned(),
            reason: storable_reason(reason),
            attempts: history.attempts,
            first_at: Some(history.first_at),
            last_at: Some(now),
            body: body.to_owned(),
        }
    }

    /// Returns each known field as text.
    pub fn fields(&self) -> Vec<(MessageField, String)> {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let value = |field| match field {
            MessageField::Id => self.id.clone(),
            MessageField::Code => self.code.clone(),
            MessageField::Reason => self.reason.clone(),
            MessageField::Attempts => self.attempts.to_string(),
            MessageField::FirstAt => time(self.first_at),
            MessageField::LastAt => time(self.last_at),
        };
        let fields = MessageField::ALL.map(|field| (field, value(field)));
        fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Reads a dead letter of a consumer. A message without a code gets `default_code`: [`DeadLetterCode::DELIVERY_LIMIT`] if the broker
    /// itself moved it there, otherwise [`DeadLetterCode::UNKNOWN`].
    ///
    /// Fields can be missing: earlier versions stored fewer, and a message can be put there by hand or moved by the broker.
    pub fn from_fields(
        consumer: &str,
        body: String,
        default_code: &DeadLetterCode,
        field: impl Fn(MessageField) -> Option<String>,
    ) -> Self {
        let time = |at| field(at).and_then(|text| Timestamp::parse(&text).ok());
        let code = field(MessageField::Code);
        let is_limited = code.is_none() && *default_code == DeadLetterCode::DELIVERY_LIMIT;
        let recorded =
            field(MessageField::Attempts).and_then(|attempts| attempts.parse().ok()).unwrap_or(0_u32);
        let event = Event::from_json(&body).ok();
        let id = || event.as_ref().map_or_else(|| body_id(&body), |event| event.id.to_string());
        let published_at = || event.as_ref().filter(|_| is_limited).map(|event| event.time);
        let meaning = || default_code.meaning().filter(|_| is_limited).unwrap_or_default().to_owned();
        Self {
            id: field(MessageField::Id).unwrap_or_else(id),
            consumer: consumer.to_owned(),
            reason: if is_limited { meaning() } else { field(MessageField::Reason).unwrap_or_default() },
            attempts: if is_limited { recorded.saturating_add(DELIVERY_LIMIT) } else { recorded },
            first_at: time(MessageField::FirstAt).or_else(published_at),
            last_at: time(MessageField::LastAt),
            code: code.unwrap_or_else(|| default_code.as_str().to_owned()),
            body,
        }
    }
}

/// Returns the reason as every transport can store it and every person can read it: at most 1,024 characters that the rule for texts allows. SQS
/// refuses control characters and two noncharacters in an attribute.
pub fn storable_reason(reason: &str) -> String {
    reason.chars().filter(|c| is_allowed(*c)).take(REASON_CHARS_MAX).collect()
}

/// Returns the id of a message: the event's, or for a body that is not an event one derived from the body.
pub fn message_id(body: &str) -> String {
    Event::from_json(body).map_or_else(|_| body_id(body), |event| event.id.to_string())
}

/// Returns the id of a body that is not an event: the same for the same body (UUIDv5, RFC 9562).
pub fn body_id(body: &str) -> String {
    Uuid::new_v5(&BODIES, body.as_bytes()).to_string()
}

/// A dead letter was not stored.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the dead letter cannot be stored: {0}")]
pub struct DeadLetterError(pub String);

/// Keeps dead letters until an operator replays or purges them.
#[async_trait]
pub trait DeadLetterQueue: Send + Sync + 'static {
    /// Stores a dead letter. When this returns `Ok` it is durable.
    async fn put(&self, letter: DeadLetter) -> Result<(), DeadLetterError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(reason: &str) -> DeadLetter {
        let history = AttemptHistory { attempts: 7, first_at: Timestamp::from_millis(1_000) };
        let code = DeadLetterCode::ATTEMPTS_EXHAUSTED;
        DeadLetter::new("payment", "no JSON", (&code, reason), history, Timestamp::from_millis(2_000))
    }

    fn read(letter: &DeadLetter, default_code: &DeadLetterCode, without: &[MessageField]) -> DeadLetter {
        let fields = letter.fields();
        DeadLetter::from_fields("payment", letter.body.clone(), default_code, |wanted| {
            let found = fields.iter().find(|(field, _)| *field == wanted && !without.contains(field));
            found.map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn a_dead_letter_is_read_as_it_was_stored() {
        for reason in ["it failed", ""] {
            assert_eq!(read(&letter(reason), &DeadLetterCode::UNKNOWN, &[]), letter(reason));
        }
    }

    #[test]
    fn a_reason_is_stored_without_control_characters_and_shortened() {
        assert_eq!(letter("it\nfailed\u{ffff}").reason, "itfailed");
        assert_eq!(letter(&"ä".repeat(2_000)).reason.chars().count(), REASON_CHARS_MAX);
    }

    #[test]
    fn a_message_put_there_by_hand_has_no_history() {
        let read = read(&letter("x"), &DeadLetterCode::UNKNOWN, &MessageField::ALL);
        assert_eq!((read.code.as_str(), read.reason.as_str(), read.attempts), ("unknown", "", 0));
        assert_eq!((read.first_at, read.last_at), (None, None));
        assert_eq!(read.id, letter("x").id, "the id comes from the body");
    }

    #[test]
    fn a_message_moved_by_the_broker_counts_the_deliveries_of_the_limit() {
        use MessageField::{Attempts, FirstAt, Reason};
        let limited = DeadLetterCode::DELIVERY_LIMIT;
        let moved = read(&letter("x"), &limited, &MessageField::ALL);
        assert_eq!((moved.code.as_str(), moved.attempts), ("delivery-limit", 1_000));
        assert_eq!(Some(moved.reason.as_str()), limited.meaning());
        let retried = DeadLetter::from_fields("payment", String::new(), &limited, |field| match field {
            Attempts => Some("3".to_owned()),
            FirstAt => Some("1970-01-01T00:00:01.000Z".to_owned()),
            Reason => Some("the failure of the last attempt that was answered".to_owned()),
            _ => None,
        });
        assert_eq!((retried.attempts, retried.first_at), (1_003, Some(Timestamp::from_millis(1_000))));
        assert_eq!(retried.reason, moved.reason);
    }

    #[test]
    fn every_code_has_a_meaning_and_unlisted_codes_are_kept() {
        for (code, meaning) in DeadLetterCode::ALL {
            assert_eq!(code.meaning(), Some(meaning));
        }
        assert_eq!(DeadLetterCode::from("of-a-later-version".to_owned()), "of-a-later-version");
    }
}
