//! Subscribes queues to the topic, each with a filter policy for the event types of its consumer.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use futures::future::try_join_all;
use orderflow_messaging::{SUBSCRIPTIONS, Subscription};

use crate::{SqsError, SqsNames, queue_arn};

/// Subscribes every consumer's queue to the event types of the subscription table.
pub(super) async fn subscribe(client: &Client, topic_arn: &str, names: &SqsNames) -> Result<(), SqsError> {
    let existing = subscribed(client, topic_arn).await?;
    let subscribe = async |row: &Subscription| {
        let queue = queue_arn(topic_arn, &names.queue(row.consumer));
        match existing.get(&queue) {
            Some(subscription) => update(client, subscription, row).await,
            None => create(client, topic_arn, &queue, row).await,
        }
    };
    try_join_all(SUBSCRIPTIONS.iter().map(subscribe)).await.map(drop)
}

/// Returns the attributes of a consumer's subscription: raw delivery, so that a message body is the event itself, and a filter for its types.
fn attributes(row: &Subscription) -> [(&'static str, String); 2] {
    let types: Vec<_> = row.types.iter().map(|event_type| event_type.as_str()).collect();
    let policy = serde_json::json!({ "type": types });
    [("RawMessageDelivery", "true".to_owned()), ("FilterPolicy", policy.to_string())]
}

/// Returns the ARNs of the topic's subscriptions by their endpoint.
async fn subscribed(client: &Client, topic_arn: &str) -> Result<BTreeMap<String, String>, SqsError> {
    let mut found = BTreeMap::new();
    let pages = client.list_subscriptions_by_topic().topic_arn(topic_arn).into_paginator();
    let mut pages = pages.items().send();
    while let Some(subscription) = pages.next().await {
        let subscription =
            subscription.map_err(|error| SqsError::request("ListSubscriptionsByTopic", error))?;
        if let (Some(endpoint), Some(arn)) = (subscription.endpoint, subscription.subscription_arn) {
            found.insert(endpoint, arn);
        }
    }
    Ok(found)
}

/// Creates a subscription with its filter in one request: until a filter is set, the queue would receive every event.
async fn create(client: &Client, topic_arn: &str, queue: &str, row: &Subscription) -> Result<(), SqsError> {
    let mut request = client.subscribe().topic_arn(topic_arn).protocol("sqs").endpoint(queue);
    for (name, value) in attributes(row) {
        request = request.attributes(name, value);
    }
    request.send().await.map(drop).map_err(|error| SqsError::request("Subscribe", error))
}

async fn update(client: &Client, subscription: &str, row: &Subscription) -> Result<(), SqsError> {
    for (name, value) in attributes(row) {
        let request = client.set_subscription_attributes().subscription_arn(subscription);
        let answer = request.attribute_name(name).attribute_value(value).send().await;
        answer.map_err(|error| SqsError::request("SetSubscriptionAttributes", error))?;
    }
    Ok(())
}
