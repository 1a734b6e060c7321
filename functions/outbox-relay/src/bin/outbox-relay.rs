//! The bundle `outbox-relay`: triggered by the tables' streams.

use std::sync::Arc;

use orderflow_lambda::{Bundle, Error};
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use orderflow_settings::NotAllowed;
use orderflow_settings::declared::{DEAD_LETTER_QUEUE_URL, TOPIC_ARN};
use orderflow_sqs::{Queue, SnsPublisher};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, (topic, dead_letter_queue)) = Bundle::start("outbox-relay", |reader| {
        let topic = reader.required(&TOPIC_ARN, "", topic_arn);
        let dead_letter_queue = reader.http_url(&DEAD_LETTER_QUEUE_URL);
        let dead_letter_queue = reader.require(&DEAD_LETTER_QUEUE_URL, "", dead_letter_queue);
        Ok((topic?, dead_letter_queue?))
    })
    .await?;
    let publisher = SnsPublisher::new(aws_sdk_sns::Client::new(bundle.aws()), topic);
    publisher.warm().await;
    let sqs = aws_sdk_sqs::Client::new(bundle.aws());
    let dead_letters = Queue::new(&sqs, &dead_letter_queue);
    let relay = Relay::new(bundle.store(), EVENT_SOURCES, Arc::new(publisher), Arc::new(dead_letters));
    bundle
        .serve_stream(move |batch| {
            let relay = relay.clone();
            async move { relay.handle(batch).await }
        })
        .await
}

fn topic_arn(text: &str) -> Result<String, NotAllowed> {
    let text = text.trim();
    if text.starts_with("arn:") { Ok(text.to_owned()) } else { Err(NotAllowed) }
}
