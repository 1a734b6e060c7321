//! The operations, and their reduction after a failure.

use orderflow_store_port::{
    IndexDefinition, Item, KeyRange, Operation, TableDefinition, TableRef, Value, Write,
};

const BY_COLOR: IndexDefinition = IndexDefinition { name: "by_color", hash: "color", range: "size" };
const BY_SIZE: IndexDefinition = IndexDefinition { name: "by_size", hash: "size", range: "id" };

pub(crate) static TABLES: &[TableDefinition] = &[
    TableDefinition { name: "things", hash: "id", range: None, indexes: &[BY_COLOR, BY_SIZE], streams: true },
    TableDefinition {
        name: "shelves",
        hash: "id",
        range: Some("place"),
        indexes: &[BY_COLOR],
        streams: true,
    },
    TableDefinition { name: "plain", hash: "id", range: Some("place"), indexes: &[], streams: false },
];

pub(crate) fn table(definition: &'static TableDefinition) -> TableRef {
    TableRef { name: format!("test-{}", definition.name).into(), definition }
}

/// One operation of the port.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write(Write),
    Transact(Vec<Write>),
    Each(Vec<Write>),
    Get(TableRef, Item),
    Batch(TableRef, Vec<Item>),
    Query(Asked),
    Scan(TableRef),
}

/// A query, of which all pages are read.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) table: TableRef,
    pub(crate) index: Option<&'static IndexDefinition>,
    pub(crate) hash: String,
    pub(crate) range: KeyRange,
    pub(crate) descending: bool,
    pub(crate) limit: Option<usize>,
    pub(crate) projection: Option<String>,
}

impl Step {
    /// Returns simpler forms of the step, each of which lacks one thing.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Write(write) => simpler_writes(write).into_iter().map(Self::Write).collect(),
            Self::Transact(writes) => simpler_lists(writes).into_iter().map(Self::Transact).collect(),
            Self::Each(writes) => simpler_lists(writes).into_iter().map(Self::Each).collect(),
            Self::Batch(table, keys) => {
                without_one(keys).map(|keys| Self::Batch(table.clone(), keys)).collect()
            }
            Self::Get(..) | Self::Query(_) | Self::Scan(_) => Vec::new(),
        }
    }
}

fn without_one<T: Clone>(list: &[T]) -> impl Iterator<Item = Vec<T>> {
    (0..list.len()).filter(|_| list.len() > 1).map(|position| {
        let mut shorter = list.to_vec();
        shorter.remove(position);
        shorter
    })
}

fn simpler_lists(writes: &[Write]) -> Vec<Vec<Write>> {
    let simplified = writes.iter().enumerate().flat_map(|(position, write)| {
        simpler_writes(write).into_iter().map(move |simpler| {
            let mut list = writes.to_vec();
            list[position] = simpler;
            list
        })
    });
    without_one(writes).chain(simplified).collect()
}

fn simpler_writes(write: &Write) -> Vec<Write> {
    let mut simpler = Vec::new();
    for position in 0..write.conditions.len() {
        let mut fewer = write.clone();
        fewer.conditions.remove(position);
        simpler.push(fewer);
    }
    let operations: Vec<Operation> = match &write.operation {
        Operation::Put(item) => item
            .keys()
            .map(|name| Operation::Put(item.iter().filter(|(other, _)| *other != name).map(cloned).collect()))
            .collect(),
        Operation::Update { key, assignments } => without_one(assignments)
            .map(|assignments| Operation::Update { key: key.clone(), assignments })
            .collect(),
        Operation::Delete { .. } => Vec::new(),
    };
    simpler.extend(operations.into_iter().map(|operation| Write { operation, ..write.clone() }));
    simpler
}

fn cloned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
