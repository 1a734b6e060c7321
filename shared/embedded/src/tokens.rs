//! Recognises repeats of a transaction whose answer was lost.
//!
//! The SDK sends a `ClientRequestToken` with each `TransactWriteItems`, and the same token when it retries. DynamoDB answers a repeat as it
//! answered the first request, without running the transaction again, whose conditions would fail then. The engine supports tokens as well, but
//! searches all tokens of ten minutes at each transaction. This module replaces that.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use dynoxide::actions::transact_write_items::TransactWriteItem;

/// The time for which DynamoDB remembers a token.
const WINDOW: Duration = Duration::from_secs(600);

/// The most tokens that are remembered. SDKs retry within seconds, in which this engine cannot run that many transactions.
const CAPACITY: usize = 50_000;

/// The token of one request, with a fingerprint of the request.
#[derive(Debug)]
pub(crate) struct Token {
    name: String,
    fingerprint: u64,
}

impl Token {
    pub(crate) fn new(name: String, actions: &[TransactWriteItem]) -> Self {
        let mut hasher = DefaultHasher::new();
        // The hash of a JSON value does not depend on the order of a map's entries.
        if let Ok(actions) = serde_json::to_value(actions) {
            actions.hash(&mut hasher);
        }
        Self { name, fingerprint: hasher.finish() }
    }
}

/// What is known about the token of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Never,
    SameRequest,
    OtherRequest,
}

/// The tokens of the transactions that succeeded in the last ten minutes.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    fingerprints: HashMap<String, u64>,
    by_age: VecDeque<(Instant, String)>,
}

impl Tokens {
    pub(crate) fn look_up(&mut self, token: &Token, now: Instant) -> Seen {
        self.forget_old(now);
        match self.fingerprints.get(&token.name) {
            None => Seen::Never,
            Some(known) if *known == token.fingerprint => Seen::SameRequest,
            Some(_) => Seen::OtherRequest,
        }
    }

    /// Remembers the token of a transaction that succeeded. A failed transaction runs again when it is repeated, as on DynamoDB.
    pub(crate) fn remember(&mut self, token: Token, now: Instant) {
        self.by_age.push_back((now, token.name.clone()));
        self.fingerprints.insert(token.name, token.fingerprint);
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((at, _)) = self.by_age.front()
            && (self.by_age.len() > CAPACITY || now.duration_since(*at) >= WINDOW)
        {
            if let Some((_, name)) = self.by_age.pop_front() {
                self.fingerprints.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str, fingerprint: u64) -> Token {
        Token { name: name.to_owned(), fingerprint }
    }

    #[test]
    fn a_token_is_known_for_ten_minutes_and_bound_to_its_request() {
        let start = Instant::now();
        let mut tokens = Tokens::default();
        assert_eq!(tokens.look_up(&token("a", 1), start), Seen::Never);
        tokens.remember(token("a", 1), start);
        let later = start + WINDOW - Duration::from_secs(1);
        assert_eq!(tokens.look_up(&token("a", 1), later), Seen::SameRequest);
        assert_eq!(tokens.look_up(&token("a", 2), later), Seen::OtherRequest);
        assert_eq!(tokens.look_up(&token("a", 1), start + WINDOW), Seen::Never);
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let now = Instant::now();
        let mut tokens = Tokens::default();
        for n in 0..CAPACITY + 10 {
            tokens.remember(token(&n.to_string(), 1), now);
        }
        assert_eq!(tokens.look_up(&token("0", 1), now), Seen::Never);
        assert_eq!(tokens.fingerprints.len(), CAPACITY);
    }
}
