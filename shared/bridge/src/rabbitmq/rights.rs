//! What the account may do on the broker. An account that may not declare works where everything is declared already.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::Connection;
use tokio::time::Instant;

use super::names::EXCHANGE;
use super::refusal::{Permission, Refusal};
use super::{RabbitError, topology};

/// The names of queues that a message lists; beyond, it tells their number.
const LISTED_MAX: usize = 6;

/// The time after a refusal in which nothing is declared while nothing is missing. The broker logs every refusal.
const DECLARE_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// The permissions that the account lacks, each of which is logged once. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Rights(Arc<Mutex<Lacking>>);

#[derive(Default)]
struct Lacking {
    to_declare: Option<Refused>,
    to_work: BTreeSet<Refusal>,
}

/// A refusal to declare.
struct Refused {
    at: Instant,
    /// The permissions that are missing.
    lacking: String,
    /// What was logged last.
    logged: (String, String),
}

impl Rights {
    /// Declares exchange, bindings and these queues, or all if the account could not declare before. If the account may not, checks that exchange and queues exist, and logs once which permissions are
    /// missing.
    ///
    /// # Errors
    /// [`RabbitError::Forbidden`] if something is missing that the account may not declare.
    pub(super) async fn declare(
        &self,
        connection: &Connection,
        queues: topology::Queues<'_>,
    ) -> Result<(), RabbitError> {
        let queues = if self.lock().to_declare.is_some() { topology::Queues::All } else { queues };
        let known = self.known();
        if known.is_some() && topology::missing(connection).await?.is_empty() {
            return Ok(());
        }
        match topology::declare(connection, queues).await {
            Ok(()) => {
                if self.lock().to_declare.take().is_some() {
                    tracing::info!("the account may declare exchange, queues and bindings");
                }
                Ok(())
            }
            Err(RabbitError::Refused(_)) => {
                let lacking = match known {
                    Some(lacking) => lacking,
                    None => describe(&topology::refusals(connection).await?),
                };
                let missing = topology::missing(connection).await?;
                self.report(&lacking, &shorten(&missing));
                match &missing[..] {
                    [] => Ok(()),
                    missing => Err(RabbitError::Forbidden { lacking, missing: shorten(missing) }),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what the account lacks for declaring, if the broker refused it a short time ago.
    fn known(&self) -> Option<String> {
        let state = self.lock();
        let recent = state.to_declare.as_ref().filter(|refused| refused.at.elapsed() < DECLARE_AGAIN_AFTER);
        recent.map(|refused| refused.lacking.clone())
    }

    fn report(&self, lacking: &str, missing: &str) {
        let mut state = self.lock();
        let news = (lacking.to_owned(), missing.to_owned());
        let is_known = state.to_declare.as_ref().is_some_and(|refused| refused.logged == news);
        let at = match state.to_declare.take() {
            Some(refused) if refused.lacking == lacking && refused.at.elapsed() < DECLARE_AGAIN_AFTER => {
                refused.at
            }
            _ => Instant::now(),
        };
        state.to_declare = Some(Refused { at, lacking: lacking.to_owned(), logged: news });
        if is_known {
            return;
        }
        if missing.is_empty() {
            tracing::warn!(
                lacking,
                "the account lacks permissions to declare; exchange and queues exist and are used, but what vanishes is not declared again"
            );
        } else {
            tracing::warn!(
                lacking,
                missing,
                "the account lacks permissions to declare what is missing on the broker; trying again"
            );
        }
    }

    /// Logs a permission that the account lacks for its work, unless that is known.
    pub(super) fn lacks(&self, refusal: &Refusal) {
        if self.lock().to_work.insert(refusal.clone()) {
            tracing::warn!(lacking = %refusal, "the account lacks a permission; trying again");
        }
    }

    /// Notes that the account has a permission, and logs that if it lacked it.
    pub(super) fn has(&self, permission: Permission, resource: &str) {
        let mut state = self.lock();
        let is_given =
            |refusal: &Refusal| refusal.permission == permission && refusal.resource.contains(resource);
        let before = state.to_work.len();
        state.to_work.retain(|refusal| !is_given(refusal));
        if state.to_work.len() < before {
            tracing::info!(permission = %permission, resource, "the account has the permission again");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lacking> {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the permissions with what each is needed for.
fn describe(refusals: &BTreeSet<Refusal>) -> String {
    let mut resources: BTreeMap<Permission, Vec<String>> = BTreeMap::new();
    for refusal in refusals {
        resources.entry(refusal.permission).or_default().push(refusal.resource.clone());
    }
    let described = resources.iter().map(|(permission, names)| format!("{permission} on {}", shorten(names)));
    described.collect::<Vec<_>>().join("; ")
}

fn shorten(names: &[String]) -> String {
    if names.len() <= LISTED_MAX {
        return names.join(", ");
    }
    let (exchanges, queues): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| name.contains(EXCHANGE) || name.contains("amq."));
    let exchanges = exchanges.iter().map(|name| format!("{name}, ")).collect::<String>();
    let first = queues.iter().take(LISTED_MAX / 2).map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    format!("{exchanges}{} queues ({first}, ...)", queues.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_listed_once_with_what_they_are_needed_for() {
        let refusal = |permission, resource: &str| Refusal { permission, resource: resource.to_owned() };
        let mut refusals: BTreeSet<Refusal> = [
            refusal(Permission::Write, "exchange 'amq.default'"),
            refusal(Permission::Configure, "queue 'a'"),
        ]
        .into();
        assert_eq!(describe(&refusals), "configure on queue 'a'; write on exchange 'amq.default'");
        refusals.extend((0..35).map(|n| refusal(Permission::Configure, &format!("queue 'q{n}'"))));
        refusals.insert(refusal(Permission::Configure, "exchange 'orderflow.events'"));
        let text = describe(&refusals);
        assert!(
            text.starts_with("configure on exchange 'orderflow.events', 36 queues (queue 'a', "),
            "{text}"
        );
    }
}
