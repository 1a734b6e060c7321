//! The keys of an issuer, which are fetched while the program runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::Header;
use tokio::sync::Mutex as Flight;

use crate::issuer::Issuer;
use crate::keys::{Found, KeySet};
use crate::token_error::TokenError;

/// The shortest time between the beginnings of two fetches, so that tokens with made-up `kid`s cannot burden the issuer.
pub(crate) const FLOOR: Duration = Duration::from_secs(10);

/// The age at which known keys are fetched again, so that a key that the issuer has withdrawn is forgotten.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(300);

/// How long a request with a known key waits for a set that is fetched because of its age. Then it uses the known set.
const PATIENCE: Duration = Duration::from_millis(500);

type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

/// A cache of the keys of an issuer. Keys stay known until a later set replaces them, so valid tokens stay valid while the issuer is down.
pub(crate) struct Jwks {
    issuer: Issuer,
    clock: Clock,
    known: Mutex<Known>,
    /// Held during a fetch, so that there is one at a time.
    flight: Flight<()>,
}

#[derive(Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    /// When `keys` were fetched.
    fetched: Option<Instant>,
    /// When the last fetch began, successful or not.
    tried: Option<Instant>,
    /// Whether the last fetch failed.
    is_failing: bool,
}

impl Jwks {
    pub(crate) fn new(issuer: Issuer) -> Self {
        Self::with_clock(issuer, Box::new(Instant::now))
    }

    pub(crate) fn with_clock(issuer: Issuer, clock: Clock) -> Self {
        Self { issuer, clock, known: Mutex::default(), flight: Flight::default() }
    }

    /// Returns the set to verify a token with this header, which may have no key for it. Fetches it if the token names an unknown key, or
    /// if the known set is too old.
    ///
    /// # Errors
    /// [`TokenError::Unavailable`] if no set was ever fetched.
    pub(crate) async fn keys_for(self: &Arc<Self>, header: &Header) -> Result<Arc<KeySet>, TokenError> {
        let keys = self.known().keys.clone();
        let is_unknown = keys
            .as_ref()
            .is_none_or(|keys| matches!(keys.find(header.kid.as_deref(), header.alg), Found::UnknownKid));
        if is_unknown {
            self.refresh().await;
        } else if self.is_too_old() {
            // Whether the set came or not, the request goes on.
            let _elapsed = tokio::time::timeout(PATIENCE, self.refresh()).await;
        }
        let keys = self.known().keys.clone();
        keys.ok_or_else(|| TokenError::Unavailable(self.until_next_try()))
    }

    /// Fetches the keys, unless a fetch began within [`FLOOR`]. Waits for a fetch in progress.
    pub(crate) async fn refresh(self: &Arc<Self>) {
        let jwks = self.clone();
        // In a task, since the client of this request may go away while others wait for the keys.
        let fetch = tokio::spawn(async move {
            let _flight = jwks.flight.lock().await;
            if jwks.begin() {
                jwks.fetch().await;
            }
        });
        if let Err(error) = fetch.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "fetch of the keys of the issuer ended"
            );
        }
    }

    /// Records the beginning of a fetch. Returns `false` if the last one is too recent.
    fn begin(&self) -> bool {
        let now = (self.clock)();
        let mut known = self.known();
        if known.tried.is_some_and(|tried| now.saturating_duration_since(tried) < FLOOR) {
            return false;
        }
        known.tried = Some(now);
        true
    }

    async fn fetch(&self) {
        match self.issuer.fetch().await {
            Ok(keys) => {
                let mut known = self.known();
                match std::mem::take(&mut known.is_failing) {
                    true => tracing::info!(keys = keys.len(), "keys of the issuer are fetched again"),
                    false => tracing::debug!(keys = keys.len(), "fetched the keys of the issuer"),
                }
                known.keys = Some(Arc::new(keys));
                known.fetched = known.tried;
            }
            Err(error) => {
                let mut known = self.known();
                let known_keys = known.keys.as_ref().map_or(0, |keys| keys.len());
                let error = &error as &(dyn std::error::Error + 'static);
                // Without any keys, calls with a token wait for them.
                if !std::mem::replace(&mut known.is_failing, true) || known.keys.is_none() {
                    tracing::warn!(error, known_keys, "keys of the issuer were not fetched");
                } else {
                    tracing::debug!(error, known_keys, "keys of the issuer were not fetched");
                }
            }
        }
    }

    /// Returns whether the known set is too old and a fetch may begin.
    fn is_too_old(&self) -> bool {
        let now = (self.clock)();
        let known = self.known();
        let past = |since: Option<Instant>, age| {
            since.is_none_or(|since| now.saturating_duration_since(since) >= age)
        };
        past(known.fetched, MAX_AGE) && past(known.tried, FLOOR)
    }

    fn until_next_try(&self) -> Duration {
        let now = (self.clock)();
        let since = self.known().tried.map(|tried| now.saturating_duration_since(tried));
        since.map_or(FLOOR, |since| FLOOR.saturating_sub(since))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // The state is valid after each statement that changes it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
