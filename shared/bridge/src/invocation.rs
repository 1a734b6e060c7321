//! Invoking a function that may be out of reach.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use orderflow_backoff::Backoff;
use orderflow_messaging::QueueResponse;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{Target, TargetError, target};

/// How long messages are held while their function cannot be reached.
pub(crate) const MAX_HOLD: Duration = Duration::from_secs(300);

/// Delays after a function could not be reached.
const BACKOFF: Backoff = Backoff::from_millis(100, 400, 12_800);

/// How an invocation ended.
pub(crate) enum Invoked {
    Answered(QueueResponse),
    /// The function itself failed: one of the messages may be to blame.
    Failed(TargetError),
    /// It could not be reached for as long as messages can be held.
    Unreachable(TargetError),
    Stopped,
}

/// Invokes the function of a consumer with messages that were taken at `taken_at`. While it cannot be reached the batch is held and tried again,
/// as a whole: that burns no message's attempts.
pub(crate) async fn invoke_held(
    consumer: &str,
    function: &Arc<dyn Target>,
    event: &SqsEvent,
    taken_at: Instant,
    stop: &mut watch::Receiver<bool>,
) -> Invoked {
    let mut failures = 0_u32;
    loop {
        match target::invoke(function.clone(), event).await {
            Ok(response) => return Invoked::Answered(response),
            Err(error @ TargetError::Failed(_)) => return Invoked::Failed(error),
            Err(error) if taken_at.elapsed() > MAX_HOLD => return Invoked::Unreachable(error),
            Err(error) => {
                tracing::warn!(service = consumer, %error, "the batch is held");
            }
        }
        failures += 1;
        let pause = BACKOFF.delay(failures);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return Invoked::Stopped,
        }
    }
}
