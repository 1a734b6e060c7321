//! Invoking the function of a consumer, in this process or elsewhere.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orderflow_backoff::Backoff;
use orderflow_domain::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::catching_up::{GROUP_MAX, turn_of};
use crate::{Consumer, Outcome, QueueFunction, QueueResponse, RecordBatch};

/// The longest time for which messages are held while their function is unreachable. Afterwards they are deferred by the same time.
const HOLD_MAX: Duration = Duration::from_secs(300);

/// The delays between the invocations of an unreachable function.
const UNREACHABLE: Backoff = Backoff::from_millis(100, 400, 12_800);

/// An invocation without a usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The function received the batch and failed. A message of the batch can be the cause.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The function did not receive the batch, or it is unknown whether it did. No message of the batch is the cause.
    #[error("the function cannot be reached: {0}")]
    Unreachable(String),
}

/// A function that takes batches of messages: in this process, or invoked over the network.
#[async_trait]
pub trait Target: Send + Sync + 'static {
    /// Takes a [`RecordBatch`] and returns a [`QueueResponse`], both as JSON.
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError>;

    /// Takes a batch and returns one outcome for each record, in their order. A function in this process takes the batch as it is; any other is
    /// invoked with JSON.
    async fn handle(&self, batch: &RecordBatch) -> Result<Vec<Outcome>, TargetError> {
        let failed = |error: &dyn ToString| TargetError::Failed(error.to_string());
        let payload = serde_json::to_vec(batch).map_err(|error| failed(&error))?;
        let response = self.invoke(payload).await?;
        let response: QueueResponse = serde_json::from_slice(&response)
            .map_err(|error| failed(&format!("its response is not a batch response: {error}")))?;
        response.into_outcomes(&batch.records).map_err(|error| failed(&error))
    }
}

#[async_trait]
impl<C: Consumer> Target for QueueFunction<C> {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        self.invoke(&payload, None).await.map_err(|error| TargetError::Failed(error.to_string()))
    }

    async fn handle(&self, batch: &RecordBatch) -> Result<Vec<Outcome>, TargetError> {
        Ok(self.handle(&batch.records, None).await)
    }
}

/// The end of an invocation.
#[derive(Debug, PartialEq, Eq)]
pub enum Invoked {
    /// One outcome for each record, in their order.
    Outcomes(Vec<Outcome>),
    /// The function failed for the batch as a whole: the host delivers its records one at a time, to find the cause.
    FailedAsWhole,
    /// The host is stopping, and the function was not reached.
    Stopped,
}

/// Invokes the function of a consumer.
///
/// A function that fails for a single record is a failed attempt of that record. An unreachable function defers every record: no attempt counts.
pub async fn invoke(consumer: &str, target: &Arc<dyn Target>, batch: RecordBatch) -> Invoked {
    let batch = Arc::new(batch);
    match invoke_in_turn(consumer, target, &batch).await {
        Ok(outcomes) => Invoked::Outcomes(outcomes),
        Err(error) => failed(consumer, &batch, &error, Duration::from_secs(1)),
    }
}

/// Invokes the function of a consumer with messages that were received at `received_at`. While the function is unreachable the whole batch is held
/// and the invocation is repeated, for up to five minutes; then every record is deferred.
pub async fn invoke_with_hold(
    consumer: &str,
    target: &Arc<dyn Target>,
    batch: RecordBatch,
    received_at: Instant,
    stop: &mut watch::Receiver<bool>,
) -> Invoked {
    let batch = Arc::new(batch);
    let mut failures = 0_u32;
    loop {
        match invoke_in_turn(consumer, target, &batch).await {
            Ok(outcomes) => {
                if failures > 0 {
                    tracing::info!(service = consumer, "function is reachable again");
                }
                return Invoked::Outcomes(outcomes);
            }
            Err(error @ TargetError::Unreachable(_)) if received_at.elapsed() <= HOLD_MAX => {
                if failures == 0 {
                    tracing::warn!(service = consumer, %error, "function is unreachable; batch is held");
                }
            }
            Err(error) => return failed(consumer, &batch, &error, HOLD_MAX),
        }
        failures += 1;
        let pause = UNREACHABLE.delay(failures);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return Invoked::Stopped,
        }
    }
}

/// Returns the end of an invocation without a response.
fn failed(consumer: &str, batch: &RecordBatch, error: &TargetError, deferral: Duration) -> Invoked {
    let records = batch.records.len();
    match error {
        TargetError::Failed(_) if records > 1 => {
            tracing::error!(service = consumer, %error, records, "batch failed; its messages are delivered one by one");
            Invoked::FailedAsWhole
        }
        TargetError::Failed(_) => Invoked::Outcomes(vec![Outcome::retry(error)]),
        TargetError::Unreachable(_) => {
            let deferred = Outcome::Defer { reason: error.to_string(), after: deferral };
            Invoked::Outcomes(vec![deferred; records])
        }
    }
}

/// Invokes the function once, or for a batch of old messages several times, with a group of them each. If it fails for a group, it fails for the
/// batch: consumers recognise what they did already.
async fn invoke_in_turn(
    consumer: &str,
    target: &Arc<dyn Target>,
    batch: &Arc<RecordBatch>,
) -> Result<Vec<Outcome>, TargetError> {
    let Some(turn) = turn_of(consumer, batch, Timestamp::now()) else {
        return try_invoke(target.clone(), batch.clone()).await;
    };
    let mut outcomes = Vec::with_capacity(batch.records.len());
    for group in batch.records.chunks(GROUP_MAX) {
        let _turn = turn.acquire().await.expect("the semaphore is never closed");
        outcomes.extend(try_invoke(target.clone(), Arc::new(RecordBatch { records: group.to_vec() })).await?);
    }
    Ok(outcomes)
}

/// Invokes the function in a task of its own, so that a panic fails only its batch.
async fn try_invoke(target: Arc<dyn Target>, batch: Arc<RecordBatch>) -> Result<Vec<Outcome>, TargetError> {
    let invocation = tokio::spawn(async move { target.handle(&batch).await });
    invocation.await.unwrap_or_else(|panic| Err(TargetError::Failed(panic.to_string())))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use orderflow_domain::{Event, EventData, InventoryReleased, OrderId};

    use super::*;
    use crate::AttemptHistory;

    struct Fixed(Result<&'static str, TargetError>);

    #[async_trait]
    impl Target for Fixed {
        async fn invoke(&self, _payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
            self.0.clone().map(|response| response.as_bytes().to_vec())
        }
    }

    async fn invoked(response: Result<&'static str, TargetError>, records: usize) -> Invoked {
        let history = AttemptHistory { attempts: 0, first_at: Timestamp::from_millis(0) };
        let batch = RecordBatch::new("orderflow:test", vec![("{}", history); records]);
        let target: Arc<dyn Target> = Arc::new(Fixed(response));
        let (_stop, mut stopped) = watch::channel(false);
        let held = invoke_with_hold("payment", &target, batch.clone(), Instant::now(), &mut stopped).await;
        let deferrals = |invoked: &Invoked| match invoked {
            Invoked::Outcomes(outcomes) => {
                outcomes.iter().filter(|o| matches!(o, Outcome::Defer { .. })).count()
            }
            _ => 0,
        };
        let at_once = invoke("payment", &target, batch).await;
        if deferrals(&held) == 0 {
            assert_eq!(at_once, held);
        } else {
            assert_eq!(deferrals(&at_once), records);
        }
        held
    }

    #[tokio::test]
    async fn a_failed_batch_is_delivered_one_by_one_and_a_single_failure_is_an_attempt() {
        let failed = TargetError::Failed("no".to_owned());
        assert_eq!(invoked(Err(failed.clone()), 2).await, Invoked::FailedAsWhole);
        let attempt = Outcome::retry("the function failed: no");
        assert_eq!(invoked(Err(failed), 1).await, Invoked::Outcomes(vec![attempt]));
        assert_eq!(invoked(Ok("nonsense"), 2).await, Invoked::FailedAsWhole);
        assert_eq!(
            invoked(Ok(r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#), 2).await,
            Invoked::FailedAsWhole
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_function_defers_its_batch_after_the_longest_hold() {
        let started = Instant::now();
        let invoked = invoked(Err(TargetError::Unreachable("refused".to_owned())), 2).await;
        assert!(started.elapsed() > HOLD_MAX);
        let reason = "the function cannot be reached: refused".to_owned();
        assert_eq!(invoked, Invoked::Outcomes(vec![Outcome::Defer { reason, after: HOLD_MAX }; 2]));
    }

    #[tokio::test]
    async fn the_outcomes_of_a_response_are_those_of_its_records() {
        let response = r#"{"batchItemFailures":[{"itemIdentifier":"1","reason":"later"}]}"#;
        let outcomes = vec![Outcome::Done, Outcome::retry("later")];
        assert_eq!(invoked(Ok(response), 2).await, Invoked::Outcomes(outcomes));
    }

    /// A function that notes how many records each of its batches has, and how many batches it has at once.
    #[derive(Default)]
    struct Noting {
        batches: Mutex<Vec<usize>>,
        running: AtomicUsize,
        most: AtomicUsize,
    }

    #[async_trait]
    impl Target for Noting {
        async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            let batch: RecordBatch = serde_json::from_slice(&payload).unwrap();
            self.batches.lock().unwrap().push(batch.records.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.running.fetch_sub(1, Ordering::SeqCst);
            let last = batch.records.last().unwrap().id.clone();
            let failures = vec![crate::ItemFailure::retry(last, "later")];
            Ok(serde_json::to_vec(&QueueResponse { failures }).unwrap())
        }
    }

    /// Returns the sizes of the function's batches, and the most at once, for three batches of 50 events of this age.
    async fn noted(consumer: &str, age: Duration) -> (Vec<usize>, usize) {
        let now = Timestamp::now();
        let time = Timestamp::from_millis(now.as_millis() - i64::try_from(age.as_millis()).unwrap());
        let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
        let body = Event::new(EventData::InventoryReleased(data), "", time, None).to_json();
        let history = AttemptHistory { attempts: 0, first_at: now };
        let batch = RecordBatch::new("orderflow:test", vec![(&*body, history); 50]);
        let noting = Arc::new(Noting::default());
        let target: Arc<dyn Target> = noting.clone();
        let invoked = invoked_three_times(consumer, &target, &batch).await;
        let retried = |invoked: &Invoked| match invoked {
            Invoked::Outcomes(outcomes) => {
                outcomes.iter().map(|o| matches!(o, Outcome::Retry { .. })).collect()
            }
            _ => Vec::new(),
        };
        for invoked in &invoked {
            let retried: Vec<bool> = retried(invoked);
            assert_eq!((retried.len(), retried.last()), (50, Some(&true)), "{invoked:?}");
        }
        (noting.batches.lock().unwrap().clone(), noting.most.load(Ordering::SeqCst))
    }

    async fn invoked_three_times(
        consumer: &str,
        target: &Arc<dyn Target>,
        batch: &RecordBatch,
    ) -> [Invoked; 3] {
        let one = || invoke(consumer, target, batch.clone());
        let (first, second, third) = tokio::join!(one(), one(), one());
        [first, second, third]
    }

    #[tokio::test(start_paused = true)]
    async fn old_messages_are_processed_in_small_groups_one_at_a_time() {
        let (old, new) = (Duration::from_secs(3_600), Duration::from_secs(1));
        let (mut groups, at_once) = noted("notification", old).await;
        groups.sort_unstable();
        assert_eq!((groups, at_once), (vec![10, 10, 10, 20, 20, 20, 20, 20, 20], 1));
        assert_eq!(noted("notification", new).await, (vec![50; 3], 3));
        assert_eq!(noted("payment", old).await, (vec![50; 3], 3), "orders wait for it");
    }
}
