//! Settings from the file `.env`.

use anyhow::{Context, bail};

const FILE: &str = ".env";

/// Sets what the file `.env` of the folder that the program is started in says, where the environment does not say otherwise. To be
/// called before anything else runs in this process.
///
/// # Errors
/// Where there is such a file and it cannot be read. Its values are not quoted: some are secret.
pub fn read() -> anyhow::Result<()> {
    match dotenvy::from_path(FILE) {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(dotenvy::Error::LineParse(..)) => bail!("{FILE}: {} is no NAME=value", what_follows()?),
        Err(error) => Err(error).with_context(|| format!("{FILE} cannot be read")),
    }
}

/// Where the first line is that cannot be read.
fn what_follows() -> anyhow::Result<String> {
    let last = dotenvy::from_path_iter(FILE)?.map_while(Result::ok).last();
    Ok(last.map_or_else(|| "the first setting".to_owned(), |(name, _)| format!("what follows {name}")))
}
