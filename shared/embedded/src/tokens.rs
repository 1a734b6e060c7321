//! Repeats of a transaction whose answer got lost on the way.
//!
//! The SDK sends a `ClientRequestToken` with each `TransactWriteItems` and the same one again when it retries. DynamoDB
//! answers such a repeat as it answered the first time instead of running it again, which would fail the transaction's
//! own conditions. The engine does that too, but looks through all tokens of ten minutes on each transaction, so it
//! never gets to see them.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use dynoxide::actions::transact_write_items::TransactWriteItem;

/// How long DynamoDB remembers a token.
const WINDOW: Duration = Duration::from_secs(600);

/// How many tokens are remembered. An SDK repeats within seconds, so at any rate this engine reaches a repeat finds
/// its token among these.
const CAPACITY: usize = 50_000;

/// The token of one request, and what it was sent for.
#[derive(Debug)]
pub(crate) struct Token {
    name: String,
    fingerprint: u64,
}

impl Token {
    pub(crate) fn new(name: String, actions: &[TransactWriteItem]) -> Self {
        let mut hasher = DefaultHasher::new();
        // Through a JSON value, because that hashes the same in whatever order a map's entries come.
        if let Ok(actions) = serde_json::to_value(actions) {
            actions.hash(&mut hasher);
        }
        Self { name, fingerprint: hasher.finish() }
    }
}

/// What is known about a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Never,
    SameRequest,
    OtherRequest,
}

/// The tokens of the transactions that succeeded lately.
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

    /// Failed transactions are not remembered: their repeat runs again, as on DynamoDB.
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
