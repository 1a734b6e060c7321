//! Passes the entries of an object or the elements of an array to a serde visitor, and adds the path to errors on their way out.

use std::collections::HashSet;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::data_error::{DataError, Segment};

/// The entries of an object, each key once.
#[derive(Debug)]
pub(super) struct Entries<V> {
    rest: std::vec::IntoIter<(String, V)>,
    /// The entry whose key was passed last.
    current: Option<(String, V)>,
}

impl<V> Entries<V> {
    /// Refuses a repeated key: JSON parsers disagree on which value counts.
    pub(super) fn new(entries: Vec<(String, V)>) -> Result<Self, DataError> {
        let mut keys = HashSet::with_capacity(entries.len());
        if let Some((key, _)) = entries.iter().find(|(key, _)| !keys.insert(key.as_str())) {
            return Err(DataError::repeated(key));
        }
        Ok(Self { rest: entries.into_iter(), current: None })
    }
}

impl<'de, V> Entries<V>
where
    V: Deserializer<'de, Error = DataError>,
{
    /// An enum as serde writes it: an object whose only key is one of the variants.
    pub(super) fn visit_as_one_of<R: Visitor<'de>>(
        self,
        variants: &'static [&'static str],
        visitor: R,
    ) -> Result<R::Value, DataError> {
        let mut keys = self.rest.as_slice().iter().map(|(key, _)| key.as_str());
        if let Some(key) = keys.find(|key| !variants.contains(key)) {
            return Err(DataError::unknown_field(key, variants));
        }
        if self.rest.len() != 1 {
            let message = format!("must have exactly one of {}", variants.join(", "));
            return Err(DataError::custom(message));
        }
        visitor.visit_enum(MapAccessDeserializer::new(self))
    }
}

impl<'de, V> MapAccess<'de> for Entries<V>
where
    V: Deserializer<'de, Error = DataError>,
{
    type Error = DataError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DataError> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let deserializer: StringDeserializer<DataError> = key.clone().into_deserializer();
        self.current = Some((key, value));
        seed.deserialize(deserializer).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DataError> {
        let (key, value) = self.current.take().expect("serde asks for a value only after its key");
        seed.deserialize(value).map_err(|error| error.within(Segment::Field(key)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The elements of an array.
#[derive(Debug)]
pub(super) struct Elements<V> {
    rest: std::iter::Enumerate<std::vec::IntoIter<V>>,
}

impl<V> Elements<V> {
    pub(super) fn new(elements: Vec<V>) -> Self {
        Self { rest: elements.into_iter().enumerate() }
    }
}

impl<'de, V> Elements<V>
where
    V: Deserializer<'de, Error = DataError>,
{
    /// Passes the elements to the visitor, and refuses elements that it does not read.
    pub(super) fn visit_all<R: Visitor<'de>>(mut self, visitor: R) -> Result<R::Value, DataError> {
        let length = self.rest.len();
        let value = visitor.visit_seq(&mut self)?;
        match self.rest.len() {
            0 => Ok(value),
            over => {
                let expected = format!("an array of {}", length - over);
                Err(DataError::invalid_length(length, &expected.as_str()))
            }
        }
    }
}

impl<'de, V> SeqAccess<'de> for Elements<V>
where
    V: Deserializer<'de, Error = DataError>,
{
    type Error = DataError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DataError> {
        let Some((index, value)) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(value).map(Some).map_err(|error| error.within(Segment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}
