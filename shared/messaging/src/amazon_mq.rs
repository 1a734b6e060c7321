//! The event of Amazon MQ for RabbitMQ: <https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html>.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use orderflow_domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::amqp;
use crate::record::{Origin, Record};

/// A batch of messages, as Lambda's event source mapping of a RabbitMQ broker hands it over. Only what matters here is read: the type of
/// `aws_lambda_events` insists on properties that a message need not have.
#[derive(Debug, Clone, Deserialize)]
pub struct AmazonMqEvent {
    /// The messages by `queue::virtual host`.
    #[serde(rename = "rmqMessagesByQueue")]
    messages_by_queue: BTreeMap<String, Vec<Message>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    basic_properties: BasicProperties,
    #[serde(default)]
    redelivered: bool,
    #[serde(default)]
    data: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct BasicProperties {
    headers: Option<HashMap<String, Value>>,
}

impl AmazonMqEvent {
    /// The records of the batch, known by their queue and their place in it: one message may be there twice.
    pub(crate) fn into_records(self) -> Vec<Record> {
        let queues = self.messages_by_queue.into_iter();
        let records = queues.flat_map(|(queue, messages)| {
            let messages = messages.into_iter().enumerate();
            messages.map(move |(position, message)| message.into_record(format!("{queue}/{position}")))
        });
        records.collect()
    }
}

impl Message {
    fn into_record(self, id: String) -> Record {
        let (attempt, first_at) = (self.attempt(), self.first_at());
        let body = match BASE64_STANDARD.decode(&self.data) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            // It is no event either way: the dead letter shows what came.
            Err(_) => self.data,
        };
        Record { id, body, receipt_handle: None, origin: Origin::AmazonMq, attempt, first_at }
    }

    /// The how manieth attempt this is. A classic queue keeps no count.
    fn attempt(&self) -> u32 {
        let delivered = self.integer(amqp::DELIVERY_COUNT).unwrap_or(i64::from(self.redelivered));
        let before = delivered.saturating_add(self.integer(amqp::ATTEMPTS).unwrap_or_default());
        u32::try_from(before.saturating_add(1)).unwrap_or(1)
    }

    fn first_at(&self) -> Option<Timestamp> {
        let bytes = self.header(amqp::FIRST_AT)?["bytes"].as_array()?;
        let bytes = bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
        let text = String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
        Timestamp::parse(&text).ok()
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.header(name)?.as_i64()
    }

    fn header(&self, name: &str) -> Option<&Value> {
        self.basic_properties.headers.as_ref()?.get(name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(message: Value) -> Record {
        let event =
            json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {"orderflow.payment::/": [message]}});
        let event: AmazonMqEvent = serde_json::from_value(event).unwrap();
        event.into_records().remove(0)
    }

    #[test]
    fn a_message_without_properties_is_a_first_attempt() {
        let record =
            record(json!({"basicProperties": {"headers": null}, "redelivered": false, "data": "e30="}));
        assert_eq!((record.body.as_str(), record.attempt, record.first_at), ("{}", 1, None));
        assert_eq!(record.id, "orderflow.payment:://0");
    }

    #[test]
    fn attempts_are_those_of_the_queue_and_those_noted_before() {
        let bytes = b"2026-11-20T12:00:00.000Z".to_vec();
        let headers = json!({"x-delivery-count": 2, "x-orderflow-attempts": 3, "x-orderflow-first-at": {"bytes": bytes}});
        let counted =
            record(json!({"basicProperties": {"headers": headers}, "redelivered": true, "data": ""}));
        assert_eq!(counted.attempt, 6);
        assert_eq!(counted.first_at, Timestamp::parse("2026-11-20T12:00:00.000Z").ok());
        let classic = record(json!({"basicProperties": {}, "redelivered": true, "data": ""}));
        assert_eq!(classic.attempt, 2);
    }

    #[test]
    fn what_is_no_base64_is_kept_as_it_came() {
        assert_eq!(record(json!({"basicProperties": {}, "redelivered": false, "data": "{no}"})).body, "{no}");
    }
}
