//! `orderflow order cancel` and `orderflow order resend`.

use indicatif::{ProgressBar, ProgressDrawTarget};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::selection::SelectionArgs;
use super::view::{self, OrderView};
use crate::client::ClientError;
use crate::client::http::{ApiRequest, ApiResponse, PathSegment};
use crate::client::output::Table;
use crate::client::output::listing::ListItem;
use crate::client::output::question::{can_ask, confirm};
use crate::client::session::{Format, Session};

pub(super) const CANCEL_AFTER_HELP: &str = "\
Filters select undecided orders only. An order that is decided meanwhile is skipped and counted.

Examples:
  orderflow order cancel 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow order cancel --sku MUG-01 --dry-run
  orderflow order cancel --status reserved --older-than 10m --yes";

pub(super) const RESEND_AFTER_HELP: &str = "\
The system resends by itself what makes no progress for ORDER_RESEND_AFTER; this command does not wait for that. What is done already is
recognised and not repeated. Settled orders are skipped and counted.

Examples:
  orderflow order resend 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow order resend --status pending --older-than 1m --dry-run
  orderflow order resend --status pending --older-than 1m";

/// The orders to cancel, and how to confirm.
#[derive(clap::Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    selection: SelectionArgs,

    /// Cancel without asking for confirmation; required for filters without a terminal.
    #[arg(long)]
    yes: bool,
}

/// The orders to resend.
#[derive(clap::Args)]
pub(super) struct ResendArgs {
    #[command(flatten)]
    selection: SelectionArgs,
}

/// What is done with each order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Cancel,
    Resend,
}

impl Verb {
    const fn base(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Resend => "resend",
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Resend => "resent",
        }
    }

    fn request(self, id: &PathSegment) -> ApiRequest {
        match self {
            Self::Cancel => ApiRequest::member(Method::DELETE, "orders", id).retried(),
            Self::Resend => ApiRequest::member(Method::POST, "orders", id).below("resend"),
        }
    }

    /// Returns whether the answer says that the order was changed. `false` is for an order that is decided, or settled.
    fn has_changed(self, answer: Result<ApiResponse, ClientError>) -> Result<bool, ClientError> {
        match answer {
            Ok(response) => Ok(self == Self::Cancel || response.status == StatusCode::ACCEPTED),
            Err(ClientError::Problem(problem)) if problem.slug() == "order-not-cancellable" => Ok(false),
            Err(ClientError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl CancelArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        if self.selection.id.is_none() && !self.selection.dry_run && !self.yes && !can_ask() {
            let message = "cancelling by filters needs a confirmation, and there is no terminal to ask on: give --yes, or --dry-run to see which orders match";
            return Err(ClientError::Usage(message.to_owned()));
        }
        if let Some(id) = &self.selection.id {
            return one(session, Verb::Cancel, id).await;
        }
        let found = self.selection.find(session).await?;
        if self.selection.dry_run {
            return preview(session, Verb::Cancel, &found);
        }
        if !self.yes && !found.is_empty() {
            let question = format!("Cancel {}?", orders(found.len()));
            if !confirm(&question, session.output).await? {
                return Err(ClientError::Declined);
            }
        }
        each(session, Verb::Cancel, &found).await
    }
}

impl ResendArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        if let Some(id) = &self.selection.id {
            return one(session, Verb::Resend, id).await;
        }
        let found = self.selection.find(session).await?;
        match self.selection.dry_run {
            true => preview(session, Verb::Resend, &found),
            false => each(session, Verb::Resend, &found).await,
        }
    }
}

/// Changes one order and shows it.
async fn one(session: &mut Session<'_>, verb: Verb, id: &PathSegment) -> Result<(), ClientError> {
    let response = session.api.fetch(&verb.request(id)).await?;
    if verb == Verb::Resend && response.status == StatusCode::OK {
        session.output.note("the order is settled: there is nothing to resend");
    }
    view::show(session, &response)
}

fn preview(session: &mut Session<'_>, verb: Verb, found: &[OrderView]) -> Result<(), ClientError> {
    if session.format == Format::Json {
        return session.write_json(&json!({ format!("would_{}", verb.base()): found.len() }).to_string());
    }
    let count = orders(found.len());
    session.output.note(format_args!("would {} {count}; nothing was changed", verb.base()));
    let rows = found.iter().map(ListItem::row).collect();
    Ok(Table::new(OrderView::HEADERS).write(rows, session.output)?)
}

/// Changes the orders one after another, and shows how many were changed.
async fn each(session: &mut Session<'_>, verb: Verb, found: &[OrderView]) -> Result<(), ClientError> {
    let bar = ProgressBar::with_draw_target(Some(found.len() as u64), ProgressDrawTarget::stderr());
    let (mut changed, mut skipped) = (0_usize, 0_usize);
    for order in found {
        let done = match PathSegment::parse(&order.id) {
            Ok(id) => verb.has_changed(session.api.fetch(&verb.request(&id)).await),
            Err(reason) => Err(ClientError::Usage(format!("the id {:?} {reason}", order.id))),
        };
        match done {
            Ok(true) => changed += 1,
            Ok(false) => skipped += 1,
            Err(error) => {
                bar.finish_and_clear();
                let before = orders(changed);
                session.output.note(format_args!(
                    "{} {before} before the failure; repeat the command for the rest",
                    verb.done()
                ));
                return Err(error);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    match session.format {
        Format::Json => session.write_json(&json!({ verb.done(): changed, "skipped": skipped }).to_string()),
        Format::Table => {
            let skipped = if skipped == 0 { String::new() } else { format!(", skipped {skipped}") };
            Ok(session.output.line(format_args!("{} {}{skipped}", verb.done(), orders(changed)))?)
        }
    }
}

fn orders(count: usize) -> String {
    if count == 1 { "1 order".to_owned() } else { format!("{count} orders") }
}
