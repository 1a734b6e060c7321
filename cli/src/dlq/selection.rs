//! Which dead letters are meant.

use clap::builder::PossibleValuesParser;
use orderflow_messaging::{QueueAdmin, SUBSCRIPTIONS, Selection, StoredDeadLetter, subscription};

use super::DlqError;
use crate::client::http::PathSegment;

/// The dead letters of a consumer, or of all, with a code or with any.
#[derive(clap::Args)]
pub(super) struct ScopeArgs {
    /// Whose dead letters; without it those of every consumer.
    #[arg(value_parser = consumers())]
    pub(super) consumer: Option<String>,

    /// Only those with this code.
    #[arg(long)]
    pub(super) code: Option<String>,
}

/// The dead letters of a scope, or those with some ids.
#[derive(clap::Args)]
pub(super) struct SelectionArgs {
    #[command(flatten)]
    scope: ScopeArgs,

    /// Only those with these ids.
    #[arg(long = "id", value_name = "ID", num_args = 1.., value_parser = parse_id, conflicts_with = "code")]
    ids: Vec<String>,
}

/// One dead letter.
#[derive(clap::Args)]
pub(super) struct OneArgs {
    /// Whose dead letter.
    #[arg(value_parser = consumers())]
    pub(super) consumer: String,

    /// Its id.
    #[arg(value_parser = parse_id)]
    pub(super) id: String,
}

fn consumers() -> PossibleValuesParser {
    PossibleValuesParser::new(SUBSCRIPTIONS.iter().map(|row| row.consumer))
}

/// Takes what can be in a path; and no consumer, since `--id` takes all that comes behind it.
fn parse_id(text: &str) -> Result<String, &'static str> {
    if subscription(text).is_ok() {
        return Err("is a consumer, which goes before --id");
    }
    PathSegment::parse(text).map(|id| id.as_str().to_owned())
}

impl ScopeArgs {
    /// The consumers, in the order of the subscriptions.
    fn consumers(&self) -> Vec<&str> {
        match &self.consumer {
            Some(consumer) => vec![consumer],
            None => SUBSCRIPTIONS.iter().map(|row| row.consumer).collect(),
        }
    }

    /// The dead letters, consumer by consumer.
    ///
    /// # Errors
    /// Where the queues do not answer.
    pub(super) async fn find(&self, admin: &dyn QueueAdmin) -> Result<Vec<StoredDeadLetter>, DlqError> {
        let mut found = Vec::new();
        for consumer in self.consumers() {
            found.extend(admin.dead_letters(consumer).await?);
        }
        let meant = self.selection();
        found.retain(|letter| meant.includes(letter));
        Ok(found)
    }

    fn selection(&self) -> Selection {
        self.code.clone().map_or(Selection::All, Selection::Code)
    }
}

impl SelectionArgs {
    /// What is meant of each consumer's.
    pub(super) fn selection(&self) -> Selection {
        match self.ids.as_slice() {
            [] => self.scope.selection(),
            ids => Selection::Ids(ids.to_vec()),
        }
    }

    /// The dead letters, consumer by consumer.
    ///
    /// # Errors
    /// Where the queues do not answer.
    pub(super) async fn find(&self, admin: &dyn QueueAdmin) -> Result<Vec<StoredDeadLetter>, DlqError> {
        let mut found = self.scope.find(admin).await?;
        let meant = self.selection();
        found.retain(|letter| meant.includes(letter));
        Ok(found)
    }

    /// Tells of ids that nothing was found for.
    ///
    /// # Errors
    /// [`DlqError::Missing`] where there are some.
    pub(super) fn require_all(&self, found: &[StoredDeadLetter]) -> Result<(), DlqError> {
        let is_missing = |id: &&String| !found.iter().any(|letter| letter.id == **id);
        let ids: Vec<String> = self.ids.iter().filter(is_missing).cloned().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let consumer = self.scope.consumer.clone().unwrap_or_else(|| "any consumer".to_owned());
        Err(DlqError::Missing { consumer, ids })
    }

    /// What is meant, in words.
    pub(super) fn in_words(&self) -> String {
        let which = match self.selection() {
            Selection::All => "every dead letter".to_owned(),
            Selection::Code(code) => format!("every dead letter with code {code:?}"),
            Selection::Ids(_) => "the dead letters with these ids".to_owned(),
        };
        format!("{which} of {}", self.scope.consumer.as_deref().unwrap_or("every consumer"))
    }
}

impl OneArgs {
    /// The dead letter; where several have the id, the oldest.
    ///
    /// # Errors
    /// [`DlqError::Missing`] where there is none, and where the queues do not answer.
    pub(super) async fn find(&self, admin: &dyn QueueAdmin) -> Result<StoredDeadLetter, DlqError> {
        let letters = admin.dead_letters(&self.consumer).await?;
        letters.into_iter().find(|letter| letter.id == self.id).ok_or_else(|| self.missing())
    }

    /// That there is none.
    pub(super) fn missing(&self) -> DlqError {
        DlqError::Missing { consumer: self.consumer.clone(), ids: vec![self.id.clone()] }
    }
}
