//! Operations on tables.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::definition::{IndexDescription, TableDescription};
use crate::failure::Failure;
use crate::names::{key_schema, stream_arn, stream_label, table_arn};
use crate::request::{only, parse};
use crate::service::{Answer, Service};

/// The most tables that one `ListTables` names (AWS limit).
const MAX_NAMES: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ListTables {
    limit: Option<usize>,
    exclusive_start_table_name: Option<String>,
}

pub(crate) async fn list(service: &Service, body: &[u8]) -> Answer {
    let request: ListTables = parse(body)?;
    let names: BTreeSet<String> = service.backend.list_tables().await?.into_iter().collect();
    let after = request.exclusive_start_table_name.unwrap_or_default();
    let mut names: Vec<&String> = names.iter().filter(|name| **name > after).collect();
    let limit = request.limit.unwrap_or(MAX_NAMES).clamp(1, MAX_NAMES);
    let has_more = names.len() > limit;
    names.truncate(limit);
    let mut answer = json!({"TableNames": names});
    if has_more {
        answer["LastEvaluatedTableName"] = json!(names.last());
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DescribeTable {
    table_name: String,
}

pub(crate) fn describe(service: &Service, body: &[u8]) -> Answer {
    let DescribeTable { table_name } = parse(body)?;
    let description = service.described(&table_name).ok_or_else(|| Failure::unknown_table(&table_name))?;
    Ok(json!({"Table": shown(&table_name, &description)}))
}

/// Returns a table as `DescribeTable` shows it.
fn shown(name: &str, table: &TableDescription) -> Value {
    let of_indexes = table.indexes.iter().flat_map(|index| [&index.hash, &index.range]);
    let attributes: BTreeSet<&String> =
        [&table.hash].into_iter().chain(&table.range).chain(of_indexes).collect();
    let attributes: Vec<Value> =
        attributes.into_iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect();
    let created = table.created_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut shown = json!({
        "TableName": name,
        "TableArn": table_arn(name),
        "TableStatus": "ACTIVE",
        "CreationDateTime": created.as_secs_f64(),
        "AttributeDefinitions": attributes,
        "KeySchema": key_schema(&table.hash, table.range.as_deref()),
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    });
    if !table.indexes.is_empty() {
        let index = |index: &IndexDescription| {
            json!({
                "IndexName": index.name,
                "IndexArn": format!("{}/index/{}", table_arn(name), index.name),
                "IndexStatus": "ACTIVE",
                "KeySchema": key_schema(&index.hash, Some(&index.range)),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            })
        };
        shown["GlobalSecondaryIndexes"] = table.indexes.iter().map(index).collect();
    }
    if table.stream_shard.is_some() {
        shown["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"});
        shown["LatestStreamArn"] = json!(stream_arn(name, table));
        shown["LatestStreamLabel"] = json!(stream_label(table));
    }
    shown
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct CreateTable {
    table_name: String,
    attribute_definitions: Vec<AttributeDefinition>,
    key_schema: Vec<KeyElement>,
    #[serde(default)]
    global_secondary_indexes: Vec<NewIndex>,
    billing_mode: Option<String>,
    stream_specification: Option<StreamSpecification>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct UpdateTable {
    table_name: String,
    #[serde(default)]
    attribute_definitions: Vec<AttributeDefinition>,
    #[serde(default)]
    global_secondary_index_updates: Vec<IndexUpdate>,
    stream_specification: Option<StreamSpecification>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct KeyElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct NewIndex {
    index_name: String,
    key_schema: Vec<KeyElement>,
    projection: NewProjection,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct NewProjection {
    projection_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct IndexUpdate {
    create: NewIndex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StreamSpecification {
    stream_enabled: bool,
    stream_view_type: Option<String>,
}

impl StreamSpecification {
    fn is_enabled(&self) -> Result<bool, Failure> {
        only("StreamViewType", self.stream_view_type.as_deref(), &["NEW_IMAGE"])?;
        Ok(self.stream_enabled)
    }
}

/// What a stream will be called is up to the store; a definition only says whether there is one.
const SOME_STREAM: &str = "stream";

pub(crate) async fn create(service: &Service, body: &[u8]) -> Answer {
    let request: CreateTable = parse(body)?;
    let name = &request.table_name;
    if service.described(name).is_some() {
        return Err(Failure::new("ResourceInUseException", format!("Table already exists: {name}")));
    }
    only("BillingMode", request.billing_mode.as_deref(), &["PAY_PER_REQUEST"])?;
    let (hash, range) = keys(&request.key_schema)?;
    let is_streamed =
        request.stream_specification.as_ref().map_or(Ok(false), StreamSpecification::is_enabled)?;
    let description = TableDescription {
        hash,
        range,
        indexes: request.global_secondary_indexes.iter().map(index).collect::<Result<_, _>>()?,
        stream_shard: is_streamed.then(|| SOME_STREAM.to_owned()),
        created_at: SystemTime::UNIX_EPOCH,
    };
    check_types(&description, &request.attribute_definitions)?;
    complete(service, name, &description).await
}

pub(crate) async fn update(service: &Service, body: &[u8]) -> Answer {
    let request: UpdateTable = parse(body)?;
    let name = &request.table_name;
    let mut description = service.described(name).ok_or_else(|| Failure::unknown_table(name))?;
    for update in &request.global_secondary_index_updates {
        let index = index(&update.create)?;
        if description.indexes.iter().any(|other| other.name == index.name) {
            let message = format!("Attempting to create an index which already exists: {}", index.name);
            return Err(Failure::new("ResourceInUseException", message));
        }
        description.indexes.push(index);
    }
    if let Some(stream) = &request.stream_specification {
        match (stream.is_enabled()?, &description.stream_shard) {
            (false, _) => return Err(Failure::unsupported("disabling a stream")),
            (true, Some(_)) => return Err(Failure::invalid("Table already has an enabled stream")),
            (true, None) => description.stream_shard = Some(SOME_STREAM.to_owned()),
        }
    }
    let of_keys = |attribute: &&AttributeDefinition| attribute.attribute_type != "S";
    if let Some(attribute) = request.attribute_definitions.iter().find(of_keys) {
        return Err(Failure::unsupported(format!("a key that is not a text, {},", attribute.attribute_name)));
    }
    complete(service, name, &description).await
}

/// Has the store create or complete a table, and shows it.
async fn complete(service: &Service, name: &str, description: &TableDescription) -> Answer {
    service.backend.create_missing(&service.defined(name, description)).await?;
    let now = service.described(name).ok_or_else(|| Failure::unknown_table(name))?;
    Ok(Value::Object(Map::from_iter([("TableDescription".to_owned(), shown(name, &now))])))
}

fn keys(schema: &[KeyElement]) -> Result<(String, Option<String>), Failure> {
    match schema {
        [hash] if hash.key_type == "HASH" => Ok((hash.attribute_name.clone(), None)),
        [hash, range] if hash.key_type == "HASH" && range.key_type == "RANGE" => {
            Ok((hash.attribute_name.clone(), Some(range.attribute_name.clone())))
        }
        _ => Err(Failure::invalid("KeySchema: expected a HASH key, and perhaps a RANGE key after it")),
    }
}

fn index(new: &NewIndex) -> Result<IndexDescription, Failure> {
    only("ProjectionType", new.projection.projection_type.as_deref(), &["KEYS_ONLY"])?;
    match keys(&new.key_schema)? {
        (hash, Some(range)) => Ok(IndexDescription { name: new.index_name.clone(), hash, range }),
        (_, None) => Err(Failure::unsupported(format!("{}, an index without RANGE key,", new.index_name))),
    }
}

/// Refuses definitions of attributes that are no keys, missing ones, and keys that are no texts.
fn check_types(table: &TableDescription, attributes: &[AttributeDefinition]) -> Result<(), Failure> {
    let of_indexes = table.indexes.iter().flat_map(|index| [&index.hash, &index.range]);
    let keys: BTreeSet<&String> = [&table.hash].into_iter().chain(&table.range).chain(of_indexes).collect();
    let defined: BTreeSet<&String> = attributes.iter().map(|attribute| &attribute.attribute_name).collect();
    if keys != defined {
        return Err(Failure::invalid("AttributeDefinitions have to be those of the keys"));
    }
    match attributes.iter().find(|attribute| attribute.attribute_type != "S") {
        None => Ok(()),
        Some(other) => {
            Err(Failure::unsupported(format!("a key that is not a text, {},", other.attribute_name)))
        }
    }
}
