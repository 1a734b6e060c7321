//! dynoxide as the oracle: the same operations, in DynamoDB's requests and expressions.
//!
//! The requests are made without the AWS SDK, which would take most of the test's time. Pages are not compared: the oracle reads everything at
//! once.

use std::collections::HashMap;

use ::dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use ::dynoxide::actions::delete_item::DeleteItemRequest;
use ::dynoxide::actions::describe_stream::DescribeStreamRequest;
use ::dynoxide::actions::get_item::GetItemRequest;
use ::dynoxide::actions::get_records::GetRecordsRequest;
use ::dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use ::dynoxide::actions::list_streams::ListStreamsRequest;
use ::dynoxide::actions::put_item::PutItemRequest;
use ::dynoxide::actions::query::QueryRequest;
use ::dynoxide::actions::scan::ScanRequest;
use ::dynoxide::actions::transact_write_items::{
    TransactDelete, TransactPut, TransactUpdate, TransactWriteItem, TransactWriteItemsRequest,
};
use ::dynoxide::actions::update_item::UpdateItemRequest;
use ::dynoxide::errors::CancellationReason;
use ::dynoxide::{AttributeValue, Database, DynoxideError};
use orderflow_store_port::{Change, Item, KeyRange, Operation, TableRef, Write};

use crate::answers::{Answer, Outcome, Sorted, in_any_order, sorted, without_unchanged};
use crate::expressions::{Expressions, Native, creation, filled, native, ported};
use crate::operations::{Asked, Step};

/// A database of its own, in memory.
pub(crate) struct Oracle(Database);

impl Oracle {
    pub(crate) fn new(tables: &[TableRef]) -> Self {
        let database = Database::memory().unwrap();
        for table in tables {
            database.create_table(creation(table)).unwrap();
        }
        Self(database)
    }

    pub(crate) fn answer(&self, step: &Step) -> Answer {
        match step {
            Step::Write(write) => Answer::Written(self.write(write)),
            Step::Each(writes) => Answer::Each(writes.iter().map(|write| self.write(write)).collect()),
            Step::Transact(writes) => self.transact(writes),
            Step::Get(table, key) => self.get(table, key),
            Step::Batch(table, keys) => self.batch(table, keys),
            Step::Query(asked) => self.query(asked),
            Step::Scan(table) => {
                let request = ScanRequest { table_name: table.name.to_string(), ..ScanRequest::default() };
                in_any_order(items(self.0.scan(request).map(|found| found.items.unwrap_or_default())))
            }
        }
    }

    fn write(&self, write: &Write) -> Outcome {
        let Expressions { condition, update, names, values } = Expressions::of(write);
        let (names, values) = (filled(names), filled(values));
        let (table_name, all_old) = (write.table.name.to_string(), Some("ALL_OLD".to_owned()));
        let written = match &write.operation {
            Operation::Put(item) => self
                .0
                .put_item(PutItemRequest {
                    table_name,
                    item: native(item),
                    condition_expression: condition,
                    expression_attribute_names: names,
                    expression_attribute_values: values,
                    return_values_on_condition_check_failure: all_old,
                    ..PutItemRequest::default()
                })
                .map(drop),
            Operation::Update { key, .. } => self
                .0
                .update_item(UpdateItemRequest {
                    table_name,
                    key: native(key),
                    update_expression: Some(update),
                    condition_expression: condition,
                    expression_attribute_names: names,
                    expression_attribute_values: values,
                    return_values_on_condition_check_failure: all_old,
                    ..UpdateItemRequest::default()
                })
                .map(drop),
            Operation::Delete { key } => self
                .0
                .delete_item(DeleteItemRequest {
                    table_name,
                    key: native(key),
                    condition_expression: condition,
                    expression_attribute_names: names,
                    expression_attribute_values: values,
                    return_values_on_condition_check_failure: all_old,
                    ..DeleteItemRequest::default()
                })
                .map(drop),
        };
        match written {
            Ok(()) => Outcome::Done,
            Err(DynoxideError::ConditionalCheckFailedException(_, item)) => {
                Outcome::Condition(item.map(|item| sorted(ported(item))))
            }
            Err(error) => Outcome::Refused(code(&error)),
        }
    }

    fn transact(&self, writes: &[Write]) -> Answer {
        let transact_items = writes.iter().map(action).collect();
        let request = TransactWriteItemsRequest { transact_items, ..TransactWriteItemsRequest::default() };
        match self.0.transact_write_items(request) {
            Ok(_) => Answer::Together(Ok(())),
            Err(DynoxideError::TransactionCanceledException(_, reasons)) => {
                Answer::Together(Err(reasons.into_iter().map(outcome).collect()))
            }
            Err(error) => Answer::Refused(code(&error)),
        }
    }

    fn get(&self, table: &TableRef, key: &Item) -> Answer {
        let (table_name, key) = (table.name.to_string(), native(key));
        let request = GetItemRequest { table_name, key, ..GetItemRequest::default() };
        items(self.0.get_item(request).map(|found| found.item.into_iter().collect()))
    }

    fn batch(&self, table: &TableRef, keys: &[Item]) -> Answer {
        let name = table.name.to_string();
        let keys =
            KeysAndAttributes { keys: keys.iter().map(native).collect(), ..KeysAndAttributes::default() };
        let request_items = HashMap::from([(name.clone(), keys)]);
        let request = BatchGetItemRequest { request_items, ..BatchGetItemRequest::default() };
        let found = self.0.batch_get_item(request);
        in_any_order(items(found.map(|mut found| found.responses.remove(&name).unwrap_or_default())))
    }

    fn query(&self, asked: &Asked) -> Answer {
        let definition = asked.table.definition;
        let keys = (definition.hash, definition.range.unwrap_or_default());
        let (hash, range) = asked.index.map_or(keys, |index| (index.hash, index.range));
        let text = |text: &String| AttributeValue::S(text.clone());
        let mut names = HashMap::from([("#h".to_owned(), hash.to_owned())]);
        let mut values = HashMap::from([(":h".to_owned(), text(&asked.hash))]);
        let bounds = match &asked.range {
            KeyRange::All => Vec::new(),
            KeyRange::After(low) | KeyRange::Before(low) => vec![low],
            KeyRange::Between(low, high) => vec![low, high],
        };
        let condition = match &asked.range {
            KeyRange::All => "#h = :h",
            KeyRange::After(_) => "#h = :h AND #r > :0",
            KeyRange::Before(_) => "#h = :h AND #r < :0",
            KeyRange::Between(..) => "#h = :h AND #r BETWEEN :0 AND :1",
        };
        if !bounds.is_empty() {
            names.insert("#r".to_owned(), range.to_owned());
        }
        values.extend(bounds.into_iter().enumerate().map(|(at, bound)| (format!(":{at}"), text(bound))));
        if let Some(attribute) = &asked.projection {
            names.insert("#p".to_owned(), attribute.clone());
        }
        let found = self.0.query(QueryRequest {
            table_name: asked.table.name.to_string(),
            index_name: asked.index.map(|index| index.name.to_owned()),
            key_condition_expression: Some(condition.to_owned()),
            projection_expression: asked.projection.as_ref().map(|_| "#p".to_owned()),
            expression_attribute_names: Some(names),
            expression_attribute_values: Some(values),
            scan_index_forward: !asked.descending,
            ..QueryRequest::default()
        });
        let found = items(found.map(|found| found.items.unwrap_or_default()));
        if asked.index.is_some() { in_any_order(found) } else { found }
    }

    /// Returns the records of a stream: what happened, the keys, and the image.
    pub(crate) fn stream(&self, table: &TableRef) -> Vec<(Change, Sorted, Option<Sorted>)> {
        let table_name = Some(table.name.to_string());
        let listed = self.0.list_streams(ListStreamsRequest { table_name, ..ListStreamsRequest::default() });
        let stream_arn = listed.unwrap().streams[0].stream_arn.clone();
        let described =
            DescribeStreamRequest { stream_arn: stream_arn.clone(), ..DescribeStreamRequest::default() };
        let mut records = Vec::new();
        for shard in self.0.describe_stream(described).unwrap().stream_description.shards {
            let request = GetShardIteratorRequest {
                stream_arn: stream_arn.clone(),
                shard_id: shard.shard_id,
                shard_iterator_type: "TRIM_HORIZON".to_owned(),
                sequence_number: None,
            };
            let mut next = self.0.get_shard_iterator(request).unwrap().shard_iterator;
            while let Some(shard_iterator) = next.take() {
                let read = self.0.get_records(GetRecordsRequest { shard_iterator, limit: None }).unwrap();
                if !read.records.is_empty() {
                    next = read.next_shard_iterator;
                }
                records.extend(read.records.into_iter().map(|record| {
                    let change = match record.event_name.as_str() {
                        "INSERT" => Change::Insert,
                        "MODIFY" => Change::Modify,
                        _ => Change::Remove,
                    };
                    (change, ported(record.dynamodb.keys), record.dynamodb.new_image.map(ported))
                }));
            }
        }
        without_unchanged(records)
    }
}

fn action(write: &Write) -> TransactWriteItem {
    let Expressions { condition, update, names, values } = Expressions::of(write);
    let (names, values) = (filled(names), filled(values));
    let (table_name, all_old) = (write.table.name.to_string(), Some("ALL_OLD".to_owned()));
    match &write.operation {
        Operation::Put(item) => TransactWriteItem {
            put: Some(TransactPut {
                table_name,
                item: native(item),
                condition_expression: condition,
                expression_attribute_names: names,
                expression_attribute_values: values,
                return_values_on_condition_check_failure: all_old,
            }),
            ..TransactWriteItem::default()
        },
        Operation::Update { key, .. } => TransactWriteItem {
            update: Some(TransactUpdate {
                table_name,
                key: native(key),
                update_expression: update,
                condition_expression: condition,
                expression_attribute_names: names,
                expression_attribute_values: values,
                return_values_on_condition_check_failure: all_old,
            }),
            ..TransactWriteItem::default()
        },
        Operation::Delete { key } => TransactWriteItem {
            delete: Some(TransactDelete {
                table_name,
                key: native(key),
                condition_expression: condition,
                expression_attribute_names: names,
                expression_attribute_values: values,
                return_values_on_condition_check_failure: all_old,
            }),
            ..TransactWriteItem::default()
        },
    }
}

fn outcome(reason: CancellationReason) -> Outcome {
    match reason.code.as_str() {
        "None" => Outcome::Done,
        "ConditionalCheckFailed" => Outcome::Condition(reason.item.map(|item| sorted(ported(item)))),
        _ => Outcome::Refused(reason.code),
    }
}

fn items(found: ::dynoxide::Result<Vec<Native>>) -> Answer {
    match found {
        Ok(items) => Answer::Items(items.into_iter().map(|item| sorted(ported(item))).collect()),
        Err(error) => Answer::Refused(code(&error)),
    }
}

fn code(error: &DynoxideError) -> String {
    let name = error.error_type();
    name.rsplit_once('#').map_or(name, |(_, code)| code).to_owned()
}
