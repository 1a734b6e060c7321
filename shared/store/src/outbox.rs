//! The events of a write, as the written item names them.

use std::fmt;
use std::str::FromStr;

use orderflow_domain::{Event, EventType, UnknownEventType};

/// The attribute with the events of the item's last write. The filters of streams look for it.
pub const OUTBOX: &str = "outbox";

/// One event of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emission {
    /// The type of the event.
    pub event_type: EventType,
    /// The number of the resend, from 1. `None` for the first emission of the event.
    pub resend: Option<u32>,
}

impl From<EventType> for Emission {
    fn from(event_type: EventType) -> Self {
        Self { event_type, resend: None }
    }
}

/// The events of a write, in order. Items hold it as text: event types separated by spaces, each with `@` and the number of the resend if the
/// event is resent, for example `order.placed` or `order.rejected@2`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbox(Vec<Emission>);

/// The text is not an [`Outbox`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// It contains an unknown event type.
    #[error(transparent)]
    UnknownType(#[from] UnknownEventType),
    /// The text after `@` is not a number.
    #[error("{0:?} does not end in a number")]
    Resend(String),
}

impl Outbox {
    /// Returns an outbox with one event.
    pub fn of(emission: impl Into<Emission>) -> Self {
        Self(vec![emission.into()])
    }

    /// Adds an event.
    pub fn push(&mut self, emission: impl Into<Emission>) {
        self.0.push(emission.into());
    }

    /// Returns whether it has no events.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the events, in order.
    pub fn emissions(&self) -> &[Emission] {
        &self.0
    }
}

impl fmt::Display for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, emission) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(emission.event_type.as_str())?;
            if let Some(resend) = emission.resend {
                write!(f, "@{resend}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Outbox {
    type Err = OutboxError;

    fn from_str(text: &str) -> Result<Self, OutboxError> {
        let emission = |word: &str| -> Result<Emission, OutboxError> {
            let Some((name, count)) = word.split_once('@') else {
                return Ok(word.parse::<EventType>()?.into());
            };
            let resend = count.parse().map_err(|_| OutboxError::Resend(word.to_owned()))?;
            Ok(Emission { event_type: name.parse()?, resend: Some(resend) })
        };
        text.split_whitespace().map(emission).collect::<Result<_, _>>().map(Self)
    }
}

/// An event cannot be built from the image in a stream record.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The outbox cannot be read.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The item does not have the shape that its service writes.
    #[error("the image cannot be read: {0}")]
    Shape(String),
    /// The service of this table does not emit events of this type.
    #[error("{0} is not emitted by this table")]
    ForeignEvent(EventType),
}

impl ImageError {
    /// Returns a description for logs. It does not quote the item, which may hold personal data.
    pub fn without_content(&self) -> String {
        match self {
            Self::Outbox(_) => "the outbox cannot be read".to_owned(),
            Self::Shape(_) => "the image does not have the shape that its service writes".to_owned(),
            Self::ForeignEvent(event_type) => format!("{event_type} is not emitted by this table"),
        }
    }
}

/// How the relay builds the events of one table.
#[derive(Clone, Copy)]
pub struct EventSource {
    /// The table.
    pub table: &'static crate::TableDefinition,
    /// Builds the event of an emission from the new image of a write.
    pub build: fn(serde_dynamo::Item, &Emission) -> Result<Event, ImageError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_outbox_is_parsed_back() {
        let mut outbox = Outbox::of(EventType::OrderPlaced);
        outbox.push(Emission { event_type: EventType::OrderRejected, resend: Some(12) });
        assert_eq!(outbox.to_string(), "order.placed order.rejected@12");
        assert_eq!(outbox.to_string().parse::<Outbox>().unwrap(), outbox);
        assert!("".parse::<Outbox>().unwrap().is_empty());
    }

    #[test]
    fn an_invalid_outbox_is_refused() {
        assert!(matches!("order.eaten".parse::<Outbox>(), Err(OutboxError::UnknownType(_))));
        assert!(matches!("order.placed@x".parse::<Outbox>(), Err(OutboxError::Resend(_))));
    }
}
