//! Invoking the function of a consumer, in this process or elsewhere.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orderflow_backoff::Backoff;
use tokio::sync::watch;
use tokio::time::Instant;

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
}

#[async_trait]
impl<C: Consumer> Target for QueueFunction<C> {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        self.invoke(&payload, None).await.map_err(|error| TargetError::Failed(error.to_string()))
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
pub async fn invoke(consumer: &str, target: &Arc<dyn Target>, batch: &RecordBatch) -> Invoked {
    match try_invoke(target.clone(), batch).await {
        Ok(outcomes) => Invoked::Outcomes(outcomes),
        Err(error) => failed(consumer, batch, &error, Duration::from_secs(1)),
    }
}

/// Invokes the function of a consumer with messages that were received at `received_at`. While the function is unreachable the whole batch is held
/// and the invocation is repeated, for up to five minutes; then every record is deferred.
pub async fn invoke_with_hold(
    consumer: &str,
    target: &Arc<dyn Target>,
    batch: &RecordBatch,
    received_at: Instant,
    stop: &mut watch::Receiver<bool>,
) -> Invoked {
    let mut failures = 0_u32;
    loop {
        match try_invoke(target.clone(), batch).await {
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
            Err(error) => return failed(consumer, batch, &error, HOLD_MAX),
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

/// Invokes the function in a task of its own, so that a panic fails only its batch.
async fn try_invoke(target: Arc<dyn Target>, batch: &RecordBatch) -> Result<Vec<Outcome>, TargetError> {
    let failed = |error: &dyn ToString| TargetError::Failed(error.to_string());
    let payload = serde_json::to_vec(batch).map_err(|error| failed(&error))?;
    let invocation = tokio::spawn(async move { target.invoke(payload).await });
    let response = invocation.await.map_err(|error| failed(&error))??;
    let response: QueueResponse = serde_json::from_slice(&response)
        .map_err(|error| failed(&format!("its response is not a batch response: {error}")))?;
    response.into_outcomes(&batch.records).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use orderflow_domain::Timestamp;

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
        let held = invoke_with_hold("payment", &target, &batch, Instant::now(), &mut stopped).await;
        let deferrals = |invoked: &Invoked| match invoked {
            Invoked::Outcomes(outcomes) => {
                outcomes.iter().filter(|o| matches!(o, Outcome::Defer { .. })).count()
            }
            _ => 0,
        };
        let at_once = invoke("payment", &target, &batch).await;
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
}
