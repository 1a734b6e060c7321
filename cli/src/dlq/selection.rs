//! Which dead letters a command applies to.

use clap::builder::{PossibleValue, PossibleValuesParser};
use orderflow_messaging::{
    DeadLetter, DeadLetterCode, QueueAdmin, SUBSCRIPTIONS, Selection, hide_payment_tokens, subscription,
};
use orderflow_telemetry::audited_ids;

use super::DlqError;
use crate::client::http::PathSegment;

/// The dead letters of one consumer or of all, with one code or with any, and with a text or with any.
#[derive(clap::Args)]
pub(super) struct ScopeArgs {
    /// The consumer; without it the dead letters of every consumer.
    #[arg(value_parser = consumers())]
    pub(super) consumer: Option<String>,

    /// Only dead letters with this code.
    #[arg(long, value_parser = codes())]
    pub(super) code: Option<String>,

    /// Only dead letters with this text in their reason or message, in upper or lower case.
    #[arg(long)]
    pub(super) text: Option<String>,
}

/// The codes, with a lifetime as long as the command line needs it.
const CODES: &[(DeadLetterCode, &str)] = &DeadLetterCode::ALL;

/// The dead letters of a scope, or those with certain ids.
#[derive(clap::Args)]
pub(super) struct SelectionArgs {
    #[command(flatten)]
    scope: ScopeArgs,

    /// Only dead letters with these ids.
    #[arg(long = "id", value_name = "ID", num_args = 1.., value_parser = parse_id, conflicts_with_all = ["code", "text"])]
    ids: Vec<String>,
}

/// One dead letter.
#[derive(clap::Args)]
pub(super) struct OneArgs {
    /// The consumer.
    #[arg(value_parser = consumers())]
    pub(super) consumer: String,

    /// The id of the dead letter.
    #[arg(value_parser = parse_id)]
    pub(super) id: String,
}

fn codes() -> PossibleValuesParser {
    PossibleValuesParser::new(
        CODES.iter().map(|(code, meaning)| PossibleValue::new(code.as_str()).help(*meaning)),
    )
}

fn consumers() -> PossibleValuesParser {
    PossibleValuesParser::new(SUBSCRIPTIONS.iter().map(|row| row.consumer))
}

/// Accepts ids that can be a path segment, and refuses the names of consumers: `--id` takes every argument after it.
fn parse_id(text: &str) -> Result<String, &'static str> {
    if subscription(text).is_ok() {
        return Err("is a consumer; write it before --id");
    }
    PathSegment::parse(text).map(|id| id.as_str().to_owned())
}

/// The word for every consumer.
const ALL: &str = "all";

impl ScopeArgs {
    /// Returns the scope for the audit log.
    pub(super) fn in_audit_log(&self) -> String {
        let consumer = Some(("consumer", self.consumer.as_deref().unwrap_or(ALL)));
        let code = self.code.as_deref().map(|code| ("code", code));
        audited_ids(consumer.into_iter().chain(code).chain(self.text.as_deref().map(|text| ("text", text))))
    }

    /// Returns the consumers, in the order of the subscriptions.
    fn consumers(&self) -> Vec<&str> {
        match &self.consumer {
            Some(consumer) => vec![consumer],
            None => SUBSCRIPTIONS.iter().map(|row| row.consumer).collect(),
        }
    }

    /// Returns the dead letters, consumer by consumer.
    ///
    /// # Errors
    /// If the queues cannot be read.
    pub(super) async fn find(&self, admin: &dyn QueueAdmin) -> Result<Vec<DeadLetter>, DlqError> {
        let mut found = Vec::new();
        for consumer in self.consumers() {
            found.extend(admin.dead_letters(consumer).await?);
        }
        let selection = self.selection();
        found.retain(|letter| selection.includes(letter) && self.has_text(letter));
        Ok(found)
    }

    /// Returns whether the dead letter has the text. A payment token is no part of it.
    fn has_text(&self, letter: &DeadLetter) -> bool {
        let Some(text) = &self.text else { return true };
        let text = text.to_lowercase();
        let has = |part: &str| part.to_lowercase().contains(&text);
        has(&letter.reason) || has(&hide_payment_tokens(&letter.body))
    }

    fn selection(&self) -> Selection {
        self.code.clone().map_or(Selection::All, Selection::Code)
    }
}

impl SelectionArgs {
    /// Returns the selection for the audit log.
    pub(super) fn in_audit_log(&self) -> String {
        let ids = audited_ids(self.ids.iter().map(|id| ("id", id)));
        format!("{} {ids}", self.scope.in_audit_log()).trim_end().to_owned()
    }

    /// Returns the selection for the dead letters that were found of a consumer. Those with a text are selected by their ids.
    pub(super) fn selection_of(&self, found: &[DeadLetter]) -> Selection {
        match self.scope.text {
            Some(_) => Selection::Ids(found.iter().map(|letter| letter.id.clone()).collect()),
            None => self.selection(),
        }
    }

    /// Returns the selection by ids and code, which applies to each consumer.
    fn selection(&self) -> Selection {
        match self.ids.as_slice() {
            [] => self.scope.selection(),
            ids => Selection::Ids(ids.to_vec()),
        }
    }

    /// Returns the dead letters, consumer by consumer.
    ///
    /// # Errors
    /// If the queues cannot be read.
    pub(super) async fn find(&self, admin: &dyn QueueAdmin) -> Result<Vec<DeadLetter>, DlqError> {
        let mut found = self.scope.find(admin).await?;
        let selection = self.selection();
        found.retain(|letter| selection.includes(letter));
        Ok(found)
    }

    /// Reports the ids for which no dead letter was found.
    ///
    /// # Errors
    /// [`DlqError::Missing`] if there are any.
    pub(super) fn require_all(&self, found: &[DeadLetter]) -> Result<(), DlqError> {
        let is_missing = |id: &&String| !found.iter().any(|letter| letter.id == **id);
        let ids: Vec<String> = self.ids.iter().filter(is_missing).cloned().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let consumer = self.scope.consumer.clone().unwrap_or_else(|| "any consumer".to_owned());
        Err(DlqError::Missing { consumer, ids })
    }

    /// Returns the selection in words.
    pub(super) fn in_words(&self) -> String {
        let which = match self.selection() {
            Selection::All => "every dead letter".to_owned(),
            Selection::Code(code) => format!("every dead letter with code {code:?}"),
            Selection::Ids(_) => "the dead letters with these ids".to_owned(),
        };
        let which = match &self.scope.text {
            Some(text) => format!("{which} with the text {text:?}"),
            None => which,
        };
        format!("{which} of {}", self.scope.consumer.as_deref().unwrap_or("every consumer"))
    }
}

impl OneArgs {
    /// Returns the dead letter for the audit log.
    pub(super) fn in_audit_log(&self) -> String {
        audited_ids([("consumer", &self.consumer), ("id", &self.id)])
    }

    /// Returns the dead letter; if several have the id, the oldest.
    ///
    /// # Errors
    /// [`DlqError::Missing`] if there is none; any other error if the queues cannot be read.
    pub(super) async fn find(&self, admin: &dyn QueueAdmin) -> Result<DeadLetter, DlqError> {
        let letters = admin.dead_letters(&self.consumer).await?;
        letters.into_iter().find(|letter| letter.id == self.id).ok_or_else(|| self.missing())
    }

    /// Returns the error for a dead letter that does not exist.
    pub(super) fn missing(&self) -> DlqError {
        DlqError::Missing { consumer: self.consumer.clone(), ids: vec![self.id.clone()] }
    }
}
