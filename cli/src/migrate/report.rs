//! What there is of the data.

use std::io;

use orderflow_store::TableState;
use serde_json::{Value, json};

use crate::client::Output;
use crate::client::table::Table;

/// The format of the data, where it is in a directory, and the tables that could be looked at.
pub(super) struct Report {
    pub(super) format: Option<Format>,
    pub(super) tables: Vec<TableState>,
}

/// The format of a data directory.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Format {
    /// None where nothing is kept yet.
    pub(super) found: Option<u32>,
    /// This version's.
    pub(super) supported: u32,
}

impl Report {
    pub(super) fn write_table(&self, output: &mut Output) -> io::Result<()> {
        match self.format {
            Some(Format { found: Some(found), supported }) => {
                output.line(format_args!("format {found} of {supported}"))?;
            }
            Some(Format { found: None, .. }) => output.line("nothing is kept here yet")?,
            None => {}
        }
        let rows: Vec<_> = self.tables.iter().map(|table| vec![table.name.clone(), state(table)]).collect();
        if rows.is_empty() { Ok(()) } else { Table::new(&["TABLE", "STATE"]).write(rows, output) }
    }

    pub(super) fn write_json(&self, output: &mut Output) -> io::Result<()> {
        let table = |table: &TableState| {
            json!({
                "name": table.name,
                "exists": table.exists,
                "missing_indexes": table.missing_indexes,
                "missing_stream": table.missing_stream,
            })
        };
        let tables: Vec<Value> = self.tables.iter().map(table).collect();
        output.line(json!({"format": self.format, "tables": tables}))
    }
}

fn state(table: &TableState) -> String {
    let stream = table.missing_stream.then_some("its stream");
    let missing: Vec<&str> = table.missing_indexes.iter().copied().chain(stream).collect();
    match (table.exists, &missing[..]) {
        (false, _) => "missing".to_owned(),
        (true, []) => "complete".to_owned(),
        (true, missing) => format!("lacks {}", missing.join(", ")),
    }
}
