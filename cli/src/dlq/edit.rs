//! `orderflow dlq edit`.

use orderflow_domain::Event;
use orderflow_messaging::subscription;

use super::DlqError;
use super::ask::{can_ask, confirm};
use super::connection::Queues;
use super::draft::Draft;
use super::editor::Editor;
use super::report::write_done;
use super::selection::OneArgs;

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
