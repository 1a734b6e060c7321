//! A write in DynamoDB's terms: expressions, and the names and values that they refer to.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use orderflow_store_port::{Assignment, Condition, Operation, Value, Write};

/// The expressions of a write.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    /// The condition expression.
    pub(super) condition: Option<String>,
    /// The update expression. Empty unless the write is an update.
    pub(super) update: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expressions {
    pub(super) fn of(write: &Write) -> Self {
        let mut expressions = Self::default();
        let hash = write.table.definition.hash;
        let conditions: Vec<String> =
            write.conditions.iter().map(|condition| expressions.condition(condition, hash)).collect();
        expressions.condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        if let Operation::Update { assignments, .. } = &write.operation {
            expressions.update = expressions.update(assignments);
        }
        expressions
    }

    /// Returns the names, or `None` if there are none: DynamoDB refuses an empty map.
    pub(super) fn names(&mut self) -> Option<HashMap<String, String>> {
        Some(std::mem::take(&mut self.names)).filter(|names| !names.is_empty())
    }

    /// Returns the values, or `None` if there are none.
    pub(super) fn values(&mut self) -> Option<HashMap<String, AttributeValue>> {
        Some(std::mem::take(&mut self.values)).filter(|values| !values.is_empty())
    }

    fn condition(&mut self, condition: &Condition, hash: &str) -> String {
        match condition {
            Condition::Absent => format!("attribute_not_exists({})", self.name(hash)),
            Condition::Present => format!("attribute_exists({})", self.name(hash)),
            Condition::Equals(name, value) => format!("{} = {}", self.name(name), self.value(value)),
            Condition::AtLeast(name, least) => format!("{} >= {}", self.name(name), self.number(*least)),
        }
    }

    fn update(&mut self, assignments: &[Assignment]) -> String {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for assignment in assignments {
            let name = self.name(assignment.attribute());
            match assignment {
                Assignment::Set(_, value) => set.push(format!("{name} = {}", self.value(value))),
                Assignment::Increment(_, by) => set.push(format!("{name} = {name} + {}", self.number(*by))),
                Assignment::IncrementFromZero(_, by) => {
                    let (by, zero) = (self.number(*by), self.number(0));
                    set.push(format!("{name} = if_not_exists({name}, {zero}) + {by}"));
                }
                Assignment::Remove(_) => remove.push(name),
            }
        }
        let clause = |word: &str, parts: Vec<String>| {
            (!parts.is_empty()).then(|| format!("{word} {}", parts.join(", ")))
        };
        let clauses: Vec<String> =
            [clause("SET", set), clause("REMOVE", remove)].into_iter().flatten().collect();
        clauses.join(" ")
    }

    fn name(&mut self, attribute: &str) -> String {
        let alias = format!("#{attribute}");
        self.names.insert(alias.clone(), attribute.to_owned());
        alias
    }

    fn value(&mut self, value: &Value) -> String {
        let alias = format!(":v{}", self.values.len());
        self.values.insert(alias.clone(), value.clone().into());
        alias
    }

    fn number(&mut self, number: i64) -> String {
        self.value(&Value::N(number.to_string()))
    }
}
