//! The names of topic and queues.

/// The names of the topic and the queues of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsNames {
    prefix: String,
}

impl SqsNames {
    /// Creates names that begin with `prefix-`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Returns the name of the topic that events are published to.
    pub fn topic(&self) -> String {
        format!("{}-events", self.prefix)
    }

    /// Returns the name of a consumer's queue.
    pub fn queue(&self, consumer: &str) -> String {
        format!("{}-{consumer}", self.prefix)
    }

    /// Returns the name of a consumer's dead-letter queue.
    pub fn dead_letter_queue(&self, consumer: &str) -> String {
        format!("{}-{consumer}-dlq", self.prefix)
    }
}

/// Returns the ARN of a queue in the account and region of a topic.
pub fn queue_arn(topic_arn: &str, queue: &str) -> String {
    let place = topic_arn.rsplit_once(':').map_or(topic_arn, |(place, _)| place);
    format!("{}:{queue}", place.replacen(":sns:", ":sqs:", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_the_account_and_region_of_its_topic() {
        let arn = queue_arn("arn:aws-cn:sns:cn-north-1:123456789012:orderflow-events", "orderflow-payment");
        assert_eq!(arn, "arn:aws-cn:sqs:cn-north-1:123456789012:orderflow-payment");
    }
}
