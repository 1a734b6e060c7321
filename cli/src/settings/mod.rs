//! The settings of the commands: their flags, made from the declarations, and the settings that several commands share.

mod flags;
mod locations;

use std::path::Path;

use orderflow_settings::Snapshot;

pub use flags::{FlagSet, SettingFlags, flags_of};
pub(crate) use locations::{
    aws_endpoint, base_url, base_url_or_default, broker, embedded, protect_credentials, store, tables,
};

/// Reads the environment of this process and the file `.env` in the working directory.
///
/// The AWS SDK and OpenTelemetry read their variables from the environment itself, so those of `.env` are set there too, and no others. Call it
/// before any other thread runs.
pub fn environment() -> Snapshot {
    let folder = Path::new(".");
    let snapshot = Snapshot::of_process().with_env_file(folder);
    orderflow_settings::export_env_file(folder);
    snapshot
}
