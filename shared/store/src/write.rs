//! One conditional write of one item, with its events.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use crate::{Item, OUTBOX, Outbox, StoreError, Table, string};

/// A write of one item. It can be sent alone ([`crate::Store::write`]), in a transaction ([`crate::Store::transact`]), or together with
/// independent writes ([`crate::Store::write_each`]).
#[derive(Debug, Clone)]
pub struct Write {
    table: String,
    kind: Kind,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    hash: &'static str,
}

/// The operation on the item.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Put(Item),
    Update { key: Item, assignments: Vec<String>, emits: bool },
    Delete { key: Item },
}

impl Write {
    /// Returns a write that puts a whole item.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if the record cannot be serialised as an item.
    pub fn put(table: &Table, record: &impl Serialize) -> Result<Self, StoreError> {
        let item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record)
            .map_err(|e| StoreError::shape(&table.name, &e))?;
        Ok(Self::new(table, Kind::Put(item)))
    }

    /// Returns a write that changes attributes of the item with this key, or creates the item. Unless it [emits](Self::emitting) events, it
    /// removes the outbox of the item's last write.
    pub fn update(table: &Table, key: Item) -> Self {
        Self::new(table, Kind::Update { key, assignments: Vec::new(), emits: false })
    }

    /// Returns a write that deletes the item with this key.
    pub fn delete(table: &Table, key: Item) -> Self {
        Self::new(table, Kind::Delete { key })
    }

    fn new(table: &Table, kind: Kind) -> Self {
        Self {
            table: table.name.clone(),
            kind,
            conditions: Vec::new(),
            names: HashMap::new(),
            values: HashMap::new(),
            hash: table.definition.hash,
        }
    }

    /// Adds the events of this write.
    #[must_use]
    pub fn emitting(mut self, outbox: &Outbox) -> Self {
        if outbox.is_empty() {
            return self;
        }
        if let Kind::Put(item) = &mut self.kind {
            item.insert(OUTBOX.to_owned(), string(outbox.to_string()));
            return self;
        }
        self = self.set(OUTBOX, string(outbox.to_string()));
        if let Kind::Update { emits, .. } = &mut self.kind {
            *emits = true;
        }
        self
    }

    /// Adds the condition that the item does not exist.
    #[must_use]
    pub fn if_absent(mut self) -> Self {
        let name = self.name(self.hash);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Adds the condition that the item exists.
    #[must_use]
    pub fn if_present(mut self) -> Self {
        let name = self.name(self.hash);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Adds the condition that the attribute has this value.
    #[must_use]
    pub fn if_equals(mut self, attribute: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(attribute), self.value(value));
        self.conditions.push(format!("{name} = {value}"));
        self
    }

    /// Adds the condition that the item still has the version with which it was read.
    #[must_use]
    pub fn if_version(self, version: u32) -> Self {
        self.if_equals("version", AttributeValue::N(version.to_string()))
    }

    /// Adds the condition that the attribute is a number of at least `least`.
    #[must_use]
    pub fn if_at_least(mut self, attribute: &str, least: i64) -> Self {
        let (name, value) = (self.name(attribute), self.value(AttributeValue::N(least.to_string())));
        self.conditions.push(format!("{name} >= {value}"));
        self
    }

    /// Sets an attribute (updates only).
    #[must_use]
    pub fn set(mut self, attribute: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(attribute), self.value(value));
        self.assign(format!("{name} = {value}"))
    }

    /// Adds to a number (updates only). The update fails if the attribute does not exist.
    #[must_use]
    pub fn increment_existing(mut self, attribute: &str, change: i64) -> Self {
        let (name, value) = (self.name(attribute), self.value(AttributeValue::N(change.to_string())));
        self.assign(format!("{name} = {name} + {value}"))
    }

    /// Adds to a number, starting at 0 if the attribute does not exist (updates only).
    #[must_use]
    pub fn increment(mut self, attribute: &str, change: i64) -> Self {
        let (name, value) = (self.name(attribute), self.value(AttributeValue::N(change.to_string())));
        let zero = self.value(AttributeValue::N("0".to_owned()));
        self.assign(format!("{name} = if_not_exists({name}, {zero}) + {value}"))
    }

    fn assign(mut self, assignment: String) -> Self {
        match &mut self.kind {
            Kind::Update { assignments, .. } => assignments.push(assignment),
            Kind::Put(_) | Kind::Delete { .. } => {
                debug_assert!(false, "only updates assign attributes")
            }
        }
        self
    }

    fn name(&mut self, attribute: &str) -> String {
        let alias = format!("#{attribute}");
        self.names.insert(alias.clone(), attribute.to_owned());
        alias
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let alias = format!(":v{}", self.values.len());
        self.values.insert(alias.clone(), value);
        alias
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Returns the parts of the request.
    pub(crate) fn into_request(mut self) -> Request {
        let condition = (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "));
        let update = self.update_expression();
        let names = (!self.names.is_empty()).then_some(self.names);
        let values = (!self.values.is_empty()).then_some(self.values);
        Request { table: self.table, kind: self.kind, update, condition, names, values }
    }

    fn update_expression(&mut self) -> String {
        let Kind::Update { assignments, emits, .. } = &self.kind else { return String::new() };
        let keeps_outbox = *emits;
        let mut clauses = Vec::with_capacity(2);
        if !assignments.is_empty() {
            clauses.push(format!("SET {}", assignments.join(", ")));
        }
        if !keeps_outbox {
            clauses.push(format!("REMOVE {}", self.name(OUTBOX)));
        }
        clauses.join(" ")
    }
}

/// The parts of a request as DynamoDB's API takes them.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) table: String,
    pub(crate) kind: Kind,
    /// The update expression. Empty unless the write is an update.
    pub(crate) update: String,
    pub(crate) condition: Option<String>,
    pub(crate) names: Option<HashMap<String, String>>,
    pub(crate) values: Option<HashMap<String, AttributeValue>>,
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
