//! Stream records in the shape that Lambda functions receive.

use aws_lambda_events::dynamodb::{Event as StreamEvent, EventRecord, StreamRecord as LambdaChange};
use orderflow_store::StreamRecord;

/// Returns the event with which an event source mapping invokes a function for these records of a table's stream.
pub fn stream_event(table: &str, records: &[StreamRecord]) -> StreamEvent {
    let arn = format!("arn:aws:dynamodb:local:000000000000:table/{table}/stream/orderflow");
    let mut event = StreamEvent::default();
    event.records = records.iter().map(|record| event_record(record, &arn)).collect();
    event
}

fn event_record(record: &StreamRecord, arn: &str) -> EventRecord {
    let mut change = LambdaChange::default();
    change.keys = record.keys.clone().into();
    change.new_image = record.image.clone().unwrap_or_default().into();
    change.sequence_number = Some(record.sequence_number.clone());
    let mut lambda_record = EventRecord::default();
    lambda_record.change = change;
    lambda_record.event_id = record.id.clone();
    lambda_record.event_name = record.change.name().to_owned();
    lambda_record.event_source = Some("aws:dynamodb".to_owned());
    lambda_record.event_source_arn = Some(arn.to_owned());
    lambda_record
}
