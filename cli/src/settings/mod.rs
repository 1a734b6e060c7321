//! The settings of the commands: their flags, made from the declarations, and what several commands read alike.

mod flags;
mod locations;

use std::path::Path;

use orderflow_settings::{EnvFileError, Snapshot};

pub use flags::{FlagSet, SettingFlags, flags_of};
pub(crate) use locations::{base_url, broker, embedded, parse_base_url, store, tables};

/// Takes the environment of this process and the values of the file `.env` in the folder that the program is started in.
///
/// The AWS SDK reads its variables from the environment itself, so those of `.env` are set there too. Call it before any other thread runs.
///
/// # Errors
/// Where the file is there and cannot be read.
pub fn environment() -> Result<Snapshot, EnvFileError> {
    let folder = Path::new(".");
    let snapshot = Snapshot::of_process().with_env_file(folder)?;
    orderflow_settings::export_env_file(folder)?;
    Ok(snapshot)
}
