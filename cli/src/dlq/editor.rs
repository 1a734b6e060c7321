//! The editor of whoever runs the program.

use std::env;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

use tokio::signal::ctrl_c;
use tokio::task::spawn_blocking;

/// What runs where no editor is named.
const DEFAULT_EDITOR: &str = "vi";

/// A command of the shell, as in `$VISUAL` and `$EDITOR`: it may hold arguments.
pub(super) struct Editor(String);

impl Editor {
    /// The one that the environment names.
    pub(super) fn from_environment() -> Self {
        let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| env::var(name).ok());
        let command = named.into_iter().find(|command| !command.trim().is_empty());
        Self(command.unwrap_or_else(|| DEFAULT_EDITOR.to_owned()))
    }

    /// Opens a file and waits until the editor ends. Ctrl-C is the editor's meanwhile.
    ///
    /// # Errors
    /// Why there is no edited file, for a person.
    pub(super) async fn open(&self, file: &Path) -> Result<(), String> {
        let Self(command) = self;
        let how_to_name = "; VISUAL or EDITOR names another";
        match run(command.clone(), file).await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the editor {command:?} ended with {status}{how_to_name}")),
            Err(error) => Err(format!("the editor {command:?} cannot be started: {error}{how_to_name}")),
        }
    }
}

async fn run(editor: String, file: &Path) -> io::Result<ExitStatus> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$@\"")).arg("editor").arg(file);
    let mut running = spawn_blocking(move || command.status());
    loop {
        tokio::select! {
            ended = &mut running => return ended.map_err(io::Error::other)?,
            interrupted = ctrl_c() => interrupted?,
        }
    }
}
