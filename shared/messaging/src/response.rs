//! What a queue function answers.

use serde::{Deserialize, Serialize};

/// The answer of a queue function: the records that are not done. To Lambda this is its partial batch response
/// (`ReportBatchItemFailures`), which ignores the fields beyond `itemIdentifier`; a bridge acts on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueResponse {
    /// One entry for each record that is not done.
    #[serde(rename = "batchItemFailures")]
    pub failures: Vec<ItemFailure>,
}

/// A record that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// The record's message id.
    pub item_identifier: String,
    /// Why, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it should come again, in milliseconds; none leaves it to the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Whether it was not even tried: then no attempt is counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
    /// Set where it must not come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<DeadLettered>,
}

impl ItemFailure {
    /// A record that has to come again, when its host sees fit.
    pub fn again(item_identifier: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            item_identifier: item_identifier.into(),
            reason: Some(reason.into()),
            retry_after_ms: None,
            deferred: false,
            dead_letter: None,
        }
    }
}

/// Why a record must not come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLettered {
    /// A stable code.
    pub code: String,
    /// Why, for a person.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_reads_it_as_a_partial_batch_response() {
        let failure =
            ItemFailure { reason: None, retry_after_ms: Some(250), ..ItemFailure::again("m1", "later") };
        let json = serde_json::to_string(&QueueResponse { failures: vec![failure] }).unwrap();
        assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"m1","retryAfterMs":250}]}"#);
        let aws: aws_lambda_events::sqs::SqsBatchResponse = serde_json::from_str(&json).unwrap();
        assert_eq!(aws.batch_item_failures[0].item_identifier, "m1");
    }
}
