//! The topic and the queues, as the program creates them.

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use orderflow_domain::Event;
use orderflow_messaging::{Publisher, SUBSCRIPTIONS, Subscription};
use orderflow_sqs::{QueueUrls, SnsPublisher, SqsNames, SqsTopology};
use orderflow_testing::ministack::MiniStack;
use serde_json::{Value, json};

use crate::world::PREFIX;

/// A visibility timeout longer than any test: a message that is received earlier was released by the function.
const VISIBILITY_SECONDS: &str = "600";

/// The maximum number of messages in one receive from SQS.
const BATCH: i32 = 10;

/// A client of MiniStack.
macro_rules! client {
    ($sdk:ident, $stack:expr) => {{
        let config = $sdk::Config::builder()
            .behavior_version_latest()
            .region($sdk::config::Region::from_static("us-east-1"))
            .credentials_provider($sdk::config::Credentials::new("test", "test", None, None, "test"))
            .endpoint_url($stack.endpoint())
            .build();
        $sdk::Client::from_conf(config)
    }};
}

pub(crate) struct Cloud {
    stack: MiniStack,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    topology: SqsTopology,
    relay_dead_letters: String,
}

impl Cloud {
    pub(crate) async fn open(ministack: &Path) -> Self {
        let stack = MiniStack::start(ministack).await.unwrap();
        let (sns, sqs) = (client!(aws_sdk_sns, stack), client!(aws_sdk_sqs, stack));
        let topology = SqsTopology::ensure(&sns, &sqs, &names()).await.unwrap();
        for Subscription { consumer, .. } in SUBSCRIPTIONS {
            set_long_visibility_timeout(&sqs, &topology.queues.of(consumer).unwrap().queue).await;
        }
        let request = sqs.create_queue().queue_name(names().dead_letter_queue("outbox-relay"));
        let relay_dead_letters = request.send().await.unwrap().queue_url.unwrap();
        set_long_visibility_timeout(&sqs, &relay_dead_letters).await;
        Self { stack, sns, sqs, topology, relay_dead_letters }
    }

    /// Creates the topic again and subscribes every queue to it.
    pub(crate) async fn create_topic(&mut self) {
        self.topology = SqsTopology::ensure(&self.sns, &self.sqs, &names()).await.unwrap();
    }

    pub(crate) async fn delete_topic(&self) {
        self.sns.delete_topic().topic_arn(&self.topology.topic_arn).send().await.unwrap();
    }

    /// Verifies a domain as a sender at SES.
    pub(crate) async fn verify_sender(&self, domain: &str) {
        let ses = client!(aws_sdk_sesv2, self.stack);
        ses.create_email_identity().email_identity(domain).send().await.unwrap();
    }

    pub(crate) fn endpoint(&self) -> &str {
        self.stack.endpoint()
    }

    /// Returns a bundle's variables with topic and queues.
    pub(crate) fn environment(&self, bundle: &str) -> Vec<(&'static str, String)> {
        match (bundle, self.topology.queues.of(bundle)) {
            ("outbox-relay", _) => vec![
                ("TOPIC_ARN", self.topology.topic_arn.clone()),
                ("DEAD_LETTER_QUEUE_URL", self.relay_dead_letters.clone()),
            ],
            (_, Ok(urls)) => {
                vec![("QUEUE_URL", urls.queue.clone()), ("DEAD_LETTER_QUEUE_URL", urls.dead_letters.clone())]
            }
            (_, Err(_)) => Vec::new(),
        }
    }

    /// Publishes events to the topic.
    pub(crate) async fn publish(&self, events: &[Event]) {
        let publisher = SnsPublisher::new(self.sns.clone(), &self.topology.topic_arn);
        for result in publisher.publish(events).await {
            result.unwrap();
        }
    }

    /// Sends any text to a consumer's queue.
    pub(crate) async fn send(&self, consumer: &str, text: &str) {
        let queue_url = &self.urls(consumer).queue;
        self.sqs.send_message().queue_url(queue_url).message_body(text).send().await.unwrap();
    }

    /// Receives messages of a consumer's queue, and waits at most this long for the first.
    pub(crate) async fn receive(&self, consumer: &str, wait_seconds: i32) -> Vec<Message> {
        self.messages(&self.urls(consumer).queue, wait_seconds).await
    }

    /// Receives this many messages of a consumer's queue.
    pub(crate) async fn receive_exactly(&self, consumer: &str, count: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        while messages.len() < count {
            let more = self.receive(consumer, 20).await;
            assert!(!more.is_empty(), "{consumer} has only {} of {count} messages", messages.len());
            messages.extend(more);
        }
        assert_eq!(messages.len(), count);
        messages
    }

    /// Receives the dead letters of a bundle.
    pub(crate) async fn dead_letters(&self, bundle: &str) -> Vec<Message> {
        let urls = self.topology.queues.of(bundle);
        let url = urls.map_or(&self.relay_dead_letters, |urls| &urls.dead_letters);
        self.messages(url, 0).await
    }

    pub(crate) async fn delete(&self, consumer: &str, message: &Message) {
        let request = self.sqs.delete_message().queue_url(&self.urls(consumer).queue);
        request.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
    }

    /// Returns the event that Lambda's event source mapping sends for a batch.
    pub(crate) fn sqs_event(&self, consumer: &str, messages: &[Message]) -> Value {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{}", names().queue(consumer));
        let records: Vec<_> = messages.iter().map(|message| record(message, &arn)).collect();
        json!({ "Records": records })
    }

    fn urls(&self, consumer: &str) -> &QueueUrls {
        self.topology.queues.of(consumer).unwrap()
    }

    async fn messages(&self, url: &str, wait_seconds: i32) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(url).max_number_of_messages(BATCH);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let request = request.message_attribute_names("All").wait_time_seconds(wait_seconds);
        request.send().await.unwrap().messages.unwrap_or_default()
    }
}

fn names() -> SqsNames {
    SqsNames::new(PREFIX)
}

async fn set_long_visibility_timeout(sqs: &aws_sdk_sqs::Client, url: &str) {
    let request = sqs.set_queue_attributes().queue_url(url);
    request.attributes(QueueAttributeName::VisibilityTimeout, VISIBILITY_SECONDS).send().await.unwrap();
}

fn record(message: &Message, arn: &str) -> Value {
    let attributes: BTreeMap<_, _> =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
    let message_attributes: BTreeMap<_, _> = message
        .message_attributes
        .iter()
        .flatten()
        .map(|(name, value)| {
            let attribute = json!({
                "stringValue": value.string_value,
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.data_type,
            });
            (name, attribute)
        })
        .collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": message_attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    })
}
