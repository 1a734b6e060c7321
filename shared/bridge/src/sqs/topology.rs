//! The topic and the queues of an installation.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use orderflow_messaging::{SUBSCRIPTIONS, SnsPublisher};
use orderflow_sqs::{QueueUrls, Sqs, SqsError, SqsNames, SqsQueues, queue_arn, queue_url, with_timeouts};

use super::subscriptions::subscribe;

/// Receipts after which SQS itself puts a message away (AWS limit). Functions give up long before; this is for what ends every process
/// that takes it.
const MAX_RECEIPTS: u32 = 1_000;

/// How long messages are kept (AWS limit: 14 days), in seconds.
const RETENTION: &str = "1209600";

/// How long what was taken is hidden where whoever takes it does not say, in seconds.
const VISIBILITY: &str = "180";

/// The topic, and the queues that are subscribed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsTopology {
    /// The topic that events are published to.
    pub topic_arn: String,
    /// The queues.
    pub queues: SqsQueues,
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
        Ok(Self { topic_arn, queues: queues.into_iter().collect() })
    }
}

/// The queues at what these settings point to, and who publishes to them; what is missing is made.
///
/// # Errors
/// As [`SqsTopology::ensure`].
pub async fn ensure(config: &SdkConfig, names: SqsNames) -> Result<(Sqs, SnsPublisher), SqsError> {
    let config = with_timeouts(config);
    let (sns, client) = (aws_sdk_sns::Client::new(&config), Client::new(&config));
    let SqsTopology { topic_arn, .. } = SqsTopology::ensure(&sns, &client, &names).await?;
    Ok((Sqs::find(&config, names).await?, SnsPublisher::new(sns, topic_arn)))
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
    if let Some(url) = queue_url(client, name).await? {
        return Ok(url);
    }
    let attributes = attributes.into_iter().collect();
    let answer = client.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await;
    let answer = answer.map_err(|error| SqsError::request("CreateQueue", error))?;
    answer.queue_url.ok_or(SqsError::Shape { operation: "CreateQueue", missing: "a URL" })
}
