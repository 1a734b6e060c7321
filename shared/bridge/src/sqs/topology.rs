//! The topic and the queues of an installation.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use orderflow_messaging::{SUBSCRIPTIONS, SnsPublisher, UnknownConsumer};
use tokio::time::timeout;

use super::names::queue_arn;
use super::queue::Queue;
use super::subscriptions::subscribe;
use super::{SqsError, SqsNames};

/// Receipts after which SQS itself puts a message away (AWS limit). Functions give up long before; this is for what ends every process
/// that takes it.
const MAX_RECEIPTS: u32 = 1_000;

/// How long messages are kept (AWS limit: 14 days), in seconds.
const RETENTION: &str = "1209600";

/// How long what was taken is hidden where whoever takes it does not say, in seconds.
const VISIBILITY: &str = "180";

/// How long one request may take: longer than SQS waits for a message.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the queues may take to say that they are there.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a consumer's messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// Its queue.
    pub queue: String,
    /// Its dead letters.
    pub dead_letters: String,
}

/// The queues of every consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsQueues(BTreeMap<&'static str, QueueUrls>);

/// The topic, and the queues that are subscribed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsTopology {
    /// The topic that events are published to.
    pub topic_arn: String,
    /// The queues.
    pub queues: SqsQueues,
}

/// The queues of an installation, and a client to reach them with.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    queues: SqsQueues,
}

impl SqsQueues {
    /// Finds the queues that there are.
    ///
    /// # Errors
    /// [`SqsError`] where one is missing, or SQS does not answer.
    pub async fn find(client: &Client, names: &SqsNames) -> Result<Self, SqsError> {
        let find = async |consumer: &'static str| {
            let (queue, dead_letters) = (names.queue(consumer), names.dead_letter_queue(consumer));
            let urls = QueueUrls {
                queue: existing(client, &queue).await?,
                dead_letters: existing(client, &dead_letters).await?,
            };
            Ok((consumer, urls))
        };
        let found = try_join_all(SUBSCRIPTIONS.iter().map(|row| find(row.consumer))).await?;
        Ok(Self(found.into_iter().collect()))
    }

    /// The queues of a consumer.
    ///
    /// # Errors
    /// [`UnknownConsumer`] where there is none of that name.
    pub fn of(&self, consumer: &str) -> Result<&QueueUrls, UnknownConsumer> {
        self.0.get(consumer).ok_or_else(|| UnknownConsumer(consumer.to_owned()))
    }
}

impl SqsTopology {
    /// Makes what is missing of the topic, the queues and their subscriptions. Topic and queues that exist are left as they are: a template may
    /// have made them otherwise. Subscriptions are brought in line with what consumers are told of.
    ///
    /// # Errors
    /// [`SqsError`] where something can't be made. Doing it again completes it.
    pub async fn ensure(sns: &aws_sdk_sns::Client, sqs: &Client, names: &SqsNames) -> Result<Self, SqsError> {
        let topic = sns.create_topic().name(names.topic()).send().await;
        let topic = topic.map_err(|error| SqsError::request("CreateTopic", error))?;
        let missing = SqsError::Shape { operation: "CreateTopic", missing: "an ARN" };
        let topic_arn = topic.topic_arn.ok_or(missing)?;
        let make = |consumer| ensure_queues(sqs, names, &topic_arn, consumer);
        let queues = try_join_all(SUBSCRIPTIONS.iter().map(|row| make(row.consumer))).await?;
        subscribe(sns, &topic_arn, names).await?;
        Ok(Self { topic_arn, queues: SqsQueues(queues.into_iter().collect()) })
    }
}

impl Sqs {
    /// The queues that there are at what these settings point to.
    ///
    /// # Errors
    /// As [`SqsQueues::find`].
    pub async fn find(config: &SdkConfig, names: &SqsNames) -> Result<Self, SqsError> {
        let client = Client::new(&with_timeouts(config));
        let queues = SqsQueues::find(&client, names).await?;
        Ok(Self { client, queues })
    }

    /// The queues at what these settings point to, and who publishes to them; what is missing is made.
    ///
    /// # Errors
    /// As [`SqsTopology::ensure`].
    pub async fn ensure(config: &SdkConfig, names: &SqsNames) -> Result<(Self, SnsPublisher), SqsError> {
        let config = with_timeouts(config);
        let (sns, client) = (aws_sdk_sns::Client::new(&config), Client::new(&config));
        let SqsTopology { topic_arn, queues } = SqsTopology::ensure(&sns, &client, names).await?;
        Ok((Self { client, queues }, SnsPublisher::new(sns, topic_arn)))
    }

    /// Whether the queues answer.
    pub async fn is_up(&self) -> bool {
        let Some(urls) = self.queues.0.values().next() else { return false };
        let answer = timeout(ANSWER_TIMEOUT, Queue::new(&self.client, &urls.queue).counts()).await;
        matches!(answer, Ok(Ok(_)))
    }

    /// The queue of a consumer.
    pub(super) fn queue(&self, consumer: &str) -> Result<Queue, UnknownConsumer> {
        Ok(Queue::new(&self.client, &self.queues.of(consumer)?.queue))
    }

    /// The dead letters of a consumer.
    pub(super) fn dead_letter_queue(&self, consumer: &str) -> Result<Queue, UnknownConsumer> {
        Ok(Queue::new(&self.client, &self.queues.of(consumer)?.dead_letters))
    }
}

fn with_timeouts(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(REQUEST_TIMEOUT).build();
    config.clone().into_builder().timeout_config(timeouts).build()
}

/// A consumer's queues. The dead letters are made first: the queue names them.
async fn ensure_queues(
    client: &Client,
    names: &SqsNames,
    topic_arn: &str,
    consumer: &'static str,
) -> Result<(&'static str, QueueUrls), SqsError> {
    let (queue, dead_letter_queue) = (names.queue(consumer), names.dead_letter_queue(consumer));
    let retention = (QueueAttributeName::MessageRetentionPeriod, RETENTION.to_owned());
    let dead_letters = ensure_queue(client, &dead_letter_queue, [retention.clone()]).await?;
    let redrive = serde_json::json!({
        "deadLetterTargetArn": queue_arn(topic_arn, &dead_letter_queue),
        "maxReceiveCount": MAX_RECEIPTS,
    });
    let attributes = [
        retention,
        (QueueAttributeName::VisibilityTimeout, VISIBILITY.to_owned()),
        (QueueAttributeName::RedrivePolicy, redrive.to_string()),
        (QueueAttributeName::Policy, topic_may_send(topic_arn, &queue_arn(topic_arn, &queue))),
    ];
    let queue = ensure_queue(client, &queue, attributes).await?;
    Ok((consumer, QueueUrls { queue, dead_letters }))
}

/// The policy by which a queue takes messages from the topic.
fn topic_may_send(topic_arn: &str, queue_arn: &str) -> String {
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "sns.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": { "ArnEquals": { "aws:SourceArn": topic_arn } },
        }],
    });
    policy.to_string()
}

/// The URL of a queue, which is made with these attributes where there is none.
async fn ensure_queue(
    client: &Client,
    name: &str,
    attributes: impl IntoIterator<Item = (QueueAttributeName, String)>,
) -> Result<String, SqsError> {
    if let Some(url) = url_of(client, name).await? {
        return Ok(url);
    }
    let attributes = attributes.into_iter().collect();
    let answer = client.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await;
    let answer = answer.map_err(|error| SqsError::request("CreateQueue", error))?;
    answer.queue_url.ok_or(SqsError::Shape { operation: "CreateQueue", missing: "a URL" })
}

async fn existing(client: &Client, name: &str) -> Result<String, SqsError> {
    let missing = || SqsError::Request {
        operation: "GetQueueUrl",
        reason: format!("there is no queue {name}; check endpoint, region, account and ORDERFLOW_PREFIX"),
    };
    url_of(client, name).await?.ok_or_else(missing)
}

async fn url_of(client: &Client, name: &str) -> Result<Option<String>, SqsError> {
    match client.get_queue_url().queue_name(name).send().await {
        Ok(answer) => Ok(answer.queue_url),
        Err(error) if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist) => {
            Ok(None)
        }
        Err(error) => Err(SqsError::request("GetQueueUrl", error)),
    }
}
