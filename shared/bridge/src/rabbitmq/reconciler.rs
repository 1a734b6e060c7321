//! Declares exchange, queues and bindings again when they vanish while the program runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{RabbitError, RabbitMq};

/// The time between two reconciliations. What vanished is there again within 10 s.
const INTERVAL: Duration = Duration::from_secs(4);

/// Reconciles the broker with the subscription table every few seconds, until it is dropped.
pub struct TopologyReconciler {
    task: JoinHandle<()>,
}

impl TopologyReconciler {
    /// Starts over this connection, which must not be one that publishes: a broker short of memory blocks those.
    pub fn start(broker: Arc<RabbitMq>) -> Self {
        Self { task: tokio::spawn(run(broker)) }
    }
}

impl Drop for TopologyReconciler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(broker: Arc<RabbitMq>) {
    let mut is_failing = false;
    loop {
        tokio::time::sleep(INTERVAL).await;
        match broker.reconcile().await {
            Ok(missing) => {
                if !missing.is_empty() {
                    let missing = missing.join(", ");
                    tracing::warn!(
                        missing,
                        "exchange or queues were missing on the broker and are declared again"
                    );
                }
                if std::mem::take(&mut is_failing) {
                    tracing::info!("exchange, queues and bindings are declared again");
                }
            }
            // The connection logs its loss and its return.
            Err(error @ RabbitError::Unreachable { .. }) => {
                tracing::debug!(%error, "queues cannot be checked");
            }
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!(%error, "exchange, queues or bindings cannot be declared; trying again");
                }
            }
        }
    }
}
