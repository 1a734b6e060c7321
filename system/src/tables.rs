//! Creates tables again that vanish while the program runs, because the store was replaced by an empty one for example.

use std::time::Duration;

use orderflow_catalog::{Catalog, claim_currency};
use orderflow_domain::{ChargeRules, Currency};
use orderflow_store::Store;
use tokio::sync::watch;

use crate::{TABLES, demo, maintenance};

/// The time between two looks at the tables. What vanished is there again within 10 s.
const INTERVAL: Duration = Duration::from_secs(4);

/// Keeps the tables of a store outside this process complete.
pub(crate) struct TableKeeper {
    store: Store,
    currency: Currency,
    /// The catalog of the demo products and the rules for their prices, if this process adds them.
    demo: Option<(Catalog, ChargeRules)>,
    /// What was logged as missing, and is not complete again.
    reported: String,
    is_failing: bool,
}

impl TableKeeper {
    /// Creates a keeper. `demo` is the catalog of the demo products and the rules for their prices, if this process adds them.
    pub(crate) fn new(store: Store, currency: Currency, demo: Option<(Catalog, ChargeRules)>) -> Self {
        Self { store, currency, demo, reported: String::new(), is_failing: false }
    }

    /// Looks at the tables every few seconds until `stop` becomes true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                // Without a sender nothing can stop this task later, so it stops now.
                _ = stop.wait_for(|stop| *stop) => return,
            }
            // A store that does not answer is not reported here: every request to it is.
            let Ok(missing) = self.missing().await else { continue };
            if !missing.is_empty() && self.reported != missing {
                tracing::warn!(missing, "tables are missing and are created again; what they held is gone");
                self.reported = missing;
            }
            if !self.reported.is_empty() {
                let created = self.create().await;
                self.report(created);
            }
        }
    }

    fn report(&mut self, created: anyhow::Result<()>) {
        match created {
            Ok(()) => {
                tracing::info!("tables are complete again");
                self.reported.clear();
                self.is_failing = false;
            }
            Err(error) if !std::mem::replace(&mut self.is_failing, true) => {
                tracing::warn!(error = format!("{error:#}"), "tables cannot be created again; trying again");
            }
            Err(error) => tracing::debug!(error = format!("{error:#}"), "tables cannot be created yet"),
        }
    }

    async fn missing(&self) -> anyhow::Result<String> {
        let states = self.store.table_states(TABLES).await?;
        let missing = states.into_iter().filter(|table| !table.exists).map(|table| table.name);
        Ok(missing.collect::<Vec<_>>().join(", "))
    }

    async fn create(&self) -> anyhow::Result<()> {
        maintenance::create_missing_tables(&self.store).await?;
        claim_currency(&self.store, &self.currency).await?;
        match &self.demo {
            Some((catalog, rules)) => demo::add_products(&self.store, catalog, &self.currency, rules).await,
            None => Ok(()),
        }
    }
}
