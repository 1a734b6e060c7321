//! Reads a table's stream shard by shard, as Lambda's event source mapping does.

use std::collections::HashMap;
use std::error::Error;
use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::error::ProvideErrorMetadata;
use aws_sdk_dynamodbstreams::types::{OperationType, Record, Shard, ShardIteratorType};
use orderflow_store_port::{Change, Position, StreamBatch, StreamError, StreamReader, StreamRecord};

use super::value::from_sdk;

/// The error code for a stream that does not exist.
const UNKNOWN: &str = "ResourceNotFoundException";

/// The most records that one `GetRecords` returns (AWS limit).
const MAX_RECORDS: i32 = 1_000;

/// Reads the stream of one table.
pub(super) struct ShardedStream {
    client: Client,
    table: String,
    arn: String,
    /// The sequence number of the last record that was read from each shard.
    after: HashMap<String, String>,
    shards: Vec<ShardState>,
    /// Whether the stream may have unknown shards: at first, and after a shard ended, because child shards follow it then.
    unlisted: bool,
    /// Whether the store does not know the stream any more, because the table was deleted, or the store lost its data.
    is_gone: bool,
}

struct ShardState {
    id: String,
    parent: Option<String>,
    iterator: Option<String>,
    finished: bool,
}

#[async_trait]
impl StreamReader for ShardedStream {
    async fn read(&mut self) -> Result<Vec<StreamBatch>, StreamError> {
        if self.is_gone {
            self.open_again().await?;
        }
        if self.unlisted || self.shards.iter().all(|shard| shard.finished) {
            self.find_shards().await?;
            self.unlisted = false;
        }
        let mut batches = Vec::new();
        for position in 0..self.shards.len() {
            if !self.is_readable(position) {
                continue;
            }
            match self.read_shard(position).await {
                Ok(batch) => batches.extend(batch),
                Err(error) if batches.is_empty() => return Err(error),
                // The reader's position is already past the batches that were read, so they must be returned. The next call reports the error.
                Err(_) => break,
            }
        }
        Ok(batches)
    }
}

impl ShardedStream {
    /// Returns a reader of the table's stream that starts after these positions. In a shard without a position it starts with the oldest
    /// record.
    ///
    /// # Errors
    /// [`StreamError`] if the table has no stream or the store does not answer.
    pub(super) async fn open(client: Client, table: &str, after: Vec<Position>) -> Result<Self, StreamError> {
        let arn = find_stream(&client, table).await?;
        let after = after.into_iter().map(|position| (position.shard, position.sequence_number)).collect();
        Ok(Self {
            client,
            table: table.to_owned(),
            arn,
            after,
            shards: Vec::new(),
            unlisted: true,
            is_gone: false,
        })
    }

    /// Finds the stream of a table that was created again. It is read from its beginning.
    async fn open_again(&mut self) -> Result<(), StreamError> {
        let arn = find_stream(&self.client, &self.table).await?;
        if arn != self.arn {
            tracing::warn!(
                table = self.table,
                "table has another stream than before; reading it from its beginning"
            );
            self.after.clear();
            self.arn = arn;
        }
        self.shards.clear();
        (self.unlisted, self.is_gone) = (true, false);
        Ok(())
    }

    /// Returns the error of a request, and notices that the stream is gone.
    fn refused(&mut self, error: impl Error + ProvideErrorMetadata + 'static) -> StreamError {
        self.is_gone |= error.code() == Some(UNKNOWN);
        refused(&self.table, error)
    }

    /// Returns whether a shard can be read now: its parent shard has to be read to the end before it.
    fn is_readable(&self, position: usize) -> bool {
        let shard = &self.shards[position];
        let parent = self.shards.iter().find(|other| Some(&other.id) == shard.parent.as_ref());
        !shard.finished && parent.is_none_or(|parent| parent.finished)
    }

    async fn find_shards(&mut self) -> Result<(), StreamError> {
        let mut start: Option<String> = None;
        loop {
            let request =
                self.client.describe_stream().stream_arn(&self.arn).set_exclusive_start_shard_id(start);
            let answer = request.send().await.map_err(|error| self.refused(error))?;
            let Some(description) = answer.stream_description else { return Ok(()) };
            for shard in description.shards() {
                self.add_shard(shard);
            }
            start = description.last_evaluated_shard_id;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    fn add_shard(&mut self, shard: &Shard) {
        let Some(id) = shard.shard_id() else { return };
        if self.shards.iter().all(|known| known.id != id) {
            let parent = shard.parent_shard_id().map(str::to_owned);
            self.shards.push(ShardState { id: id.to_owned(), parent, iterator: None, finished: false });
        }
    }

    async fn read_shard(&mut self, position: usize) -> Result<Option<StreamBatch>, StreamError> {
        let iterator = match self.shards[position].iterator.take() {
            Some(iterator) => iterator,
            None => match self.iterator(position).await? {
                Some(iterator) => iterator,
                None => return Ok(None),
            },
        };
        // `take` removed the iterator, so after an error the next call requests a new one.
        let request = self.client.get_records().shard_iterator(iterator).limit(MAX_RECORDS);
        let answer = request.send().await.map_err(|error| self.refused(error))?;
        let records = answer.records.unwrap_or_default();
        let shard = &mut self.shards[position];
        shard.finished = answer.next_shard_iterator.is_none();
        self.unlisted |= shard.finished;
        shard.iterator = answer.next_shard_iterator;
        let last = records.iter().rev().find_map(|record| record.dynamodb()?.sequence_number());
        let Some(sequence_number) = last.map(str::to_owned) else { return Ok(None) };
        self.after.insert(shard.id.clone(), sequence_number.clone());
        let last = Position { shard: shard.id.clone(), sequence_number };
        Ok(Some(StreamBatch { records: records.into_iter().map(stream_record).collect(), last }))
    }

    async fn iterator(&mut self, position: usize) -> Result<Option<String>, StreamError> {
        let shard = &self.shards[position].id;
        let request = self.client.get_shard_iterator().stream_arn(&self.arn).shard_id(shard);
        let request = match self.after.get(shard) {
            Some(after) => {
                request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).sequence_number(after)
            }
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        let answer = request.send().await.map_err(|error| self.refused(error))?;
        Ok(answer.shard_iterator)
    }
}

fn refused(table: &str, error: impl Error + ProvideErrorMetadata + 'static) -> StreamError {
    failed(table, &orderflow_errors::reason(error.code(), error.message(), &error))
}

/// Returns the ARN of the table's stream.
async fn find_stream(client: &Client, table: &str) -> Result<String, StreamError> {
    let listed = client.list_streams().table_name(table).send().await;
    let listed = listed.map_err(|error| refused(table, error))?;
    let arn = listed.streams().first().and_then(|stream| stream.stream_arn());
    Ok(arn.ok_or_else(|| failed(table, &"the table has no stream"))?.to_owned())
}

fn failed(table: &str, message: &impl ToString) -> StreamError {
    StreamError { table: table.to_owned(), message: message.to_string() }
}

fn stream_record(record: Record) -> StreamRecord {
    let change = match record.event_name {
        Some(OperationType::Insert) => Change::Insert,
        Some(OperationType::Remove) => Change::Remove,
        _ => Change::Modify,
    };
    let mut read = StreamRecord {
        change,
        keys: HashMap::new(),
        image: None,
        sequence_number: String::new(),
        written_at: None,
        id: record.event_id.unwrap_or_default(),
    };
    if let Some(content) = record.dynamodb {
        read.keys = content.keys.map(from_sdk).unwrap_or_default();
        read.image = content.new_image.map(from_sdk);
        read.sequence_number = content.sequence_number.unwrap_or_default();
        read.written_at =
            content.approximate_creation_date_time.and_then(|time| SystemTime::try_from(time).ok());
    }
    read
}

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
