//! Recognises repeats of a transaction whose answer was lost.
//!
//! The SDK sends a `ClientRequestToken` with each `TransactWriteItems`, and the same token when it retries. DynamoDB answers a repeat as it
//! answered the first request, without running the transaction again, whose conditions would fail then.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The time for which DynamoDB remembers a token.
const WINDOW: Duration = Duration::from_secs(600);

/// The most tokens that are remembered. SDKs retry within seconds.
const CAPACITY: usize = 50_000;

/// The tokens of the transactions that run, and of those that succeeded in the last ten minutes.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    requests: HashMap<String, Request>,
    succeeded: VecDeque<(Instant, String)>,
}

#[derive(Debug)]
struct Request {
    fingerprint: u64,
    has_succeeded: bool,
}

/// What a request with a token has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Run the transaction, then call [`Tokens::end`].
    Run,
    /// Answer as before, since the transaction has succeeded.
    Repeat,
}

impl Tokens {
    /// Begins a request with this token and this content.
    ///
    /// # Errors
    /// If the token belongs to another request, or the same request is running.
    pub(crate) fn begin(&self, token: &str, content: &[u8], now: Instant) -> Result<Admission, Failure> {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let fingerprint = hasher.finish();
        let mut known = self.known();
        known.forget_old(now);
        match known.requests.get(token) {
            None => {
                let request = Request { fingerprint, has_succeeded: false };
                known.requests.insert(token.to_owned(), request);
                Ok(Admission::Run)
            }
            Some(request) if request.fingerprint != fingerprint => Err(Failure::new(
                "IdempotentParameterMismatchException",
                "the ClientRequestToken was used before for another transaction",
            )),
            Some(request) if request.has_succeeded => Ok(Admission::Repeat),
            Some(_) => Err(Failure::new(
                "TransactionInProgressException",
                "the transaction with this ClientRequestToken is in progress",
            )),
        }
    }

    /// Ends a request. A transaction that failed runs again when it is repeated, as on DynamoDB.
    pub(crate) fn end(&self, token: &str, has_succeeded: bool, now: Instant) {
        let mut known = self.known();
        if !has_succeeded {
            known.requests.remove(token);
            return;
        }
        if let Some(request) = known.requests.get_mut(token) {
            request.has_succeeded = true;
            known.succeeded.push_back((now, token.to_owned()));
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget_old(&mut self, now: Instant) {
        while let Some((at, _)) = self.succeeded.front()
            && (self.succeeded.len() > CAPACITY || now.duration_since(*at) >= WINDOW)
        {
            if let Some((_, token)) = self.succeeded.pop_front() {
                self.requests.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_for_ten_minutes_and_bound_to_its_request() {
        let (start, tokens) = (Instant::now(), Tokens::default());
        assert_eq!(tokens.begin("a", b"1", start), Ok(Admission::Run));
        assert!(tokens.begin("a", b"1", start).is_err(), "the first request is running");
        tokens.end("a", true, start);
        let later = start + WINDOW - Duration::from_secs(1);
        assert_eq!(tokens.begin("a", b"1", later), Ok(Admission::Repeat));
        assert!(tokens.begin("a", b"2", later).is_err());
        assert_eq!(tokens.begin("a", b"2", start + WINDOW), Ok(Admission::Run));
    }

    #[test]
    fn a_failed_transaction_may_be_repeated() {
        let (now, tokens) = (Instant::now(), Tokens::default());
        for _ in 0..2 {
            assert_eq!(tokens.begin("a", b"1", now), Ok(Admission::Run));
            tokens.end("a", false, now);
        }
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let (now, tokens) = (Instant::now(), Tokens::default());
        for n in 0..CAPACITY + 10 {
            tokens.begin(&n.to_string(), b"1", now).unwrap();
            tokens.end(&n.to_string(), true, now);
        }
        assert_eq!(tokens.begin("0", b"1", now), Ok(Admission::Run));
        assert!(tokens.known().requests.len() <= CAPACITY + 1);
    }
}
