//! The conformance suite that every broker must pass, whatever its transport.
//!
//! A [`BrokerUnderTest`] runs a broker; [`broker_suite!`](crate::broker_suite) generates a test of every scenario for it. The scenarios
//! publish events, attach functions that follow a script, and check the deliveries to them.
//!
//! A broker guarantees delivery at least once. Scenarios expect exactly one delivery only if nothing in them fails, ends or is
//! interrupted.

mod events;
mod observed;
pub mod scenarios;
mod scripted;

use std::sync::Arc;
use std::time::{Duration, Instant};

use orderflow_bridge::{ConsumerSwitch, Target};
use orderflow_messaging::{DeadLetter, Publisher, RetryPolicy};

/// A broker, and the process that consumes from it.
pub trait BrokerUnderTest: Sized {
    /// Whether a deferred delivery counts as an attempt. On SQS it does: the broker counts every receive.
    const COUNTS_DEFERRED: bool = false;

    /// Starts an empty broker without consumers, which delays retries by this policy.
    fn start(policy: RetryPolicy) -> impl Future<Output = Self>;

    /// Returns the publisher. An event that it confirms survives the end of the process.
    fn publisher(&self) -> Arc<dyn Publisher>;

    /// Delivers the messages of a consumer to this function from now on.
    fn attach(&mut self, consumer: &'static str, target: Arc<dyn Target>) -> impl Future<Output = ()>;

    /// Ends the consuming process without letting it acknowledge anything, and starts a new one without consumers.
    fn crash(&mut self) -> impl Future<Output = ()>;

    /// Stops the consuming process gracefully, waits for its end, and starts a new one without consumers.
    fn stop(&mut self) -> impl Future<Output = ()>;

    /// Returns the switch that stops and starts deliveries to single consumers, including those attached later.
    fn switch(&self) -> ConsumerSwitch;

    /// Returns the number of messages of a consumer, dead letters excluded. It is exact while no consumer is attached, and otherwise as
    /// exact as the broker reports it.
    fn waiting(&self, consumer: &str) -> impl Future<Output = u64>;

    /// Returns the dead letters of a consumer.
    fn dead_letters(&self, consumer: &str) -> impl Future<Output = Vec<DeadLetter>>;
}

/// A broker that accepts messages of any content on its queues.
pub trait AcceptsAnything: BrokerUnderTest {
    /// Sends a message without headers to the queue of a consumer.
    fn put(&self, consumer: &str, body: &str) -> impl Future<Output = ()>;
}

/// Generates a test of every scenario for a [`BrokerUnderTest`]; `anything` adds those for a broker that [`AcceptsAnything`].
#[macro_export]
macro_rules! broker_suite {
    ($broker:ty, anything) => {
        $crate::broker_suite!($broker);
        $crate::broker_suite!(@tests $broker:
            foreign: a_poison_message_from_another_sender;
        );
    };
    ($broker:ty) => {
        $crate::broker_suite!(@tests $broker:
            delivery: every_message_is_delivered_once, every_consumer_gets_its_subscribed_events,
                a_stopped_consumer_gets_nothing_until_it_resumes;
            outcomes: a_failed_message_is_retried_after_its_delay, a_batch_of_all_outcomes,
                dead_letters_have_code_reason_attempts_and_times,
                dead_letters_of_each_code_have_the_same_fields, a_message_is_dead_lettered_after_its_last_attempt;
            failures: a_function_that_fails_a_batch, a_function_that_panics;
            endings: a_crash_in_the_middle_of_a_batch, a_graceful_stop_in_the_middle;
            chaos: random_failures;
        );
    };
    (@tests $broker:ty: $($module:ident: $($name:ident),*;)*) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::conformance::scenarios::$module::$name::<$broker>().await;
            })*
        })*
    };
}

/// The longest time that a scenario waits for a condition.
const PATIENCE: Duration = Duration::from_secs(60);

/// The interval at which the condition is checked.
const POLL: Duration = Duration::from_millis(10);

/// Short delays, and so many attempts that few messages exhaust them.
pub(crate) const POLICY: RetryPolicy = RetryPolicy {
    max_attempts: 100,
    min_age: Duration::ZERO,
    base: Duration::from_millis(20),
    cap: Duration::from_millis(250),
};

/// Waits until a condition holds.
///
/// # Panics
/// The condition does not hold within `patience`.
async fn eventually(what: &str, patience: Duration, probe: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !probe().await {
        assert!(started.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Stops the consuming process and checks that no message is left for these consumers.
///
/// # Panics
/// A message is left.
async fn assert_queues_are_empty<B: BrokerUnderTest>(broker: &mut B, consumers: &[&str]) {
    broker.stop().await;
    for consumer in consumers {
        assert_eq!(broker.waiting(consumer).await, 0, "{consumer} has messages left");
    }
}
