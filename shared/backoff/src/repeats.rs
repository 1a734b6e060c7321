//! Reports failures that repeat once, although other calls succeed between them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{Duration, Instant};

/// How long a failure has to stay away to be over.
const OVER_AFTER: Duration = Duration::from_secs(10);

/// The most failures that are distinguished, and the most bytes of their texts: the texts may come from requests.
const FAILURES_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 300;

/// The text under which further failures are counted together.
const OTHERS: &str = "other failures";

/// Failures by their text: each is to be logged when it begins and when it is over, however often it repeats.
#[derive(Debug, Default)]
pub struct Repeats {
    any: AtomicBool,
    failures: Mutex<BTreeMap<String, Failure>>,
}

#[derive(Debug)]
struct Failure {
    count: u64,
    last: Instant,
}

/// A failure that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its text.
    pub failure: String,
    /// How often it occurred.
    pub count: u64,
}

impl Repeats {
    /// Returns a record without failures.
    pub const fn new() -> Self {
        Self { any: AtomicBool::new(false), failures: Mutex::new(BTreeMap::new()) }
    }

    /// Records a failure. Returns whether it begins, which is to be logged.
    pub fn fails(&self, failure: &str) -> bool {
        let now = Instant::now();
        let end = (0..=failure.len().min(TEXT_BYTES_MAX)).rev().find(|end| failure.is_char_boundary(*end));
        let mut text = &failure[..end.unwrap_or(0)];
        let mut failures = self.lock();
        if failures.len() >= FAILURES_MAX && !failures.contains_key(text) {
            text = OTHERS;
        }
        self.any.store(true, Ordering::Release);
        match failures.get_mut(text) {
            Some(known) => {
                known.count += 1;
                known.last = now;
                false
            }
            None => {
                failures.insert(text.to_owned(), Failure { count: 1, last: now });
                true
            }
        }
    }

    /// Records that something worked. Returns the failures that did not occur for ten seconds, whose end is to be logged.
    pub fn works(&self) -> Vec<Ended> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let now = Instant::now();
        let mut failures = self.lock();
        let is_over = |failure: &Failure| now.duration_since(failure.last) >= OVER_AFTER;
        let over: Vec<String> =
            failures.iter().filter(|(_, failure)| is_over(failure)).map(|(text, _)| text.clone()).collect();
        let ended = over.into_iter().filter_map(|text| {
            let count = failures.remove(&text)?.count;
            Some(Ended { failure: text, count })
        });
        let ended = ended.collect();
        self.any.store(!failures.is_empty(), Ordering::Release);
        ended
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Failure>> {
        self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_begins_and_ends_once_however_often_it_repeats() {
        let repeats = Repeats::new();
        assert_eq!(
            (repeats.fails("full"), repeats.fails("full"), repeats.fails("slow")),
            (true, false, true)
        );
        tokio::time::advance(OVER_AFTER / 2).await;
        assert!(repeats.works().is_empty() && !repeats.fails("full"));
        tokio::time::advance(OVER_AFTER / 2).await;
        assert_eq!(repeats.works(), [Ended { failure: "slow".to_owned(), count: 1 }]);
        tokio::time::advance(OVER_AFTER).await;
        assert_eq!(repeats.works(), [Ended { failure: "full".to_owned(), count: 3 }]);
        assert!(repeats.works().is_empty() && repeats.fails("full"));
    }

    #[test]
    fn many_texts_are_one_failure() {
        let repeats = Repeats::new();
        let logged =
            (0..10_000).filter(|number| repeats.fails(&format!("{number}{}", "ä".repeat(1_000)))).count();
        assert_eq!(logged, FAILURES_MAX + 1);
    }
}
