//! `orderflow dlq edit`: the message of a dead letter, opened in the editor of the operator.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::{env, fs, io};

use orderflow_domain::Event;
use orderflow_messaging::{DeadLetter, subscription};
use tempfile::TempPath;
use tokio::signal::ctrl_c;
use tokio::task::spawn_blocking;

use super::DlqError;
use super::connection::Queues;
use super::letter::indented;
use super::selection::OneArgs;
use super::terminal::write_done;
use crate::client::output::question::{can_ask, confirm};

pub(super) const AFTER_HELP: &str = "\
The editor is $VISUAL, else $EDITOR, else vi. The edited text is saved if it is a valid event of a type that the consumer subscribes to;
the dead letter stays in the dead-letter queue until it is replayed. If it cannot be saved, the text is kept in a file.

Example:
  orderflow dlq edit payment 01890a5d-ac96-774b-bcce-b302099a8057
  EDITOR='code --wait' \\
    orderflow dlq edit payment 01890a5d-ac96-774b-bcce-b302099a8057";

/// The dead letter to edit.
#[derive(clap::Args)]
pub(super) struct EditArgs {
    #[command(flatten)]
    pub(super) one: OneArgs,
}

impl EditArgs {
    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let letter = self.one.find(queues.admin.as_ref()).await?;
        let draft = Draft::of(&letter)?;
        match self.edit(&draft, queues).await {
            Ok(Some(event)) => self.save(&event, draft, queues).await,
            Ok(None) => {
                queues.output.note("the text was not changed");
                write_done("edited", 0, queues)
            }
            Err(reason) => Err(draft.keep(reason)),
        }
    }

    /// Returns the edited event, or `None` if the text was not changed. If the text is not a valid event, it offers to edit again.
    async fn edit(&self, draft: &Draft, queues: &mut Queues<'_>) -> Result<Option<Event>, String> {
        let editor = Editor::from_environment();
        loop {
            let Some(text) = draft.edit(&editor).await? else { return Ok(None) };
            let reason = match event_for(&self.one.consumer, &text) {
                Ok(event) => return Ok(Some(event)),
                Err(reason) => reason,
            };
            if !can_ask() {
                return Err(reason);
            }
            queues.output.note(&reason);
            let again = confirm("Edit again?", queues.output).await.map_err(|error| error.to_string())?;
            if !again {
                return Err("editing was ended".to_owned());
            }
        }
    }

    async fn save(&self, event: &Event, draft: Draft, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let OneArgs { consumer, id } = &self.one;
        match queues.admin.replace(consumer, id, event).await {
            Ok(true) => {
                let next = format!("saved; replay it with: orderflow dlq replay {consumer} --id {id}");
                queues.output.note(next);
                write_done("edited", 1, queues)
            }
            Ok(false) => Err(draft.keep(self.one.missing().to_string())),
            Err(error) => Err(draft.keep(DlqError::from(error).to_string())),
        }
    }
}

/// Reads an event of a type that the consumer subscribes to.
fn event_for(consumer: &str, text: &str) -> Result<Event, String> {
    let event = Event::from_json(text).map_err(|error| format!("the text is not an event: {error}"))?;
    let types = subscription(consumer).map_err(|error| error.to_string())?.types;
    if types.contains(&event.event_type()) {
        return Ok(event);
    }
    let types: Vec<&str> = types.iter().map(|known| known.as_str()).collect();
    Err(format!("{consumer} does not subscribe to {}, only to {}", event.event_type(), types.join(", ")))
}

/// The message in a temporary file while it is edited. Only its owner can read the file: it contains addresses of customers. It is removed
/// at the end, except if that would lose edits.
struct Draft {
    file: TempPath,
    original: String,
}

impl Draft {
    /// Writes the message of a dead letter to a new file.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn of(letter: &DeadLetter) -> io::Result<Self> {
        let original = indented(letter);
        let mut file = tempfile::Builder::new().prefix("orderflow-").suffix(".json").tempfile()?;
        // Editors add a newline at the end.
        writeln!(file, "{original}")?;
        Ok(Self { file: file.into_temp_path(), original })
    }

    /// Opens the file in the editor. Returns the text if it was changed.
    ///
    /// # Errors
    /// A text that says why the editor or the file could not be used.
    async fn edit(&self, editor: &Editor) -> Result<Option<String>, String> {
        editor.open(&self.file).await?;
        let text = self.read().map_err(|error| format!("the edited text cannot be read: {error}"))?;
        Ok(Some(text).filter(|text| self.is_changed(text)))
    }

    /// Ends without saving the event, and keeps the file if the text was changed.
    fn keep(self, reason: String) -> DlqError {
        // A file that cannot be read may contain edits.
        let is_changed = self.read().map_or(true, |text| self.is_changed(&text));
        let kept = is_changed.then(|| self.file.keep().ok()).flatten();
        DlqError::NotSaved { reason, kept }
    }

    fn read(&self) -> io::Result<String> {
        fs::read_to_string(&self.file)
    }

    fn is_changed(&self, text: &str) -> bool {
        text.trim_end() != self.original.trim_end()
    }
}

/// The editor if neither variable names one.
const DEFAULT_EDITOR: &str = "vi";

/// A shell command as in `$VISUAL` and `$EDITOR`, which may contain arguments.
struct Editor(String);

impl Editor {
    /// Returns the editor that the environment names.
    fn from_environment() -> Self {
        let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| env::var(name).ok());
        let command = named.into_iter().find(|command| !command.trim().is_empty());
        Self(command.unwrap_or_else(|| DEFAULT_EDITOR.to_owned()))
    }

    /// Opens a file and waits until the editor ends. Meanwhile Ctrl-C goes to the editor only.
    ///
    /// # Errors
    /// Says why the editor did not edit the file.
    async fn open(&self, file: &Path) -> Result<(), String> {
        let Self(command) = self;
        let advice = "; set VISUAL or EDITOR to another editor";
        match run(command.clone(), file).await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the editor {command:?} ended with {status}{advice}")),
            Err(error) => Err(format!("the editor {command:?} cannot be started: {error}{advice}")),
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
