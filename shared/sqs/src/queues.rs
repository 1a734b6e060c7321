//! The queues of all consumers of an installation.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use futures::future::try_join_all;
use orderflow_backoff::Outage;
use orderflow_messaging::{SUBSCRIPTIONS, UnknownConsumer};
use tokio::sync::OnceCell;

use crate::{Queue, SqsError, SqsNames};

/// The longest duration of a request. It exceeds the 20 seconds that SQS waits for a message.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The URLs of a consumer's queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// The queue.
    pub queue: String,
    /// The dead-letter queue.
    pub dead_letters: String,
}

/// The URLs of the queues of all consumers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsQueues(BTreeMap<&'static str, QueueUrls>);

/// The queues of one consumer.
#[derive(Debug, Clone)]
pub struct ConsumerQueues {
    /// The queue.
    pub queue: Queue,
    /// The dead-letter queue.
    pub dead_letters: Queue,
}

/// The queues of an installation and a client for them.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    names: SqsNames,
    found: OnceCell<SqsQueues>,
    polling: Outage,
}

impl SqsQueues {
    async fn find(client: &Client, names: &SqsNames) -> Result<Self, SqsError> {
        let find = async |consumer: &'static str| {
            let (queue, dead_letters) = (names.queue(consumer), names.dead_letter_queue(consumer));
            let (queue, dead_letters) =
                tokio::try_join!(existing(client, &queue), existing(client, &dead_letters))?;
            Ok((consumer, QueueUrls { queue, dead_letters }))
        };
        let found = try_join_all(SUBSCRIPTIONS.iter().map(|row| find(row.consumer))).await?;
        Ok(found.into_iter().collect())
    }

    /// Returns the URLs of a consumer's queues.
    ///
    /// # Errors
    /// [`UnknownConsumer`] if no consumer has this name.
    pub fn of(&self, consumer: &str) -> Result<&QueueUrls, UnknownConsumer> {
        self.0.get(consumer).ok_or_else(|| UnknownConsumer(consumer.to_owned()))
    }
}

impl FromIterator<(&'static str, QueueUrls)> for SqsQueues {
    fn from_iter<T: IntoIterator<Item = (&'static str, QueueUrls)>>(queues: T) -> Self {
        Self(queues.into_iter().collect())
    }
}

impl Sqs {
    /// Creates a client for the queues of these names. Their URLs are looked up at the first use.
    pub fn new(config: &SdkConfig, names: SqsNames) -> Self {
        Self {
            client: Client::new(&with_timeouts(config)),
            names,
            found: OnceCell::new(),
            polling: Outage::default(),
        }
    }

    /// Creates a client for the queues of these names and looks up their URLs.
    ///
    /// # Errors
    /// [`SqsError`] if a queue is missing or the request fails.
    pub async fn find(config: &SdkConfig, names: SqsNames) -> Result<Self, SqsError> {
        let queues = Self::new(config, names);
        queues.found().await?;
        Ok(queues)
    }

    /// Returns the queues of a consumer; `None` if no consumer has this name.
    ///
    /// # Errors
    /// [`SqsError`] if the queues have to be looked up and are not found.
    pub async fn of(&self, consumer: &str) -> Result<Option<ConsumerQueues>, SqsError> {
        let queue = |url: &str| Queue::new(&self.client, url);
        let urls = self.found().await?.of(consumer).ok();
        let open = |urls: &QueueUrls| ConsumerQueues {
            queue: queue(&urls.queue),
            dead_letters: queue(&urls.dead_letters),
        };
        Ok(urls.map(open))
    }

    /// Returns the outage that the consumers of all queues report together.
    pub(crate) fn polling(&self) -> &Outage {
        &self.polling
    }

    async fn found(&self) -> Result<&SqsQueues, SqsError> {
        self.found.get_or_try_init(|| SqsQueues::find(&self.client, &self.names)).await
    }
}

/// Returns the configuration with a time limit for each request.
pub(crate) fn with_timeouts(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(REQUEST_TIMEOUT).build();
    config.clone().into_builder().timeout_config(timeouts).build()
}

/// Returns the URL of a queue that must exist.
async fn existing(client: &Client, name: &str) -> Result<String, SqsError> {
    let missing = || SqsError::Request {
        operation: "GetQueueUrl",
        reason: format!("there is no queue {name}; check endpoint, region, account and ORDERFLOW_PREFIX"),
    };
    queue_url(client, name).await?.ok_or_else(missing)
}

/// Returns the URL of a queue if it exists.
pub(crate) async fn queue_url(client: &Client, name: &str) -> Result<Option<String>, SqsError> {
    match client.get_queue_url().queue_name(name).send().await {
        Ok(answer) => Ok(answer.queue_url),
        Err(error) if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist) => {
            Ok(None)
        }
        Err(error) => Err(SqsError::request("GetQueueUrl", error)),
    }
}
