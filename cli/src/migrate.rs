//! `orderflow migrate`: shows the state of the tables and of the data directory, and migrates both to this version. `orderflow up` migrates
//! by itself.

use std::io;

use anyhow::Context;
use orderflow_engine::{FORMAT, OLDEST_FORMAT};
use orderflow_settings::{Program, Setting, Snapshot, read};
use orderflow_store::TableState;
use orderflow_system::{StoreLocation, make_tables, table_states};
use orderflow_telemetry::{TelemetrySettings, audited_ids};
use serde_json::{Value, json};

use crate::audit::Action;
use crate::client::output::Table;
use crate::client::{ClientError, Output};
use crate::settings::{self, FlagSet, SettingFlags};

/// The subcommands of `orderflow migrate`.
#[derive(Debug, Clone, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct MigrateArgs {
    #[command(subcommand)]
    command: MigrateCommand,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum MigrateCommand {
    /// Show the format of the data directory and what each table lacks; change nothing.
    Status(StatusArgs),
    /// Create missing tables and indexes, and migrate the data directory to the format of this version; keep all data.
    Up(UpArgs),
}

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Example:
  orderflow migrate status --data-dir ./data")]
struct StatusArgs {
    #[command(flatten)]
    store: StoreArgs,

    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Example:
  orderflow migrate up --dynamodb-endpoint http://127.0.0.1:8000")]
struct UpArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// Where the tables are. Their names begin with ORDERFLOW_PREFIX.
#[derive(Debug, Clone, clap::Args)]
struct StoreArgs {
    #[command(flatten)]
    flags: SettingFlags<MigrateFlags>,
}

enum MigrateFlags {}

impl FlagSet for MigrateFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::Migrate)
    }
}

/// Runs one command.
///
/// # Errors
/// If settings cannot be used, or the data cannot be opened or was written by a newer version; the message says what to do.
pub fn run(args: MigrateArgs, environment: &Snapshot, output: &mut Output) -> anyhow::Result<()> {
    let (MigrateCommand::Status(StatusArgs { store, .. }) | MigrateCommand::Up(UpArgs { store })) =
        &args.command;
    let (telemetry, (location, prefix)) = read(&store.flags.over(environment), |reader| {
        Ok((TelemetrySettings::read(reader), settings::tables(reader)))
    })?;
    let _telemetry = orderflow_telemetry::init("migrate", telemetry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.command {
        MigrateCommand::Status(args) => {
            let report = runtime.block_on(report(&location, &prefix))?;
            let written = if args.json { report.write_json(output) } else { report.write_table(output) };
            written.and_then(|()| output.flush()).map_err(ClientError::from)?;
        }
        MigrateCommand::Up(_) => {
            let made = runtime.block_on(make_tables(&location, &prefix));
            let on = audited_ids([("prefix", &prefix)]);
            Action { operation: "migrate up", on: &on, is_done: made.is_ok() }.log();
            made?;
            output.note("the tables have the format of this version");
        }
    }
    Ok(())
}

/// Reads the state. Changes no file of a data directory, also where this process may not write or another one has it open.
async fn report(location: &StoreLocation, prefix: &str) -> anyhow::Result<Report> {
    let StoreLocation::Embedded(store) = location else {
        return Ok(Report { format: None, tables: table_states(location, prefix).await? });
    };
    let found = store.location.format().context("the data directory cannot be read")?;
    let tables = table_states(location, prefix).await?;
    Ok(Report { format: Some(Format { found, supported: FORMAT }), tables })
}

/// The format of the data directory, if the data is in one, and the tables that could be read.
struct Report {
    format: Option<Format>,
    tables: Vec<TableState>,
}

/// The format of a data directory.
#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Format {
    /// The format found; `None` if the directory does not exist or is empty.
    found: Option<u32>,
    /// The format of this version.
    supported: u32,
}

impl Report {
    fn write_table(&self, output: &mut Output) -> io::Result<()> {
        match self.format {
            Some(Format { found: Some(found), supported }) => {
                output.line(format_args!("format {found} of {supported}"))?;
                if found < OLDEST_FORMAT {
                    output.line(
                        "only earlier versions of this program read this format: settle the orders and export what you need with the version \
                         that wrote it, then start this version with another directory",
                    )?;
                }
            }
            Some(Format { found: None, .. }) => output.line("no data yet")?,
            None => {}
        }
        let rows: Vec<_> = self.tables.iter().map(|table| vec![table.name.clone(), state(table)]).collect();
        if rows.is_empty() { Ok(()) } else { Table::new(&["TABLE", "STATE"]).write(rows, output) }
    }

    fn write_json(&self, output: &mut Output) -> io::Result<()> {
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
