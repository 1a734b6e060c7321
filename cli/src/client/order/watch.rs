//! `orderflow order watch`.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::poll::{OrderPoll, fetch_again};
use super::view::OrderView;
use crate::client::arguments::parse_duration;
use crate::client::http::{ApiRequest, ApiResponse, PathSegment};
use crate::client::output::json_text::compact;
use crate::client::output::printable;
use crate::client::session::{Format, Session};
use crate::client::{ClientError, Output};

pub(crate) const AFTER_HELP: &str = "\
While the server restarts, the command connects again. The exit code is 0 when the order ended, whether confirmed, rejected or cancelled: the last status shows which. With --json each line
is an object with one member, `event` or `order`.

Example:
  orderflow order watch 01890a5d-ac96-774b-bcce-b302099a8057 --timeout 30s";

/// The order to follow.
#[derive(clap::Args)]
pub(crate) struct WatchArgs {
    /// The id of the order.
    #[arg(value_parser = PathSegment::parse)]
    id: PathSegment,

    /// The time limit, a number with ms, s, m or h; without it there is none.
    #[arg(long, value_parser = parse_duration)]
    timeout: Option<Duration>,
}

#[derive(Deserialize)]
struct Timeline {
    events: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct EventView {
    r#type: String,
    time: String,
    detail: Option<serde_json::Value>,
}

impl WatchArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let Some(timeout) = self.timeout else {
            return Watch::default().follow(session, &self.id).await;
        };
        let mut watch = Watch::default();
        let followed = tokio::time::timeout(timeout, watch.follow(session, &self.id)).await;
        followed.unwrap_or_else(|_| {
            Err(ClientError::StillUndecided {
                id: self.id.as_str().to_owned(),
                status: watch.status.unwrap_or_else(|| "unknown".to_owned()),
                waited: timeout,
            })
        })
    }
}

/// What has been printed.
#[derive(Default)]
struct Watch {
    events: HashSet<String>,
    status: Option<String>,
}

impl Watch {
    async fn follow(&mut self, session: &mut Session<'_>, id: &PathSegment) -> Result<(), ClientError> {
        let (api, format) = (&session.api, session.format);
        let output = &mut *session.output;
        let events = ApiRequest::member(Method::GET, "orders", id).below("events").retried();
        let mut poll = OrderPoll::new(api, id, false);
        loop {
            let changed = poll.changed(output).await?;
            // Read after the order, so that they include the event that ended it.
            let timeline = fetch_again(api, &events, output).await?;
            if self.show_events(&timeline, format, output)? > 0 || changed.is_some() {
                poll.reset_wait();
            }
            if let Some(response) = changed
                && self.show_order(&response, format, output)?.has_ended()
            {
                return Ok(());
            }
            output.flush()?;
            poll.wait().await;
        }
    }

    /// Prints the new events and returns their number.
    fn show_events(
        &mut self,
        response: &ApiResponse,
        format: Format,
        output: &mut Output,
    ) -> Result<usize, ClientError> {
        let timeline: Timeline = response.decode()?;
        let mut shown = 0;
        for raw in timeline.events {
            if !self.events.insert(raw.get().to_owned()) {
                continue;
            }
            shown += 1;
            match format {
                Format::Json => output.json(&format!(r#"{{"event":{}}}"#, compact(raw.get())))?,
                Format::Table => {
                    let event: EventView =
                        serde_json::from_str(raw.get()).map_err(|error| response.unexpected(Some(&error)))?;
                    output.line(event.line())?;
                }
            }
        }
        Ok(shown)
    }

    /// Prints the status of the order if it has changed.
    fn show_order(
        &mut self,
        response: &ApiResponse,
        format: Format,
        output: &mut Output,
    ) -> Result<OrderView, ClientError> {
        let order: OrderView = response.decode()?;
        let status = order.status_with_reason();
        if self.status.as_ref() != Some(&status) {
            match format {
                Format::Json => output.json(&format!(r#"{{"order":{}}}"#, compact(&response.body)))?,
                Format::Table => {
                    let line = format!("{}  status: {status}", order.updated_at);
                    output.line(printable(&line))?;
                }
            }
            self.status = Some(status);
        }
        Ok(order)
    }
}

impl EventView {
    fn line(&self) -> String {
        let mut line = format!("{}  {}", self.time, self.r#type);
        match &self.detail {
            Some(serde_json::Value::String(text)) => line.push_str(&format!("  {text}")),
            Some(other) => line.push_str(&format!("  {other}")),
            None => {}
        }
        printable(&line)
    }
}
