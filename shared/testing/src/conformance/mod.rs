//! The suite that every broker has to pass, whatever carries its messages.
//!
//! A [`BrokerUnderTest`] is a way to run a broker; [`broker_suite!`](crate::broker_suite) makes one test of every scenario for it. The
//! scenarios publish events, attach functions that follow a script, and look at what those are given.
//!
//! What a broker promises is "at least once". Where a scenario asks for exactly once, nothing in it failed, ended or was cut off.

mod events;
mod observed;
pub mod scenarios;
mod scripted;
mod stress;

use std::sync::Arc;
use std::time::{Duration, Instant};

use orderflow_bridge::{ConsumerSwitch, Target};
use orderflow_messaging::{Publisher, RetryPolicy, StoredDeadLetter};

/// A broker, and the process that consumes from it.
pub trait BrokerUnderTest: Sized {
    /// Whether a delivery that was not tried is an attempt all the same: SQS counts what it hands out.
    const COUNTS_DEFERRED: bool = false;

    /// A broker with nothing in it and nobody attached, which puts failed messages off by this policy.
    fn start(policy: RetryPolicy) -> impl Future<Output = Self>;

    /// Where events go in: what it says is published is kept, whatever ends then.
    fn publisher(&self) -> Arc<dyn Publisher>;

    /// From now on hands the messages of a consumer to this function.
    fn attach(&mut self, consumer: &'static str, target: Arc<dyn Target>) -> impl Future<Output = ()>;

    /// Ends what consumes without a chance to settle anything. A new one, with nobody attached, takes its place.
    fn crash(&mut self) -> impl Future<Output = ()>;

    /// Tells what consumes to stop, and returns when it has. A new one, with nobody attached, takes its place.
    fn stop(&mut self) -> impl Future<Output = ()>;

    /// Stops and starts deliveries to single consumers, of those that are attached from now on too.
    fn switch(&self) -> ConsumerSwitch;

    /// The messages that are kept for a consumer and are not dead: exact while nobody is attached, else as far as the broker can tell.
    fn waiting(&self, consumer: &str) -> impl Future<Output = u64>;

    /// The dead letters of a consumer.
    fn dead_letters(&self, consumer: &str) -> impl Future<Output = Vec<StoredDeadLetter>>;
}

/// A broker whose queues anybody can put something on.
pub trait TakesAnything: BrokerUnderTest {
    /// Puts a message without any headers on the queue of a consumer.
    fn put(&self, consumer: &str, body: &str) -> impl Future<Output = ()>;
}

/// Makes one test of every scenario for a [`BrokerUnderTest`]; `anything` adds those for one that [`TakesAnything`].
#[macro_export]
macro_rules! broker_suite {
    ($broker:ty, anything) => {
        $crate::broker_suite!($broker);
        $crate::broker_suite!(@tests $broker:
            foreign: poison_that_was_put_there_by_hand;
        );
    };
    ($broker:ty) => {
        $crate::broker_suite!(@tests $broker:
            delivery: every_message_is_settled_once, every_consumer_hears_what_it_subscribes_to,
                a_stopped_consumer_gets_nothing_until_it_goes_on;
            outcomes: a_failed_message_comes_again_when_it_is_due, a_batch_of_all_outcomes,
                dead_letters_say_what_happened, attempts_end;
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

/// How long a scenario waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Failed messages come again soon, and hardly ever reach the end of their attempts.
pub(crate) const POLICY: RetryPolicy = RetryPolicy {
    max_attempts: 100,
    min_age: Duration::ZERO,
    base: Duration::from_millis(20),
    cap: Duration::from_millis(250),
};

/// Waits until something is so.
///
/// # Panics
/// When it takes longer than `patience`.
async fn eventually(what: &str, patience: Duration, probe: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !probe().await {
        assert!(started.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Stops what consumes and shows that nothing is left for these consumers.
///
/// # Panics
/// When there is.
async fn assert_nothing_is_left<B: BrokerUnderTest>(broker: &mut B, consumers: &[&str]) {
    broker.stop().await;
    for consumer in consumers {
        assert_eq!(broker.waiting(consumer).await, 0, "{consumer} has messages left");
    }
}
