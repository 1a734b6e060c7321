//! Declares exchange, queues and bindings again when they vanish while the program runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{ProbeRoute, RabbitError, RabbitMq};

/// The time between two reconciliations. What vanished is there again within 10 s.
const INTERVAL: Duration = Duration::from_secs(4);

/// Reconciles the broker with the subscription table at once and then every few seconds, until it is dropped.
pub struct TopologyReconciler {
    task: JoinHandle<()>,
}

/// The connection over which a process publishes, and where to. Whether the account may do so is checked with every reconciliation.
pub struct Publishing {
    /// The connection.
    pub connection: Arc<RabbitMq>,
    /// Where the process publishes.
    pub routes: Vec<ProbeRoute>,
}

impl TopologyReconciler {
    /// Starts over this connection, which must not be one that publishes: a broker short of memory blocks those.
    pub fn start(broker: Arc<RabbitMq>, publishing: Publishing) -> Self {
        Self { task: tokio::spawn(run(broker, publishing)) }
    }
}

impl Drop for TopologyReconciler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(broker: Arc<RabbitMq>, publishing: Publishing) {
    let mut is_failing = false;
    loop {
        let is_declared = match broker.reconcile().await {
            Ok(_) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("exchange, queues and bindings are declared again");
                }
                true
            }
            // The connection logs its loss and its return, and missing permissions.
            Err(error @ (RabbitError::Unreachable { .. } | RabbitError::Forbidden { .. })) => {
                tracing::debug!(%error, "queues cannot be declared");
                false
            }
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!(%error, "exchange, queues or bindings cannot be declared; trying again");
                }
                false
            }
        };
        // A broker that is short of memory answers no publisher, which must not delay the next reconciliation.
        tokio::join!(tokio::time::sleep(INTERVAL), async {
            if is_declared {
                publishing.connection.check_rights(&publishing.routes).await;
            }
        });
    }
}
