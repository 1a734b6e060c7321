//! One conditional write of one item, with the events it causes.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use serde::Serialize;

use crate::{Item, OUTBOX, Outbox, Store, StoreError, Table, string};

/// A write of one item. It can be sent alone ([`Store::write`]), with others all or nothing ([`Store::transact`]), or beside others
/// with an outcome each ([`Store::write_each`]).
#[derive(Debug, Clone)]
pub struct Write {
    table: String,
    kind: Kind,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    hash: &'static str,
}

#[derive(Debug, Clone)]
enum Kind {
    Put(Item),
    Update { key: Item, assignments: Vec<String>, emits: bool },
    Delete { key: Item },
}

/// Why a write did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// Its condition did not hold. Holds the item that was there, if one was.
    #[error("the condition of the write does not hold")]
    ConditionFailed(Option<Box<Item>>),
    /// The request failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Write {
    /// Puts a whole item.
    ///
    /// # Errors
    /// [`StoreError::Shape`] where the record is no item.
    pub fn put(table: &Table, record: &impl Serialize) -> Result<Self, StoreError> {
        let item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record)
            .map_err(|e| StoreError::shape(&table.name, &e))?;
        Ok(Self::new(table, Kind::Put(item)))
    }

    /// Changes attributes of the item with this key, and makes it where there is none. Unless it is told what it [`emits`](Self::emitting),
    /// it takes the last write's outbox off the item.
    pub fn update(table: &Table, key: Item) -> Self {
        Self::new(table, Kind::Update { key, assignments: Vec::new(), emits: false })
    }

    /// Deletes the item with this key.
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

    /// Names the events that this write causes.
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

    /// Only where there is no such item.
    #[must_use]
    pub fn if_absent(mut self) -> Self {
        let name = self.name(self.hash);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only where there is such an item.
    #[must_use]
    pub fn if_present(mut self) -> Self {
        let name = self.name(self.hash);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Only where the attribute has this value.
    #[must_use]
    pub fn if_equals(mut self, attribute: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(attribute), self.value(value));
        self.conditions.push(format!("{name} = {value}"));
        self
    }

    /// Only where the item still has the version that it was read with.
    #[must_use]
    pub fn if_version(self, version: u32) -> Self {
        self.if_equals("version", AttributeValue::N(version.to_string()))
    }

    /// Only where the attribute is a number of at least this.
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

    /// Adds to a number that is there (updates only).
    #[must_use]
    pub fn add(mut self, attribute: &str, change: i64) -> Self {
        let (name, value) = (self.name(attribute), self.value(AttributeValue::N(change.to_string())));
        self.assign(format!("{name} = {name} + {value}"))
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

    /// What identifies the item among those of one request: no two writes of a transaction may touch one item (AWS limit).
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    fn into_parts(mut self) -> Parts {
        let condition = self.condition();
        let update = match &self.kind {
            Kind::Update { assignments, emits, .. } => {
                let silent = !*emits;
                let mut expression = String::new();
                if !assignments.is_empty() {
                    expression = format!("SET {}", assignments.join(", "));
                }
                if silent {
                    let name = self.name(OUTBOX);
                    expression = format!("{expression} REMOVE {name}");
                }
                expression.trim_start().to_owned()
            }
            Kind::Put(_) | Kind::Delete { .. } => String::new(),
        };
        let names = (!self.names.is_empty()).then_some(self.names);
        let values = (!self.values.is_empty()).then_some(self.values);
        Parts { table: self.table, kind: self.kind, update, condition, names, values }
    }

    pub(crate) fn into_action(self) -> Result<TransactWriteItem, StoreError> {
        let parts = self.into_parts();
        let table = parts.table.clone();
        let shape = |error: aws_sdk_dynamodb::error::BuildError| StoreError::shape(&table, &error);
        let action = TransactWriteItem::builder();
        Ok(match parts.kind {
            Kind::Put(item) => action.put(
                Put::builder()
                    .table_name(parts.table)
                    .set_item(Some(item))
                    .set_condition_expression(parts.condition)
                    .set_expression_attribute_names(parts.names)
                    .set_expression_attribute_values(parts.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(shape)?,
            ),
            Kind::Update { key, .. } => action.update(
                Update::builder()
                    .table_name(parts.table)
                    .set_key(Some(key))
                    .update_expression(parts.update)
                    .set_condition_expression(parts.condition)
                    .set_expression_attribute_names(parts.names)
                    .set_expression_attribute_values(parts.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(shape)?,
            ),
            Kind::Delete { key } => action.delete(
                Delete::builder()
                    .table_name(parts.table)
                    .set_key(Some(key))
                    .set_condition_expression(parts.condition)
                    .set_expression_attribute_names(parts.names)
                    .set_expression_attribute_values(parts.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(shape)?,
            ),
        }
        .build())
    }
}

struct Parts {
    table: String,
    kind: Kind,
    update: String,
    condition: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<HashMap<String, AttributeValue>>,
}

impl Store {
    /// Sends one write.
    ///
    /// # Errors
    /// [`WriteError`] where its condition does not hold or the request fails; nothing is written then, unless the answer was lost.
    pub async fn write(&self, write: Write) -> Result<(), WriteError> {
        let parts = write.into_parts();
        let table = parts.table.clone();
        match parts.kind {
            Kind::Put(item) => self
                .client
                .put_item()
                .table_name(parts.table)
                .set_item(Some(item))
                .set_condition_expression(parts.condition)
                .set_expression_attribute_names(parts.names)
                .set_expression_attribute_values(parts.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| put_failed(&table, error)),
            Kind::Update { key, .. } => self
                .client
                .update_item()
                .table_name(parts.table)
                .set_key(Some(key))
                .update_expression(parts.update)
                .set_condition_expression(parts.condition)
                .set_expression_attribute_names(parts.names)
                .set_expression_attribute_values(parts.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| update_failed(&table, error)),
            Kind::Delete { key } => self
                .client
                .delete_item()
                .table_name(parts.table)
                .set_key(Some(key))
                .set_condition_expression(parts.condition)
                .set_expression_attribute_names(parts.names)
                .set_expression_attribute_values(parts.values)
                .send()
                .await
                .map(drop)
                .map_err(|error| match error.as_service_error() {
                    Some(service) if service.is_conditional_check_failed_exception() => {
                        WriteError::ConditionFailed(None)
                    }
                    _ => StoreError::request("DeleteItem", &table, &error).into(),
                }),
        }
    }
}

fn put_failed<R: std::fmt::Debug>(table: &str, error: SdkError<PutItemError, R>) -> WriteError {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
            WriteError::ConditionFailed(failed.item().cloned().map(Box::new))
        }
        _ => StoreError::request("PutItem", table, &error).into(),
    }
}

fn update_failed<R: std::fmt::Debug>(table: &str, error: SdkError<UpdateItemError, R>) -> WriteError {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            WriteError::ConditionFailed(failed.item().cloned().map(Box::new))
        }
        _ => StoreError::request("UpdateItem", table, &error).into(),
    }
}
