//! The queues of every consumer of an installation.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use futures::future::try_join_all;
use orderflow_messaging::{SUBSCRIPTIONS, UnknownConsumer};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::{Queue, SqsError, SqsNames};

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

/// Where the messages of every consumer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsQueues(BTreeMap<&'static str, QueueUrls>);

/// The queues of one consumer.
#[derive(Debug, Clone)]
pub struct ConsumerQueues {
    /// Its queue.
    pub queue: Queue,
    /// Its dead letters.
    pub dead_letters: Queue,
}

/// The queues of an installation, and a client to reach them with.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    names: SqsNames,
    found: OnceCell<SqsQueues>,
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

    /// Where a consumer's messages are.
    ///
    /// # Errors
    /// [`UnknownConsumer`] where there is none of that name.
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
    /// The queues at what these settings point to. They are looked for when they are first needed.
    pub fn new(config: &SdkConfig, names: SqsNames) -> Self {
        Self { client: Client::new(&with_timeouts(config)), names, found: OnceCell::new() }
    }

    /// The queues that there are at what these settings point to.
    ///
    /// # Errors
    /// [`SqsError`] where one is missing, or SQS does not answer.
    pub async fn find(config: &SdkConfig, names: SqsNames) -> Result<Self, SqsError> {
        let queues = Self::new(config, names);
        queues.found().await?;
        Ok(queues)
    }

    /// The queues of a consumer; none where there is none of that name.
    ///
    /// # Errors
    /// [`SqsError`] where they have to be looked for, and are not found.
    pub async fn of(&self, consumer: &str) -> Result<Option<ConsumerQueues>, SqsError> {
        let queue = |url: &str| Queue::new(&self.client, url);
        let urls = self.found().await?.of(consumer).ok();
        let open = |urls: &QueueUrls| ConsumerQueues {
            queue: queue(&urls.queue),
            dead_letters: queue(&urls.dead_letters),
        };
        Ok(urls.map(open))
    }

    /// Whether the queues answer.
    pub async fn is_up(&self) -> bool {
        let asked = async {
            let urls = self.found().await?.0.values().next();
            match urls {
                Some(urls) => Queue::new(&self.client, &urls.queue).counts().await.map(Some),
                None => Ok(None),
            }
        };
        matches!(timeout(ANSWER_TIMEOUT, asked).await, Ok(Ok(Some(_))))
    }

    async fn found(&self) -> Result<&SqsQueues, SqsError> {
        self.found.get_or_try_init(|| SqsQueues::find(&self.client, &self.names)).await
    }
}

/// These settings, with a limit to how long a request may take: longer than SQS waits for a message.
pub(crate) fn with_timeouts(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(REQUEST_TIMEOUT).build();
    config.clone().into_builder().timeout_config(timeouts).build()
}

/// The URL of a queue that has to be there.
async fn existing(client: &Client, name: &str) -> Result<String, SqsError> {
    let missing = || SqsError::Request {
        operation: "GetQueueUrl",
        reason: format!("there is no queue {name}; check endpoint, region, account and ORDERFLOW_PREFIX"),
    };
    queue_url(client, name).await?.ok_or_else(missing)
}

/// The URL of a queue, where there is one of that name.
///
/// # Errors
/// [`SqsError`] where SQS does not answer.
pub(crate) async fn queue_url(client: &Client, name: &str) -> Result<Option<String>, SqsError> {
    match client.get_queue_url().queue_name(name).send().await {
        Ok(answer) => Ok(answer.queue_url),
        Err(error) if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist) => {
            Ok(None)
        }
        Err(error) => Err(SqsError::request("GetQueueUrl", error)),
    }
}
