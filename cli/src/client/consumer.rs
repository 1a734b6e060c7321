//! `orderflow consumer`.

use orderflow_settings::Snapshot;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::http::{ApiRequest, PathSegment};
use crate::client::output::Table;
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};

/// The flags and subcommands of `orderflow consumer`.
#[derive(clap::Args)]
pub struct ConsumerArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: ConsumerCommand,
}

#[derive(clap::Subcommand)]
enum ConsumerCommand {
    /// Show each consumer, whether it is paused, and the messages of its queue.
    #[command(after_help = "Example:\n  orderflow consumer list")]
    List,
    /// Deliver no more messages to a consumer. They wait in its queue, also after a restart, until it is resumed.
    #[command(after_help = "Example:\n  orderflow consumer pause payment")]
    Pause(OneConsumer),
    /// Deliver messages to a consumer again.
    #[command(after_help = "Example:\n  orderflow consumer resume payment")]
    Resume(OneConsumer),
}

#[derive(clap::Args)]
struct OneConsumer {
    /// The name of the consumer, such as `payment`.
    #[arg(value_name = "CONSUMER", value_parser = PathSegment::parse)]
    consumer: PathSegment,
}

#[derive(Deserialize)]
struct Consumers {
    consumers: Vec<ConsumerState>,
}

#[derive(Deserialize)]
struct ConsumerState {
    consumer: String,
    paused: bool,
    since: Option<String>,
}

#[derive(Deserialize)]
struct Queues {
    queues: Vec<QueueCounts>,
}

#[derive(Default, Deserialize)]
struct QueueCounts {
    consumer: String,
    ready: u64,
    in_flight: u64,
    delayed: u64,
    dead: u64,
}

/// A consumer and its queue.
#[derive(Serialize)]
struct Line {
    consumer: String,
    paused: bool,
    since: Option<String>,
    ready: u64,
    in_flight: u64,
    delayed: u64,
    dead: u64,
}

impl ConsumerArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        match self.command {
            ConsumerCommand::List => {}
            ConsumerCommand::Pause(one) => one.change(&session, true).await?,
            ConsumerCommand::Resume(one) => one.change(&session, false).await?,
        }
        show(&mut session).await
    }
}

impl OneConsumer {
    async fn change(&self, session: &Session<'_>, paused: bool) -> Result<(), ClientError> {
        let request = ApiRequest::member(Method::PUT, "admin/consumers", &self.consumer);
        session.api.fetch(&request.json(&json!({ "paused": paused })).retried()).await?;
        Ok(())
    }
}

async fn show(session: &mut Session<'_>) -> Result<(), ClientError> {
    let response = session.api.fetch(&ApiRequest::list("admin/consumers")).await?;
    let states: Consumers = response.decode()?;
    let mut queues: Queues = session.api.fetch(&ApiRequest::list("admin/queues")).await?.decode()?;
    let lines = states.consumers.into_iter().map(|state| {
        let queue = queues.queues.iter_mut().find(|queue| queue.consumer == state.consumer);
        line(state, queue.map(std::mem::take).unwrap_or_default())
    });
    let lines: Vec<Line> = lines.collect();
    match session.format {
        Format::Json => {
            let json = serde_json::to_string(&json!({ "consumers": lines }));
            session.write_json(&json.map_err(|error| response.unexpected(Some(&error)))?)
        }
        Format::Table => {
            let headers = ["CONSUMER", "STATE", "READY", "IN FLIGHT", "DELAYED", "DEAD"];
            Ok(Table::new(&headers).write(lines.iter().map(Line::cells).collect(), session.output)?)
        }
    }
}

fn line(state: ConsumerState, queue: QueueCounts) -> Line {
    let ConsumerState { consumer, paused, since } = state;
    let QueueCounts { ready, in_flight, delayed, dead, .. } = queue;
    Line { consumer, paused, since, ready, in_flight, delayed, dead }
}

impl Line {
    fn cells(&self) -> Vec<String> {
        let state = self
            .since
            .as_ref()
            .map_or_else(|| "delivering".to_owned(), |since| format!("paused since {since}"));
        let counts = [self.ready, self.in_flight, self.delayed, self.dead];
        [self.consumer.clone(), state].into_iter().chain(counts.map(|count| count.to_string())).collect()
    }
}
