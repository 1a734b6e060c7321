//! The bundle `outbox-relay`: triggered by the tables' streams.

use std::sync::Arc;

use orderflow_lambda::{Error, Host};
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use orderflow_sqs::{Queue, SnsPublisher};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("outbox-relay").await?;
    let publisher = SnsPublisher::new(aws_sdk_sns::Client::new(host.aws()), host.required("TOPIC_ARN")?);
    publisher.warm().await;
    let sqs = aws_sdk_sqs::Client::new(host.aws());
    let dead_letters = Queue::new(&sqs, &host.required("DEAD_LETTER_QUEUE_URL")?);
    let relay = Relay::new(host.store(), EVENT_SOURCES, Arc::new(publisher), Arc::new(dead_letters));
    host.serve_stream(move |batch| {
        let relay = relay.clone();
        async move { relay.handle(batch).await }
    })
    .await
}
