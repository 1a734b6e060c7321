//! Creates the topic and the queues of an installation.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use orderflow_messaging::{DELIVERY_LIMIT, SUBSCRIPTIONS};

use crate::queues::{queue_url, with_timeouts};
use crate::subscriptions::subscribe;
use crate::{QueueUrls, SnsPublisher, Sqs, SqsError, SqsNames, SqsQueues, queue_arn};

/// How long SQS keeps a message, in seconds (AWS maximum: 14 days).
const RETENTION: &str = "1209600";

/// The default visibility timeout of a queue, in seconds.
const VISIBILITY: &str = "180";

/// The topic and the queues subscribed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsTopology {
    /// The topic that events are published to.
    pub topic_arn: String,
    /// The queues.
    pub queues: SqsQueues,
}

impl SqsTopology {
    /// Creates the missing parts of topic, queues and subscriptions. An existing topic or queue keeps its attributes, because a template may
    /// have created it with others. The filter policies of subscriptions are updated to the subscription table.
    ///
    /// # Errors
    /// [`SqsError`] if a request fails. Calling again completes what is missing.
    pub async fn ensure(sns: &aws_sdk_sns::Client, sqs: &Client, names: &SqsNames) -> Result<Self, SqsError> {
        let topic = sns.create_topic().name(names.topic()).send().await;
        let topic = topic.map_err(|error| SqsError::request("CreateTopic", error))?;
        let missing = SqsError::Shape { operation: "CreateTopic", missing: "an ARN" };
        let topic_arn = topic.topic_arn.ok_or(missing)?;
        let make = |consumer| ensure_queues(sqs, names, &topic_arn, consumer);
        let queues = try_join_all(SUBSCRIPTIONS.iter().map(|row| make(row.consumer))).await?;
        subscribe(sns, &topic_arn, names).await?;
        Ok(Self { topic_arn, queues: queues.into_iter().collect() })
    }
}

/// Creates the missing queues and returns all queues, with a publisher for their topic.
///
/// # Errors
/// As [`SqsTopology::ensure`].
pub async fn ensure(config: &SdkConfig, names: SqsNames) -> Result<(Sqs, SnsPublisher), SqsError> {
    let config = with_timeouts(config);
    let (sns, client) = (aws_sdk_sns::Client::new(&config), Client::new(&config));
    let SqsTopology { topic_arn, .. } = SqsTopology::ensure(&sns, &client, &names).await?;
    Ok((Sqs::find(&config, names).await?, SnsPublisher::new(sns, topic_arn)))
}

/// Creates a consumer's queues. The dead-letter queue is created first, because the queue's redrive policy names it.
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
        "maxReceiveCount": DELIVERY_LIMIT,
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

/// Returns the queue policy that allows the topic to send messages.
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

/// Returns the URL of a queue, created with these attributes if it does not exist.
async fn ensure_queue(
    client: &Client,
    name: &str,
    attributes: impl IntoIterator<Item = (QueueAttributeName, String)>,
) -> Result<String, SqsError> {
    if let Some(url) = queue_url(client, name).await? {
        return Ok(url);
    }
    let attributes = attributes.into_iter().collect();
    let answer = client.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await;
    let answer = answer.map_err(|error| SqsError::request("CreateQueue", error))?;
    answer.queue_url.ok_or(SqsError::Shape { operation: "CreateQueue", missing: "a URL" })
}
