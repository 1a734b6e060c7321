//! What things are called.

/// The names of the topic and the queues of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsNames {
    prefix: String,
}

impl SqsNames {
    /// Names that begin with `prefix-`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The topic that events are published to.
    pub fn topic(&self) -> String {
        format!("{}-events", self.prefix)
    }

    /// The queue of a consumer.
    pub fn queue(&self, consumer: &str) -> String {
        format!("{}-{consumer}", self.prefix)
    }

    /// The dead letters of a consumer.
    pub fn dead_letter_queue(&self, consumer: &str) -> String {
        format!("{}-{consumer}-dlq", self.prefix)
    }
}

/// The ARN of a queue that is in the account and region of a topic.
pub fn queue_arn(topic_arn: &str, queue: &str) -> String {
    let place = topic_arn.rsplit_once(':').map_or(topic_arn, |(place, _)| place);
    format!("{}:{queue}", place.replacen(":sns:", ":sqs:", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_where_its_topic_is() {
        let arn = queue_arn("arn:aws-cn:sns:cn-north-1:123456789012:orderflow-events", "orderflow-payment");
        assert_eq!(arn, "arn:aws-cn:sqs:cn-north-1:123456789012:orderflow-payment");
    }
}
