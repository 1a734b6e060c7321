//! Settings from the file `.env`.

use anyhow::{Context, bail};

const FILE: &str = ".env";

/// Sets the variables of the file `.env` in the working directory; variables of the environment take precedence. Call it before any other
/// thread runs.
///
/// # Errors
/// If the file exists and cannot be read or parsed. The message does not contain values, since some are secret.
pub fn read() -> anyhow::Result<()> {
    match dotenvy::from_path(FILE) {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(dotenvy::Error::LineParse(..)) => bail!("{FILE}: {} is not NAME=value", first_bad_line()?),
        Err(error) => Err(error).with_context(|| format!("{FILE} cannot be read")),
    }
}

/// Describes the first line that cannot be parsed.
fn first_bad_line() -> anyhow::Result<String> {
    let last = dotenvy::from_path_iter(FILE)?.map_while(Result::ok).last();
    Ok(last.map_or_else(|| "the first line".to_owned(), |(name, _)| format!("the line after {name}")))
}
