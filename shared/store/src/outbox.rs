//! Which events a write causes, as the item carries it.

use std::fmt;
use std::str::FromStr;

use orderflow_domain::{Event, EventType, UnknownEventType};

/// The attribute that names the events of the write that made this image. Stream filters look for it.
pub const OUTBOX: &str = "outbox";

/// One event that a write causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emission {
    /// What happened.
    pub event_type: EventType,
    /// Set where it is told again, for the how manieth time.
    pub resend: Option<u32>,
}

impl From<EventType> for Emission {
    fn from(event_type: EventType) -> Self {
        Self { event_type, resend: None }
    }
}

/// The events that a write causes, in order. Its text is short, since it is part of the item: `order.placed`, or `order.rejected@2`
/// for one told again, separated by blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbox(Vec<Emission>);

/// The text is no [`Outbox`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// It names something that is no event.
    #[error(transparent)]
    UnknownType(#[from] UnknownEventType),
    /// What follows the `@` is no number.
    #[error("{0:?} does not end in a number")]
    Resend(String),
}

impl Outbox {
    /// An outbox with one event.
    pub fn of(emission: impl Into<Emission>) -> Self {
        Self(vec![emission.into()])
    }

    /// Adds an event.
    pub fn push(&mut self, emission: impl Into<Emission>) {
        self.0.push(emission.into());
    }

    /// Whether it names no event.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events, in order.
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

/// A stream image that no event can be built from.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The outbox cannot be read.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The item does not have the shape that its service writes.
    #[error("the image cannot be read: {0}")]
    Shape(String),
    /// The item's service never emits this.
    #[error("{0} is not emitted by this table")]
    ForeignEvent(EventType),
}

impl ImageError {
    /// What is wrong without quoting the item, which may hold an address: for logs.
    pub fn without_content(&self) -> String {
        match self {
            Self::Outbox(_) => "the outbox cannot be read".to_owned(),
            Self::Shape(_) => "the image does not have the shape that its service writes".to_owned(),
            Self::ForeignEvent(event_type) => format!("{event_type} is not emitted by this table"),
        }
    }
}

/// What a service tells the relay about its table: how an image becomes the event that its outbox names.
#[derive(Clone, Copy)]
pub struct EventSource {
    /// The table.
    pub table: &'static crate::TableDefinition,
    /// Builds one of the events that the image's outbox names.
    pub build: fn(serde_dynamo::Item, &Emission) -> Result<Event, ImageError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_reads_back() {
        let mut outbox = Outbox::of(EventType::OrderPlaced);
        outbox.push(Emission { event_type: EventType::OrderRejected, resend: Some(12) });
        assert_eq!(outbox.to_string(), "order.placed order.rejected@12");
        assert_eq!(outbox.to_string().parse::<Outbox>().unwrap(), outbox);
        assert!("".parse::<Outbox>().unwrap().is_empty());
    }

    #[test]
    fn garbage_is_refused() {
        assert!(matches!("order.eaten".parse::<Outbox>(), Err(OutboxError::UnknownType(_))));
        assert!(matches!("order.placed@x".parse::<Outbox>(), Err(OutboxError::Resend(_))));
    }
}
