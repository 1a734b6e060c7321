//! Tables, writes and values in DynamoDB's terms, as dynoxide takes them.

use std::collections::HashMap;

use ::dynoxide::AttributeValue;
use ::dynoxide::actions::create_table::CreateTableRequest;
use orderflow_store_port::{Assignment, Condition, Item, Operation, TableRef, Value, Write};

/// An item in dynoxide's types.
pub(crate) type Native = HashMap<String, AttributeValue>;

pub(crate) fn creation(table: &TableRef) -> CreateTableRequest {
    let definition = table.definition;
    let key = |hash: &str, range: Option<&str>| -> serde_json::Value {
        let range = range.map(|range| serde_json::json!({ "AttributeName": range, "KeyType": "RANGE" }));
        let hash = serde_json::json!({ "AttributeName": hash, "KeyType": "HASH" });
        std::iter::once(hash).chain(range).collect()
    };
    let keys = definition.indexes.iter().flat_map(|index| [index.hash, index.range]);
    let mut names: Vec<&str> = keys.chain([definition.hash]).chain(definition.range).collect();
    names.sort_unstable();
    names.dedup();
    let attributes: Vec<_> =
        names.iter().map(|name| serde_json::json!({ "AttributeName": name, "AttributeType": "S" })).collect();
    let indexes: Vec<_> = definition
        .indexes
        .iter()
        .map(|index| {
            serde_json::json!({
                "IndexName": index.name,
                "KeySchema": key(index.hash, Some(index.range)),
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            })
        })
        .collect();
    let mut request = serde_json::json!({
        "TableName": &*table.name,
        "KeySchema": key(definition.hash, definition.range),
        "AttributeDefinitions": attributes,
        "BillingMode": "PAY_PER_REQUEST",
    });
    if !indexes.is_empty() {
        request["GlobalSecondaryIndexes"] = indexes.into();
    }
    if definition.streams {
        request["StreamSpecification"] =
            serde_json::json!({ "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" });
    }
    serde_json::from_value(request).unwrap()
}

/// The conditions and assignments of a write in DynamoDB's terms.
#[derive(Default)]
pub(crate) struct Expressions {
    pub(crate) condition: Option<String>,
    pub(crate) update: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: Native,
}

impl Expressions {
    pub(crate) fn of(write: &Write) -> Self {
        let mut this = Self::default();
        let hash = write.table.definition.hash;
        let conditions: Vec<String> = write
            .conditions
            .iter()
            .map(|condition| match condition {
                Condition::Absent => format!("attribute_not_exists({})", this.name(hash)),
                Condition::Present => format!("attribute_exists({})", this.name(hash)),
                Condition::Equals(name, value) => format!("{} = {}", this.name(name), this.value(value)),
                Condition::AtLeast(name, least) => format!("{} >= {}", this.name(name), this.number(*least)),
            })
            .collect();
        this.condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        if let Operation::Update { assignments, .. } = &write.operation {
            let (mut sets, mut removes) = (Vec::new(), Vec::new());
            for assignment in assignments {
                let name = this.name(assignment.attribute());
                match assignment {
                    Assignment::Set(_, value) => sets.push(format!("{name} = {}", this.value(value))),
                    Assignment::Increment(_, by) => {
                        sets.push(format!("{name} = {name} + {}", this.number(*by)));
                    }
                    Assignment::IncrementFromZero(_, by) => {
                        let (by, zero) = (this.number(*by), this.number(0));
                        sets.push(format!("{name} = if_not_exists({name}, {zero}) + {by}"));
                    }
                    Assignment::Remove(_) => removes.push(name),
                }
            }
            let clauses = [("SET", sets), ("REMOVE", removes)].into_iter();
            let clauses = clauses.filter(|(_, parts)| !parts.is_empty());
            let clauses = clauses.map(|(word, parts)| format!("{word} {}", parts.join(", ")));
            this.update = clauses.collect::<Vec<_>>().join(" ");
        }
        this
    }

    fn name(&mut self, attribute: &str) -> String {
        let alias = format!("#{attribute}");
        self.names.insert(alias.clone(), attribute.to_owned());
        alias
    }

    fn value(&mut self, value: &Value) -> String {
        let alias = format!(":v{}", self.values.len());
        self.values.insert(alias.clone(), native_value(value));
        alias
    }

    fn number(&mut self, number: i64) -> String {
        self.value(&Value::N(number.to_string()))
    }
}

pub(crate) fn filled<V>(map: HashMap<String, V>) -> Option<HashMap<String, V>> {
    Some(map).filter(|map| !map.is_empty())
}

pub(crate) fn native(item: &Item) -> Native {
    item.iter().map(|(name, value)| (name.clone(), native_value(value))).collect()
}

fn native_value(value: &Value) -> AttributeValue {
    match value.clone() {
        Value::N(number) => AttributeValue::N(number),
        Value::S(text) => AttributeValue::S(text),
        Value::Bool(flag) => AttributeValue::BOOL(flag),
        Value::B(bytes) => AttributeValue::B(bytes),
        Value::Null(flag) => AttributeValue::NULL(flag),
        Value::M(map) => AttributeValue::M(native(&map)),
        Value::L(list) => AttributeValue::L(list.iter().map(native_value).collect()),
        Value::Ss(set) => AttributeValue::SS(set),
        Value::Ns(set) => AttributeValue::NS(set),
        Value::Bs(set) => AttributeValue::BS(set),
    }
}

pub(crate) fn ported(item: Native) -> Item {
    item.into_iter().map(|(name, value)| (name, ported_value(value))).collect()
}

fn ported_value(value: AttributeValue) -> Value {
    match value {
        AttributeValue::N(number) => Value::N(number),
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::BOOL(flag) => Value::Bool(flag),
        AttributeValue::B(bytes) => Value::B(bytes),
        AttributeValue::NULL(flag) => Value::Null(flag),
        AttributeValue::M(map) => Value::M(ported(map)),
        AttributeValue::L(list) => Value::L(list.into_iter().map(ported_value).collect()),
        AttributeValue::SS(set) => Value::Ss(set),
        AttributeValue::NS(set) => Value::Ns(set),
        AttributeValue::BS(set) => Value::Bs(set),
    }
}
