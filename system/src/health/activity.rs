//! What the parts of a process did last, and whether one ended unexpectedly.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_bridge::{StreamTarget, Target, TargetError};
use orderflow_domain::Timestamp;
use orderflow_http::{PartHealth, PartState};
use orderflow_messaging::{Outcome, QueueResponse, RecordBatch};
use tokio::sync::watch;

use crate::parts::{Part, Parts};

/// The consecutive failures from which a part counts as failing. Single failures are normal: an event can arrive before the one that it
/// needs. So are those of one message, such as the mail to a mailbox that is full.
const FAILURES: u32 = 3;

/// The activity of each part of this process. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Activities(BTreeMap<&'static str, Activity>);

/// What a part did last. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    last_success: Option<Timestamp>,
    /// Consecutive.
    failures: u32,
    cause: Cause,
    /// The first of these failures.
    failing_since: Option<Timestamp>,
    reason: String,
    has_ended: bool,
}

/// What failures in succession are about.
#[derive(Debug, Default)]
enum Cause {
    #[default]
    None,
    /// One message, with this body.
    Message(Arc<str>),
    /// The part: several messages failed, or something else.
    Part,
}

impl Cause {
    /// Returns the cause of the failures up to now and one more, of a batch with these messages.
    fn and(self, mut bodies: impl Iterator<Item = Arc<str>>) -> Self {
        let Some(first) = bodies.next() else { return Self::Part };
        let is_one = bodies.all(|body| body == first);
        match self {
            Self::None if is_one => Self::Message(first),
            Self::Message(before) if is_one && before == first => Self::Message(first),
            _ => Self::Part,
        }
    }
}

impl Activities {
    pub(crate) fn new(parts: &Parts) -> Self {
        let running = Part::all().map(Part::name).filter(|name| parts.contains(name));
        Self(running.map(|name| (name, Activity::default())).collect())
    }

    /// Returns the activity of a part. That of a part which this process does not run is shown nowhere.
    pub(crate) fn of(&self, part: &str) -> Activity {
        self.0.get(part).cloned().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Activity)> {
        self.0.iter().map(|(name, activity)| (*name, activity))
    }

    /// Returns the parts that ended unexpectedly.
    pub(crate) fn ended(&self) -> Vec<&'static str> {
        self.iter().filter(|(_, activity)| activity.has_ended()).map(|(name, _)| name).collect()
    }
}

impl Activity {
    pub(crate) fn succeeded(&self) {
        let mut record = self.lock();
        (record.failures, record.failing_since, record.cause) = (0, None, Cause::None);
        record.last_success = Some(Timestamp::now());
    }

    pub(crate) fn failed(&self, reason: impl Into<String>) {
        self.failed_for(std::iter::empty(), reason);
    }

    /// Records the failure of a batch with these messages, or of something else if there are none.
    fn failed_for(&self, bodies: impl Iterator<Item = Arc<str>>, reason: impl Into<String>) {
        let mut record = self.lock();
        record.cause = std::mem::take(&mut record.cause).and(bodies);
        record.failures = record.failures.saturating_add(1);
        record.failing_since.get_or_insert_with(Timestamp::now);
        record.reason = reason.into();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.lock().has_ended
    }

    /// Returns the health of the part.
    pub(crate) fn health(&self) -> PartHealth {
        let record = self.lock();
        let mut health = PartHealth::new(PartState::Running);
        health.last_success = record.last_success.map(|time| time.to_string());
        let is_failing = record.failures >= FAILURES && matches!(record.cause, Cause::Part);
        if record.has_ended || is_failing {
            health.state = PartState::Failing;
            health.since = record.failing_since.map(|time| time.to_string());
            health.reason = Some(record.reason.clone());
        }
        health
    }

    /// Returns a guard for a task of the part, which notices any end of it, including a panic.
    pub(crate) fn watch(&self, task: impl Into<String>, stop: watch::Receiver<bool>) -> Working {
        Working { activity: self.clone(), task: task.into(), stop }
    }

    fn end(&self) {
        self.failed("it ended unexpectedly; restart the process to continue its work");
        self.lock().has_ended = true;
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guard that a part holds while it runs.
pub(crate) struct Working {
    activity: Activity,
    task: String,
    stop: watch::Receiver<bool>,
}

impl Drop for Working {
    fn drop(&mut self) {
        let told_to_stop = *self.stop.borrow() || self.stop.has_changed().is_err();
        if !told_to_stop {
            tracing::error!(
                part = self.task,
                "part ended unexpectedly; restart the process to continue its work"
            );
            self.activity.end();
        }
    }
}

/// A function whose invocations are recorded.
pub(crate) struct Observed<T: ?Sized> {
    activity: Activity,
    target: Arc<T>,
}

impl<T: ?Sized> Observed<T> {
    pub(crate) fn new(target: Arc<T>, activity: Activity) -> Arc<Self> {
        Arc::new(Self { activity, target })
    }
}

#[async_trait]
impl Target for Observed<dyn Target> {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let failed = |error: serde_json::Error| TargetError::Failed(error.to_string());
        let batch: RecordBatch = serde_json::from_slice(&payload).map_err(failed)?;
        let outcomes = self.handle(&batch).await?;
        serde_json::to_vec(&QueueResponse::new(&batch.records, &outcomes)).map_err(failed)
    }

    async fn handle(&self, batch: &RecordBatch) -> Result<Vec<Outcome>, TargetError> {
        let result = self.target.handle(batch).await;
        let bodies = batch.records.iter().map(|record| record.body.clone());
        match &result {
            Ok(outcomes) => match failure_of_all(outcomes) {
                None => self.activity.succeeded(),
                Some(reason) => self.activity.failed_for(bodies, reason),
            },
            Err(error) => self.activity.failed_for(bodies, error.to_string()),
        }
        result
    }
}

#[async_trait]
impl StreamTarget for Observed<dyn StreamTarget> {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        let result = self.target.invoke(batch).await;
        match &result {
            Ok(()) => self.activity.succeeded(),
            Err(error) => self.activity.failed(error.to_string()),
        }
        result
    }
}

/// Returns why the function failed, if it finished no record: one that it dead-letters is finished.
fn failure_of_all(outcomes: &[Outcome]) -> Option<&str> {
    let unfinished = |outcome: &Outcome| matches!(outcome, Outcome::Retry { .. } | Outcome::Defer { .. });
    outcomes.iter().all(unfinished).then(|| outcomes.first().map(Outcome::reason)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_without_a_stop_makes_a_part_fail() {
        let (stop, stopped) = watch::channel(false);
        let activities = Activities::new(&Parts::all());
        let first = activities.of("payment").watch("payment", stopped.clone());
        let second = activities.of("analytics").watch("analytics", stopped);
        drop(first);
        assert_eq!(activities.ended(), ["payment"]);
        let health = activities.of("payment").health();
        assert_eq!(health.state, PartState::Failing);
        assert!(health.since.is_some() && health.reason.unwrap().contains("restart"));
        stop.send_replace(true);
        drop(second);
        assert_eq!(activities.ended(), ["payment"]);
    }

    #[test]
    fn repeated_failures_without_a_success_make_a_part_fail() {
        let activity = Activity::default();
        activity.failed("once");
        activity.succeeded();
        for _ in 1..FAILURES {
            activity.failed("away");
        }
        assert_eq!(activity.health().state, PartState::Running);
        activity.failed("still away");
        let health = activity.health();
        assert_eq!((health.state, health.reason.as_deref()), (PartState::Failing, Some("still away")));
        assert!(health.since >= health.last_success);
        activity.succeeded();
        assert_eq!(activity.health().state, PartState::Running);
    }

    #[test]
    fn failures_of_one_message_are_not_those_of_the_part() {
        let activity = Activity::default();
        let body = |text: &str| Arc::<str>::from(text);
        for _ in 0..9 {
            activity.failed_for([body("a")].into_iter(), "its mailbox is full");
        }
        assert_eq!(activity.health().state, PartState::Running);
        activity.failed_for([body("b")].into_iter(), "its mailbox is full");
        assert_eq!(activity.health().state, PartState::Failing);
        activity.succeeded();
        for _ in 0..FAILURES {
            activity.failed_for([body("a"), body("b")].into_iter(), "away");
        }
        assert_eq!(activity.health().state, PartState::Failing);
        activity.succeeded();
        for _ in 0..FAILURES {
            activity.failed_for([body("a")].into_iter(), "its mailbox is full");
        }
        activity.failed("the lease cannot be read");
        assert_eq!(activity.health().state, PartState::Failing);
    }

    #[test]
    fn a_batch_is_a_failure_if_it_finishes_no_record() {
        let (later, dead) =
            (Outcome::retry("later"), Outcome::DeadLetter { code: "c".into(), reason: "r".to_owned() });
        let deferred = Outcome::Defer { reason: "too".to_owned(), after: std::time::Duration::ZERO };
        assert_eq!(failure_of_all(&[Outcome::Done, Outcome::Done]), None);
        assert_eq!(failure_of_all(&[later.clone(), Outcome::Done]), None);
        assert_eq!(failure_of_all(&[later.clone(), dead]), None);
        assert_eq!(failure_of_all(&[]), None);
        assert_eq!(failure_of_all(&[later, deferred]), Some("later"));
    }
}
