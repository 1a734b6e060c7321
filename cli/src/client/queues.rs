//! `orderflow queues`.

use orderflow_messaging::QueueStatus;
use orderflow_settings::Snapshot;
use serde::Deserialize;

use crate::client::http::ApiRequest;
use crate::client::output::Table;
use crate::client::session::Format;
use crate::client::{ClientError, ConnectionArgs, Output};

/// The flags of `orderflow queues`.
#[derive(clap::Args)]
#[command(after_help = "\
READY messages wait for delivery, those IN FLIGHT are being processed, DELAYED ones wait for their retry, and DEAD ones wait for a person:
`orderflow dlq` shows them.

Example:
  orderflow queues
  orderflow queues --json")]
pub struct QueuesArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Deserialize)]
struct Queues {
    queues: Vec<QueueStatus>,
}

impl QueuesArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        let response = session.api.fetch(&ApiRequest::list("admin/queues").retried()).await?;
        let queues: Queues = response.decode()?;
        if session.format == Format::Json {
            return session.write_json(&response.body);
        }
        let rows = queues.queues.iter().map(|queue| {
            let counts = [queue.ready, queue.in_flight, queue.delayed, queue.dead];
            std::iter::once(queue.consumer.clone()).chain(counts.map(|count| count.to_string())).collect()
        });
        let headers = ["CONSUMER", "READY", "IN FLIGHT", "DELAYED", "DEAD"];
        Table::new(&headers).write(rows.collect(), session.output)?;
        if queues.queues.iter().any(|queue| queue.dead > 0) {
            session.output.note("`orderflow dlq list` shows the dead letters");
        }
        Ok(())
    }
}
