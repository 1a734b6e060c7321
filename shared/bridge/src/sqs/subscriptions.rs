//! Who of the topic's subscribers is told of what.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use futures::future::try_join_all;
use orderflow_messaging::{SUBSCRIPTIONS, Subscription};
use orderflow_sqs::{SqsError, SqsNames, queue_arn};

/// Subscribes the queue of every consumer to what it is told of.
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

/// What the subscription of a consumer is like: raw, so that messages are the events themselves, and only of its types.
fn attributes(row: &Subscription) -> [(&'static str, String); 2] {
    let types: Vec<_> = row.types.iter().map(|event_type| event_type.as_str()).collect();
    let policy = serde_json::json!({ "type": types });
    [("RawMessageDelivery", "true".to_owned()), ("FilterPolicy", policy.to_string())]
}

/// The subscriptions of a topic by their endpoint.
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

/// Subscribes with everything at once: without a filter a queue would get what is not meant for it.
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
