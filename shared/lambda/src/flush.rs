//! Sends metrics and spans before Lambda freezes the environment.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use lambda_runtime::{Error, LambdaInvocation};
use orderflow_telemetry::{EmbeddedMetrics, Telemetry};
use tower::{Layer, Service};

/// The longest time for which spans delay the next invocation. Spans that are not sent by then are sent after the next invocation.
const PATIENCE: Duration = Duration::from_millis(500);

/// Flushes metrics and spans after each invocation. The response has been sent by then, and Lambda freezes the environment only when the runtime asks for
/// the next event.
#[derive(Clone)]
pub(crate) struct Flush {
    telemetry: Arc<Telemetry>,
    metrics: EmbeddedMetrics,
}

impl Flush {
    pub(crate) fn new(telemetry: Telemetry, metrics: EmbeddedMetrics) -> Self {
        Self { telemetry: Arc::new(telemetry), metrics }
    }

    async fn flush(self) {
        if let Err(error) = self.metrics.flush(&mut io::stdout()) {
            tracing::warn!(%error, "metrics of this invocation are lost");
        }
        let telemetry = self.telemetry;
        if !telemetry.exports_spans() {
            return;
        }
        let sending = tokio::task::spawn_blocking(move || telemetry.flush());
        // A timeout loses only spans, so it is no reason to fail.
        let _unsent = tokio::time::timeout(PATIENCE, sending).await;
    }
}

impl<S> Layer<S> for Flush {
    type Service = Flushing<S>;

    fn layer(&self, inner: S) -> Flushing<S> {
        Flushing { inner, flush: self.clone() }
    }
}

/// A service that flushes after its response.
#[derive(Clone)]
pub(crate) struct Flushing<S> {
    inner: S,
    flush: Flush,
}

impl<S> Service<LambdaInvocation> for Flushing<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error, Future: Send + 'static>,
{
    type Response = ();
    type Error = Error;
    type Future = BoxFuture<'static, Result<(), Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let answering = self.inner.call(invocation);
        let flush = self.flush.clone();
        Box::pin(async move {
            let answered = answering.await;
            flush.flush().await;
            answered
        })
    }
}
