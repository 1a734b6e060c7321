//! Compares topic, queues and subscriptions with the subscription table, and creates again what vanished while the program runs.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use futures::future::{join_all, try_join_all};
use orderflow_messaging::SUBSCRIPTIONS;
use serde_json::Value;

use crate::completeness::Completeness;
use crate::queues::{queue_url, with_timeouts};
use crate::topology;
use crate::{SnsPublisher, Sqs, SqsError, SqsNames, queue_arn};

/// The topology of an installation, and what works with it.
#[derive(Debug)]
pub struct Provisioned {
    /// The queues.
    pub queues: Sqs,
    /// The publisher for the topic.
    pub publisher: SnsPublisher,
    /// Creates again what vanishes.
    pub provisioner: Provisioner,
}

/// Creates the missing parts of topic, queues and subscriptions. Where all exist, no right to create is needed.
///
/// # Errors
/// [`SqsError`] if a request fails. AWS says which right is missing.
pub async fn ensure(config: &SdkConfig, names: SqsNames) -> Result<Provisioned, SqsError> {
    let config = with_timeouts(config);
    let (sns, sqs) = (aws_sdk_sns::Client::new(&config), Client::new(&config));
    let topic_arn = topology::create_topic(&sns, &names).await?;
    let completeness = Arc::new(Completeness::default());
    let publisher = SnsPublisher::new(sns.clone(), &topic_arn).waiting_for(completeness.clone());
    let provisioner = Provisioner { sns, sqs, names: names.clone(), topic_arn, completeness };
    if !provisioner.reconcile().await?.is_empty() {
        // The publisher waits until a look finds everything.
        provisioner.missing().await?;
    }
    Ok(Provisioned { queues: Sqs::find(&config, names).await?, publisher, provisioner })
}

/// A part of the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// The topic.
    Topic,
    /// A consumer's queue.
    Queue(&'static str),
    /// A consumer's dead-letter queue.
    DeadLetterQueue(&'static str),
    /// The subscription of a consumer's queue, with raw delivery and its filter.
    Subscription(&'static str),
}

impl Piece {
    /// Returns whether events reach their consumers without it.
    fn is_dispensable(&self) -> bool {
        matches!(self, Self::DeadLetterQueue(_))
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic => f.write_str("topic"),
            Self::Queue(consumer) => write!(f, "queue of {consumer}"),
            Self::DeadLetterQueue(consumer) => write!(f, "dead-letter queue of {consumer}"),
            Self::Subscription(consumer) => write!(f, "subscription of {consumer}"),
        }
    }
}

/// Creates what is missing in the topology of an installation.
#[derive(Debug, Clone)]
pub struct Provisioner {
    sns: aws_sdk_sns::Client,
    sqs: Client,
    names: SqsNames,
    topic_arn: String,
    completeness: Arc<Completeness>,
}

impl Provisioner {
    /// Returns what is missing: topic, queues and subscriptions. A subscription with another filter, or without raw delivery, counts as missing.
    /// The publisher of [`ensure`] waits while something that events need is missing.
    ///
    /// # Errors
    /// [`SqsError`] if a request fails.
    pub async fn missing(&self) -> Result<BTreeSet<Piece>, SqsError> {
        let look = self.completeness.begin_look();
        let missing = self.look().await?;
        self.completeness.end_look(look, missing.iter().all(Piece::is_dispensable));
        Ok(missing)
    }

    async fn look(&self) -> Result<BTreeSet<Piece>, SqsError> {
        if !self.topic_exists().await? {
            let (queues, subscriptions) = (self.missing_queues().await?, SUBSCRIPTIONS.iter());
            let subscriptions = subscriptions.map(|row| Piece::Subscription(row.consumer));
            return Ok([Piece::Topic].into_iter().chain(queues).chain(subscriptions).collect());
        }
        let (queues, subscriptions) = tokio::try_join!(self.missing_queues(), self.missing_subscriptions())?;
        Ok(queues.into_iter().chain(subscriptions).collect())
    }

    /// Creates what is missing, and returns it. One piece that cannot be created does not keep the others from being created.
    ///
    /// # Errors
    /// [`SqsError`] of the first piece that cannot be created. SQS for example allows the name of a deleted queue only after 60 s.
    pub async fn reconcile(&self) -> Result<BTreeSet<Piece>, SqsError> {
        let missing = self.missing().await?;
        self.create(&missing).await?;
        Ok(missing)
    }

    pub(crate) async fn create(&self, missing: &BTreeSet<Piece>) -> Result<(), SqsError> {
        if missing.contains(&Piece::Topic) {
            topology::create_topic(&self.sns, &self.names).await?;
        }
        let lacks_queue = |consumer: &&'static str| {
            missing.contains(&Piece::Queue(consumer)) || missing.contains(&Piece::DeadLetterQueue(consumer))
        };
        let consumers = SUBSCRIPTIONS.iter().map(|row| row.consumer).filter(lacks_queue);
        let made = consumers
            .map(|consumer| topology::ensure_queues(&self.sqs, &self.names, &self.topic_arn, consumer));
        let made = join_all(made).await;
        if !missing.is_empty() {
            // A subscription of a queue that does not exist yet delivers to it once it does.
            topology::subscribe(&self.sns, &self.topic_arn, &self.names).await?;
        }
        made.into_iter().try_for_each(|made| made.map(drop))
    }

    async fn topic_exists(&self) -> Result<bool, SqsError> {
        match self.sns.get_topic_attributes().topic_arn(&self.topic_arn).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(SqsError::request("GetTopicAttributes", error)),
        }
    }

    async fn missing_queues(&self) -> Result<Vec<Piece>, SqsError> {
        let expected = SUBSCRIPTIONS.iter().flat_map(|row| {
            let (queue, dead_letters) =
                (self.names.queue(row.consumer), self.names.dead_letter_queue(row.consumer));
            [(Piece::Queue(row.consumer), queue), (Piece::DeadLetterQueue(row.consumer), dead_letters)]
        });
        let find = async |(piece, name): (Piece, String)| {
            Ok::<_, SqsError>(queue_url(&self.sqs, &name).await?.is_none().then_some(piece))
        };
        Ok(try_join_all(expected.map(find)).await?.into_iter().flatten().collect())
    }

    async fn missing_subscriptions(&self) -> Result<Vec<Piece>, SqsError> {
        let existing = topology::subscribed(&self.sns, &self.topic_arn).await?;
        let find = async |row: &'static orderflow_messaging::Subscription| {
            let queue = queue_arn(&self.topic_arn, &self.names.queue(row.consumer));
            let is_right = match existing.get(&queue) {
                Some(arn) => self.has_attributes(arn, &topology::subscription_attributes(row)).await?,
                None => false,
            };
            Ok::<_, SqsError>((!is_right).then_some(Piece::Subscription(row.consumer)))
        };
        Ok(try_join_all(SUBSCRIPTIONS.iter().map(find)).await?.into_iter().flatten().collect())
    }

    async fn has_attributes(
        &self,
        subscription: &str,
        expected: &[(&str, String)],
    ) -> Result<bool, SqsError> {
        let asked = self.sns.get_subscription_attributes().subscription_arn(subscription).send().await;
        let found = match asked {
            Ok(answer) => answer.attributes.unwrap_or_default(),
            // It vanished after it was listed.
            Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found_exception()) => {
                return Ok(false);
            }
            Err(error) => return Err(SqsError::request("GetSubscriptionAttributes", error)),
        };
        // A policy may come back with other blanks.
        let json = |text: &str| serde_json::from_str::<Value>(text).ok();
        let is_as_expected = |(name, value): &(&str, String)| {
            found.get(*name).is_some_and(|found| {
                found == value || json(found).is_some_and(|found| Some(found) == json(value))
            })
        };
        Ok(expected.iter().all(is_as_expected))
    }
}
