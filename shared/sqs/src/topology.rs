//! Creates the topic and the queues of an installation, and subscribes each queue to the event types of its consumer.

use std::collections::BTreeMap;

use aws_sdk_sns::operation::create_topic::CreateTopicError;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use orderflow_messaging::{DELIVERY_LIMIT, SUBSCRIPTIONS, Subscription};

use crate::queues::queue_url;
use crate::{QueueUrls, SqsError, SqsNames, SqsQueues, queue_arn};

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
        let topic_arn = create_topic(sns, names).await?;
        let make = |consumer| ensure_queues(sqs, names, &topic_arn, consumer);
        let queues = try_join_all(SUBSCRIPTIONS.iter().map(|row| make(row.consumer))).await?;
        subscribe(sns, &topic_arn, names).await?;
        Ok(Self { topic_arn, queues: queues.into_iter().collect() })
    }
}

/// Creates the topic, unless it exists, and returns its ARN.
pub(crate) async fn create_topic(sns: &aws_sdk_sns::Client, names: &SqsNames) -> Result<String, SqsError> {
    let topic = sns.create_topic().name(names.topic()).send().await;
    match topic {
        Ok(topic) => topic.topic_arn.ok_or(SqsError::Shape { operation: "CreateTopic", missing: "an ARN" }),
        // An account that may not create topics can use one that exists.
        Err(error)
            if error.as_service_error().is_some_and(CreateTopicError::is_authorization_error_exception) =>
        {
            match find_topic(sns, &names.topic()).await {
                Ok(Some(arn)) => Ok(arn),
                Ok(None) | Err(_) => Err(SqsError::request("CreateTopic", error)),
            }
        }
        Err(error) => Err(SqsError::request("CreateTopic", error)),
    }
}

async fn find_topic(sns: &aws_sdk_sns::Client, name: &str) -> Result<Option<String>, SqsError> {
    let pages = sns.list_topics().into_paginator();
    let (mut topics, end) = (pages.items().send(), format!(":{name}"));
    while let Some(topic) = topics.next().await {
        let topic = topic.map_err(|error| SqsError::request("ListTopics", error))?;
        if let Some(arn) = topic.topic_arn.filter(|arn| arn.ends_with(&end)) {
            return Ok(Some(arn));
        }
    }
    Ok(None)
}

/// Creates a consumer's queues. The dead-letter queue is created first, because the `RedrivePolicy` of the queue names it.
pub(crate) async fn ensure_queues(
    client: &Client,
    names: &SqsNames,
    topic_arn: &str,
    consumer: &'static str,
) -> Result<(&'static str, QueueUrls), SqsError> {
    let (queue, dead_letter_queue) = (names.queue(consumer), names.dead_letter_queue(consumer));
    let retention = (QueueAttributeName::MessageRetentionPeriod, RETENTION.to_owned());
    let dead_letters = ensure_queue(client, &dead_letter_queue, [retention.clone()]).await?;
    let redrive_policy = serde_json::json!({
        "deadLetterTargetArn": queue_arn(topic_arn, &dead_letter_queue),
        "maxReceiveCount": DELIVERY_LIMIT,
    });
    let attributes = [
        retention,
        (QueueAttributeName::VisibilityTimeout, VISIBILITY.to_owned()),
        (QueueAttributeName::RedrivePolicy, redrive_policy.to_string()),
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
    let answer = answer.map_err(|error| match error.as_service_error() {
        Some(refusal) if refusal.is_queue_deleted_recently() => SqsError::Request {
            operation: "CreateQueue",
            reason: format!("{name} was deleted less than 60 s ago, and SQS does not allow its name before"),
        },
        _ => SqsError::request("CreateQueue", error),
    })?;
    answer.queue_url.ok_or(SqsError::Shape { operation: "CreateQueue", missing: "a URL" })
}

/// Subscribes every consumer's queue to the event types of the subscription table.
pub(crate) async fn subscribe(
    sns: &aws_sdk_sns::Client,
    topic_arn: &str,
    names: &SqsNames,
) -> Result<(), SqsError> {
    let existing = subscribed(sns, topic_arn).await?;
    let subscribe = async |row: &Subscription| {
        let queue = queue_arn(topic_arn, &names.queue(row.consumer));
        match existing.get(&queue) {
            Some(subscription) => update_subscription(sns, subscription, row).await,
            None => create_subscription(sns, topic_arn, &queue, row).await,
        }
    };
    try_join_all(SUBSCRIPTIONS.iter().map(subscribe)).await.map(drop)
}

/// Returns the attributes of a consumer's subscription: raw delivery, so that a message body is the event itself, and a filter for its types.
pub(crate) fn subscription_attributes(row: &Subscription) -> [(&'static str, String); 2] {
    let types: Vec<_> = row.types.iter().map(|event_type| event_type.as_str()).collect();
    let policy = serde_json::json!({ "type": types });
    [("RawMessageDelivery", "true".to_owned()), ("FilterPolicy", policy.to_string())]
}

/// Returns the ARNs of the topic's subscriptions by their endpoint.
pub(crate) async fn subscribed(
    sns: &aws_sdk_sns::Client,
    topic_arn: &str,
) -> Result<BTreeMap<String, String>, SqsError> {
    let mut found = BTreeMap::new();
    let pages = sns.list_subscriptions_by_topic().topic_arn(topic_arn).into_paginator();
    let mut pages = pages.items().send();
    while let Some(subscription) = pages.next().await {
        let subscription =
            subscription.map_err(|error| SqsError::request("ListSubscriptionsByTopic", error))?;
        // The ARN of a subscription that is being deleted is `Deleted`.
        let arn = subscription.subscription_arn.filter(|arn| arn.starts_with("arn:"));
        if let (Some(endpoint), Some(arn)) = (subscription.endpoint, arn) {
            found.insert(endpoint, arn);
        }
    }
    Ok(found)
}

/// Creates a subscription with its filter in one request: until a filter is set, the queue would receive every event.
async fn create_subscription(
    sns: &aws_sdk_sns::Client,
    topic_arn: &str,
    queue: &str,
    row: &Subscription,
) -> Result<(), SqsError> {
    let mut request = sns.subscribe().topic_arn(topic_arn).protocol("sqs").endpoint(queue);
    for (name, value) in subscription_attributes(row) {
        request = request.attributes(name, value);
    }
    request.send().await.map(drop).map_err(|error| SqsError::request("Subscribe", error))
}

async fn update_subscription(
    sns: &aws_sdk_sns::Client,
    subscription: &str,
    row: &Subscription,
) -> Result<(), SqsError> {
    for (name, value) in subscription_attributes(row) {
        let request = sns.set_subscription_attributes().subscription_arn(subscription);
        let answer = request.attribute_name(name).attribute_value(value).send().await;
        answer.map_err(|error| SqsError::request("SetSubscriptionAttributes", error))?;
    }
    Ok(())
}
