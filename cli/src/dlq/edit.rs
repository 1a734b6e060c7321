//! `orderflow dlq edit`.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::{env, fs, io};

use orderflow_domain::Event;
use orderflow_messaging::{StoredDeadLetter, subscription};
use tempfile::TempPath;
use tokio::signal::ctrl_c;
use tokio::task::spawn_blocking;

use super::DlqError;
use super::connection::Queues;
use super::letter::laid_out;
use super::selection::OneArgs;
use super::terminal::{can_ask, confirm, write_done};

pub(super) const AFTER_HELP: &str = "\
The editor is $VISUAL, else $EDITOR, else vi. What it leaves is put back where it is an event that the consumer is told
of; the dead letter stays one until it is replayed. What is not put back is kept in a file.

Example:
  orderflow dlq edit payment 01890a5d-ac96-774b-bcce-b302099a8057
  EDITOR='code --wait' orderflow dlq edit payment 01890a5d-ac96-774b-bcce-b302099a8057";

/// Which one.
#[derive(clap::Args)]
pub(super) struct EditArgs {
    #[command(flatten)]
    one: OneArgs,
}

impl EditArgs {
    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let letter = self.one.find(queues.admin.as_ref()).await?;
        let draft = Draft::of(&letter)?;
        match self.edit(&draft, queues).await {
            Ok(Some(event)) => self.put_back(&event, draft, queues).await,
            Ok(None) => {
                queues.output.note("nothing was changed");
                write_done("edited", 0, queues)
            }
            Err(reason) => Err(draft.give_up(reason)),
        }
    }

    /// The event as it was edited, nothing where it was not. Where it is none, a person may edit again.
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
                return Err("given up".to_owned());
            }
        }
    }

    async fn put_back(&self, event: &Event, draft: Draft, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let OneArgs { consumer, id } = &self.one;
        match queues.admin.replace(consumer, id, event).await {
            Ok(true) => {
                let next = format!("put back; to replay it: orderflow dlq replay {consumer} --id {id}");
                queues.output.note(next);
                write_done("edited", 1, queues)
            }
            Ok(false) => Err(draft.give_up(self.one.missing().to_string())),
            Err(error) => Err(draft.give_up(DlqError::from(error).to_string())),
        }
    }
}

/// Reads an event that the consumer is told of.
fn event_for(consumer: &str, text: &str) -> Result<Event, String> {
    let event = Event::from_json(text).map_err(|error| format!("this is no event: {error}"))?;
    let types = subscription(consumer).map_err(|error| error.to_string())?.types;
    if types.contains(&event.event_type()) {
        return Ok(event);
    }
    let types: Vec<&str> = types.iter().map(|known| known.as_str()).collect();
    Err(format!("{consumer} is not told of {}, only of {}", event.event_type(), types.join(", ")))
}

/// A file that only its owner can read: there are customers' addresses in it. It is removed at the end, unless what was typed into it
/// would be lost.
struct Draft {
    file: TempPath,
    original: String,
}

impl Draft {
    /// Writes the message of a dead letter into a new file.
    ///
    /// # Errors
    /// Where that is not possible.
    fn of(letter: &StoredDeadLetter) -> io::Result<Self> {
        let original = laid_out(letter);
        let mut file = tempfile::Builder::new().prefix("orderflow-").suffix(".json").tempfile()?;
        // Editors add the last line's end by themselves.
        writeln!(file, "{original}")?;
        Ok(Self { file: file.into_temp_path(), original })
    }

    /// Has it edited. Gives the text, where it is another than before.
    ///
    /// # Errors
    /// Why there is no edited text, for a person.
    async fn edit(&self, editor: &Editor) -> Result<Option<String>, String> {
        editor.open(&self.file).await?;
        let text = self.read().map_err(|error| format!("the edited text cannot be read: {error}"))?;
        Ok(Some(text).filter(|text| self.is_changed(text)))
    }

    /// Ends without having put the text back. What was typed stays.
    fn give_up(self, reason: String) -> DlqError {
        // What cannot be read may hold something all the same.
        let is_changed = self.read().map_or(true, |text| self.is_changed(&text));
        let kept = is_changed.then(|| self.file.keep().ok()).flatten();
        DlqError::NotPutBack { reason, kept }
    }

    fn read(&self) -> io::Result<String> {
        fs::read_to_string(&self.file)
    }

    fn is_changed(&self, text: &str) -> bool {
        text.trim_end() != self.original.trim_end()
    }
}

/// What runs where no editor is named.
const DEFAULT_EDITOR: &str = "vi";

/// A command of the shell, as in `$VISUAL` and `$EDITOR`: it may hold arguments.
struct Editor(String);

impl Editor {
    /// The one that the environment names.
    fn from_environment() -> Self {
        let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| env::var(name).ok());
        let command = named.into_iter().find(|command| !command.trim().is_empty());
        Self(command.unwrap_or_else(|| DEFAULT_EDITOR.to_owned()))
    }

    /// Opens a file and waits until the editor ends. Ctrl-C is the editor's meanwhile.
    ///
    /// # Errors
    /// Why there is no edited file, for a person.
    async fn open(&self, file: &Path) -> Result<(), String> {
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
