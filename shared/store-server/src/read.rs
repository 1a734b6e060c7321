//! Reads of items.

use std::collections::HashMap;

use orderflow_store_port::{Item, Page, Query, TableRef};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::expression::{Projection, Substitutions, parse_key_condition, parse_projection};
use crate::failure::Failure;
use crate::request::{only, parse};
use crate::service::{Answer, Service};

/// The most keys that one `BatchGetItem` takes (AWS limit).
const MAX_BATCH_KEYS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct GetItem {
    table_name: String,
    key: Item,
    #[serde(rename = "ConsistentRead")]
    _consistent_read: Option<bool>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<HashMap<String, String>>,
    return_consumed_capacity: Option<String>,
}

pub(crate) async fn get(service: &Service, body: &[u8]) -> Answer {
    let request: GetItem = parse(body)?;
    only("ReturnConsumedCapacity", request.return_consumed_capacity.as_deref(), &["NONE"])?;
    let table = service.table(&request.table_name)?;
    let projection =
        projection(request.projection_expression.as_deref(), request.expression_attribute_names)?;
    let found = service.backend.get(&table, request.key).await?;
    Ok(found.map_or_else(|| json!({}), |item| json!({"Item": projection.reduce(item)})))
}

fn projection(
    expression: Option<&str>,
    names: Option<HashMap<String, String>>,
) -> Result<Projection, Failure> {
    let substitutions = Substitutions::new(names, None);
    let projection = parse_projection(expression, &substitutions)?;
    substitutions.check_that_all_are_used()?;
    Ok(projection)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct BatchGetItem {
    request_items: HashMap<String, Keys>,
    return_consumed_capacity: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Keys {
    keys: Vec<Item>,
    #[serde(rename = "ConsistentRead")]
    _consistent_read: Option<bool>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<HashMap<String, String>>,
}

pub(crate) async fn batch_get(service: &Service, body: &[u8]) -> Answer {
    let request: BatchGetItem = parse(body)?;
    only("ReturnConsumedCapacity", request.return_consumed_capacity.as_deref(), &["NONE"])?;
    let count: usize = request.request_items.values().map(|keys| keys.keys.len()).sum();
    if !(1..=MAX_BATCH_KEYS).contains(&count) {
        return Err(Failure::invalid(format!(
            "RequestItems has {count} keys, and not 1 to {MAX_BATCH_KEYS}"
        )));
    }
    let mut responses = Map::new();
    for (name, wanted) in request.request_items {
        let table = service.table(&name)?;
        let projection =
            projection(wanted.projection_expression.as_deref(), wanted.expression_attribute_names)?;
        let found = service.backend.get_batch(&table, wanted.keys).await?;
        let found: Vec<Item> = found.into_iter().map(|item| projection.reduce(item)).collect();
        responses.insert(name, json!(found));
    }
    Ok(json!({"Responses": responses, "UnprocessedKeys": {}}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct QueryRequest {
    table_name: String,
    index_name: Option<String>,
    key_condition_expression: String,
    expression_attribute_names: Option<HashMap<String, String>>,
    expression_attribute_values: Option<Item>,
    projection_expression: Option<String>,
    scan_index_forward: Option<bool>,
    consistent_read: Option<bool>,
    limit: Option<usize>,
    select: Option<String>,
    exclusive_start_key: Option<Item>,
    return_consumed_capacity: Option<String>,
}

pub(crate) async fn query(service: &Service, body: &[u8]) -> Answer {
    let request: QueryRequest = parse(body)?;
    only("ReturnConsumedCapacity", request.return_consumed_capacity.as_deref(), &["NONE"])?;
    let limit = checked_limit(request.limit)?;
    let table = service.table(&request.table_name)?;
    let definition = table.definition;
    let index = match &request.index_name {
        None => None,
        Some(name) => {
            let index = definition.indexes.iter().find(|index| index.name == name);
            Some(index.ok_or_else(|| {
                Failure::invalid(format!("The table does not have the specified index: {name}"))
            })?)
        }
    };
    if index.is_some() && request.consistent_read == Some(true) {
        return Err(Failure::invalid("Consistent reads are not supported on global secondary indexes"));
    }
    let keys = index.map_or((definition.hash, definition.range), |index| (index.hash, Some(index.range)));
    let substitutions =
        Substitutions::new(request.expression_attribute_names, request.expression_attribute_values);
    let (hash, range) = parse_key_condition(&request.key_condition_expression, &substitutions, keys)?;
    let projection = parse_projection(request.projection_expression.as_deref(), &substitutions)?;
    substitutions.check_that_all_are_used()?;
    let select = Select::of(request.select.as_deref(), request.projection_expression.is_some())?;
    let query = Query {
        index,
        range,
        descending: request.scan_index_forward == Some(false),
        limit,
        start_after: request.exclusive_start_key,
        ..Query::new(&table, hash)
    };
    Ok(shown(service.backend.query(query).await?, &projection, select))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Scan {
    table_name: String,
    #[serde(rename = "ConsistentRead")]
    _consistent_read: Option<bool>,
    limit: Option<usize>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<HashMap<String, String>>,
    select: Option<String>,
    exclusive_start_key: Option<Item>,
    return_consumed_capacity: Option<String>,
}

pub(crate) async fn scan(service: &Service, body: &[u8]) -> Answer {
    let request: Scan = parse(body)?;
    only("ReturnConsumedCapacity", request.return_consumed_capacity.as_deref(), &["NONE"])?;
    let limit = checked_limit(request.limit)?;
    let table = service.table(&request.table_name)?;
    let select = Select::of(request.select.as_deref(), request.projection_expression.is_some())?;
    let projection =
        projection(request.projection_expression.as_deref(), request.expression_attribute_names)?;
    let mut page = service.backend.scan(&table, request.exclusive_start_key).await?;
    if let Some(limit) = limit.filter(|limit| *limit < page.items.len()) {
        page.items.truncate(limit);
        page.next = page.items.last().map(|last| key_of(&table, last));
    }
    Ok(shown(page, &projection, select))
}

fn key_of(table: &TableRef, item: &Item) -> Item {
    let names = [Some(table.definition.hash), table.definition.range].into_iter().flatten();
    names.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}

fn checked_limit(limit: Option<usize>) -> Result<Option<usize>, Failure> {
    match limit {
        Some(0) => Err(Failure::invalid("Limit has to be at least 1")),
        limit => Ok(limit),
    }
}

/// What a query or scan returns of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Select {
    Items,
    Count,
}

impl Select {
    fn of(select: Option<&str>, has_projection: bool) -> Result<Self, Failure> {
        match select {
            None | Some("ALL_PROJECTED_ATTRIBUTES") => Ok(Self::Items),
            Some("ALL_ATTRIBUTES") if !has_projection => Ok(Self::Items),
            Some("SPECIFIC_ATTRIBUTES") if has_projection => Ok(Self::Items),
            Some("COUNT") if !has_projection => Ok(Self::Count),
            Some(other) => Err(Failure::unsupported(format!("Select {other} with this request"))),
        }
    }
}

fn shown(page: Page, projection: &Projection, select: Select) -> Value {
    let count = page.items.len();
    let mut answer = json!({"Count": count, "ScannedCount": count});
    if select == Select::Items {
        let items: Vec<Item> = page.items.into_iter().map(|item| projection.reduce(item)).collect();
        answer["Items"] = json!(items);
    }
    if let Some(next) = page.next {
        answer["LastEvaluatedKey"] = json!(next);
    }
    answer
}
