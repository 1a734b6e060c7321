//! Creates topic, queues and subscriptions again when they vanish while the program runs.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{Piece, Provisioner, SqsError};

/// The time between two reconciliations. What vanished is there again within 10 s.
const INTERVAL: Duration = Duration::from_secs(4);

/// Reconciles every few seconds, until it is dropped.
#[derive(Debug)]
pub struct SqsReconciler {
    task: JoinHandle<()>,
}

impl SqsReconciler {
    /// Starts the reconciliations.
    pub fn start(provisioner: Provisioner) -> Self {
        Self { task: tokio::spawn(Reconciliation::new(provisioner).run()) }
    }
}

impl Drop for SqsReconciler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Reconciliation {
    provisioner: Provisioner,
    /// What was logged as missing, and is not there again.
    reported: BTreeSet<Piece>,
    is_failing: bool,
}

impl Reconciliation {
    fn new(provisioner: Provisioner) -> Self {
        Self { provisioner, reported: BTreeSet::new(), is_failing: false }
    }

    async fn run(mut self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let reconciled = self.reconcile().await;
            self.report(reconciled);
        }
    }

    async fn reconcile(&mut self) -> Result<(), SqsError> {
        let missing = self.provisioner.missing().await?;
        if !missing.is_subset(&self.reported) {
            let missing = missing.iter().map(Piece::to_string).collect::<Vec<_>>().join(", ");
            tracing::warn!(missing, "topic, queues or subscriptions are missing; creating them again");
        }
        if missing.is_empty() {
            self.reported.clear();
            return Ok(());
        }
        self.reported.extend(&missing);
        self.provisioner.create(&missing).await?;
        // The next event can be published as soon as everything is there.
        let left = self.provisioner.missing().await?;
        if left.is_empty() {
            tracing::info!("topic, queues and subscriptions are complete again");
            self.reported.clear();
        }
        Ok(())
    }

    fn report(&mut self, reconciled: Result<(), SqsError>) {
        match reconciled {
            Ok(()) => self.is_failing = false,
            Err(error) if !std::mem::replace(&mut self.is_failing, true) => {
                tracing::warn!(%error, "topic, queues or subscriptions cannot be reconciled; trying again");
            }
            Err(error) => tracing::debug!(%error, "topic, queues or subscriptions cannot be reconciled yet"),
        }
    }
}
