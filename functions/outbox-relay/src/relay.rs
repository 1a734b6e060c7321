//! Builds events from stream records and publishes them.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lambda_events::dynamodb::{Event as StreamEvent, EventRecord};
use orderflow_bugs::is_planted;
use orderflow_domain::{Event, Timestamp};
use orderflow_messaging::{
    AttemptHistory, DeadLetter, DeadLetterCode, DeadLetterError, DeadLetterQueue, Publisher,
};
use orderflow_store::{EventSource, ImageError, OUTBOX, Outbox, Store};
use serde_dynamo::AttributeValue;
use tracing::{Instrument, Span, field};

/// Publishes the events that the writes of tables named.
#[derive(Clone)]
pub struct Relay {
    sources: HashMap<String, EventSource>,
    publisher: Arc<dyn Publisher>,
    dead_letters: Arc<dyn DeadLetterQueue>,
}

/// Why a batch failed. The stream will deliver it again.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Not every event was published.
    #[error("{failed} of {total} events were not published: {reason}")]
    NotPublished {
        /// The number of events that were not published.
        failed: usize,
        /// The number of events in the batch.
        total: usize,
        /// The reason of the first failure.
        reason: String,
    },
    /// A record that cannot be decoded could not be dead-lettered.
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
}

impl Relay {
    /// Returns a relay for these tables of a store.
    pub fn new(
        store: &Store,
        sources: &[EventSource],
        publisher: Arc<dyn Publisher>,
        dead_letters: Arc<dyn DeadLetterQueue>,
    ) -> Self {
        let sources = sources.iter().map(|source| (store.table_name(source.table), *source)).collect();
        Self { sources, publisher, dead_letters }
    }

    /// Publishes the events of a batch, in order.
    ///
    /// # Errors
    /// [`RelayError`] if the stream has to deliver the batch again.
    pub async fn handle(&self, batch: StreamEvent) -> Result<(), RelayError> {
        let span = tracing::error_span!("batch", service = "outbox-relay");
        self.relay(batch).instrument(span).await
    }

    async fn relay(&self, batch: StreamEvent) -> Result<(), RelayError> {
        let (mut events, mut undecodable) = (Vec::with_capacity(batch.records.len()), Vec::new());
        for record in &batch.records {
            match self.events_of(record) {
                Ok(emitted) => events.extend(emitted),
                Err(error) => undecodable.push((record, error)),
            }
        }
        if !events.is_empty() {
            self.publish(&events).await?;
        }
        // Dead letters come last. Otherwise each delivery of a batch that cannot be published would add them again.
        for (record, error) in undecodable {
            self.dead_letter(record, &error).await?;
        }
        Ok(())
    }

    async fn publish(&self, events: &[Event]) -> Result<(), RelayError> {
        let spans: Vec<Span> = events.iter().map(span_of).collect();
        let results = self.publisher.publish(events).await;
        for ((event, span), result) in events.iter().zip(spans).zip(&results) {
            match result {
                Ok(()) => log_published(event),
                Err(error) => {
                    span.record("otel.status_code", "ERROR");
                    // The caller logs the failure of the batch.
                    tracing::debug!(event.id = %event.id, %error, "event not published; will be retried");
                }
            }
        }
        let failures: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        match failures.first() {
            None => Ok(()),
            Some(_) if is_planted("failed-entries-ignored") => Ok(()),
            Some(_) if failures.len() < events.len() && is_planted("partial-publication-taken-as-whole") => {
                Ok(())
            }
            Some(first) => Err(RelayError::NotPublished {
                failed: failures.len(),
                total: events.len(),
                reason: first.0.clone(),
            }),
        }
    }

    /// Returns the events that a record's write named.
    fn events_of(&self, record: &EventRecord) -> Result<Vec<Event>, ImageError> {
        let Some(AttributeValue::S(names)) = record.change.new_image.get(OUTBOX) else {
            return Ok(Vec::new());
        };
        let arn = record.event_source_arn.as_deref().unwrap_or_default();
        let table = table_of(arn).unwrap_or_default();
        let source = self.sources.get(table);
        let source = source.ok_or_else(|| ImageError::Shape(format!("unknown stream ARN {arn:?}")))?;
        let outbox: Outbox = names.parse()?;
        let image = &record.change.new_image;
        outbox.emissions().iter().map(|emission| (source.build)(image.clone(), emission)).collect()
    }

    async fn dead_letter(&self, record: &EventRecord, error: &ImageError) -> Result<(), DeadLetterError> {
        let reason = error.without_content();
        tracing::error!(event.id = record.event_id, reason, "record dead-lettered");
        let body =
            serde_json::to_string(record).unwrap_or_else(|error| format!("unprintable record: {error}"));
        let now = Timestamp::now();
        let history = AttemptHistory { attempts: 1, first_at: now };
        let reason = error.to_string();
        let why = (&DeadLetterCode::UNDECODABLE, reason.as_str());
        let letter = DeadLetter::new("outbox-relay", &body, why, history, now);
        self.dead_letters.put(letter).await
    }
}

/// Returns the table in a stream's ARN: `arn:aws:dynamodb:region:account:table/NAME/stream/LABEL`.
fn table_of(arn: &str) -> Option<&str> {
    arn.split_once(":table/")?.1.split('/').next()
}

/// Returns the producer span of an event. It is disabled unless spans are exported.
fn span_of(event: &Event) -> Span {
    tracing::info_span!(
        parent: None,
        "publish",
        traceparent = event.traceparent.as_deref(),
        otel.name = format!("publish {}", event.event_type()),
        otel.kind = "producer",
        otel.status_code = field::Empty,
        service = "outbox-relay",
        order.id = event.order_id().map(field::display),
        event.r#type = event.event_type().as_str(),
    )
}

fn log_published(event: &Event) {
    tracing::debug!(
        order.id = event.order_id().map(tracing::field::display),
        event.r#type = event.event_type().as_str(),
        trace.id = event.trace_id(),
        event.id = %event.id,
        "event published"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_stream_contains_the_table() {
        let arn =
            "arn:aws:dynamodb:us-east-1:000000000000:table/orderflow-orders/stream/2026-01-01T00:00:00.000";
        assert_eq!(table_of(arn), Some("orderflow-orders"));
        assert_eq!(table_of("arn:aws:sqs:us-east-1:0:orderflow-orders"), None);
    }
}
