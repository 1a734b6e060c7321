//! Every setting of the system, declared once.
//!
//! [`declared`] lists the settings: variable, flag, allowed values, default, help, and the programs that read them. `--help`,
//! `.env.example`, `docs/reference/settings.md` and the environment of the deployed functions are generated from that list or compared with
//! it by tests.
//!
//! A program takes one [`Snapshot`] of its environment, adds the values of `.env` and of its flags, and calls [`read`] once with a closure
//! that reads all settings of the program. [`read`] reports all unusable settings in one [`SettingsError`]; the program then exits with
//! [`EXIT_CODE`]. The rules are the same for all settings:
//!
//! - A flag wins over the environment, the environment over `.env`, and `.env` over the default.
//! - An unset, an empty and a blank value are the same.
//! - A value that is not allowed ends the program. A value that the program would not use is checked too.
//! - An error names a setting as the user gave it (flag, variable, or variable with its line in `.env`) and hides secrets.

pub mod declared;
#[cfg(feature = "env-file")]
mod env_file;
mod error;
mod reader;
mod setting;
mod snapshot;
mod unknown;

#[cfg(feature = "env-file")]
pub use env_file::export_env_file;
pub use error::{EXIT_CODE, SettingProblem, SettingsError};
pub use reader::{NotAllowed, Reader, Refused, defaults, read};
pub use setting::{Kind, Program, Secrecy, Section, Setting};
pub use snapshot::{Snapshot, Source};
pub use unknown::UnknownVariable;
