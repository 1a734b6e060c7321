//! A function that follows a script and records its deliveries.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use orderflow_bridge::{Target, TargetError};
use orderflow_domain::Event;
use orderflow_messaging::{Consumer, Delivery, Outcome, QueueFunction, RetryPolicy};

/// The code of dead letters from a script.
pub(super) const CODE: &str = "told-to";

/// The reason of failures and dead letters from a script.
pub(super) const REASON: &str = "as the script says";

/// The response of the function to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Retries after the delay of the policy.
    Retry,
    /// Retries after this delay.
    RetryAfter(Duration),
    /// Defers by this delay, without counting an attempt.
    Defer(Duration),
    /// Dead-letters the message.
    Dead,
    /// Dead-letters the message with this code.
    DeadLetter(&'static str),
    /// The function returns an error for the whole batch.
    Fail,
    /// The function panics.
    Panic,
    /// The function never returns.
    Hang,
}

/// A delivery to the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivered {
    /// The id of the event, or the body if it is not an event.
    pub id: String,
    pub attempt: u32,
    pub at: Instant,
    /// The number of the call, starting at 1.
    pub call: usize,
}

/// The function of production around a scripted consumer.
pub(super) struct Scripted {
    function: QueueFunction<Script>,
    state: Arc<State>,
}

/// One reply for each delivery. Deliveries after the last reply are done.
struct Script {
    consumer: &'static str,
    state: Arc<State>,
}

#[derive(Default)]
struct State(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    replies: HashMap<String, VecDeque<Reply>>,
    doomed: HashSet<String>,
    delivered: Vec<Delivered>,
    calls: usize,
    done: HashMap<String, usize>,
}

impl Scripted {
    /// Creates a function that acknowledges messages without a script.
    pub(super) fn new(consumer: &'static str, policy: RetryPolicy) -> Arc<Self> {
        let state = Arc::<State>::default();
        let function = QueueFunction::new(Script { consumer, state: state.clone() }, policy);
        Arc::new(Self { function, state })
    }

    /// Sets the replies to the next deliveries of an event.
    pub(super) fn script(&self, event: &Event, replies: impl IntoIterator<Item = Reply>) {
        self.state.memory().replies.insert(event.id.to_string(), replies.into_iter().collect());
    }

    /// Replies to every delivery of an event with [`Reply::Dead`].
    pub(super) fn doom(&self, event: &Event) {
        self.state.memory().doomed.insert(event.id.to_string());
    }

    /// Returns all deliveries in order.
    pub(super) fn delivered(&self) -> Vec<Delivered> {
        self.state.memory().delivered.clone()
    }

    /// Returns the deliveries of an event.
    pub(super) fn deliveries(&self, event: &Event) -> Vec<Delivered> {
        let id = event.id.to_string();
        let memory = self.state.memory();
        memory.delivered.iter().filter(|delivered| delivered.id == id).cloned().collect()
    }

    /// Returns the attempt numbers of the deliveries of an event.
    pub(super) fn attempts(&self, event: &Event) -> Vec<u32> {
        self.deliveries(event).into_iter().map(|delivered| delivered.attempt).collect()
    }

    /// Returns how often the function finished an event.
    pub(super) fn times_done(&self, event: &Event) -> usize {
        self.state.memory().done.get(&event.id.to_string()).copied().unwrap_or_default()
    }

    /// Returns the number of events that the function finished at least once.
    pub(super) fn events_done(&self) -> usize {
        self.state.memory().done.len()
    }

    /// Returns the first reply for the whole batch and consumes it. The replies of the other messages are kept.
    fn reply_to_batch(&self, ids: &[String]) -> Option<Reply> {
        let mut memory = self.state.memory();
        ids.iter().find_map(|id| {
            let replies = memory.replies.get_mut(id)?;
            replies.pop_front_if(|reply| matches!(reply, Reply::Fail | Reply::Panic | Reply::Hang))
        })
    }
}

impl State {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Target for Scripted {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let ids = self.state.memory().note(&payload);
        match self.reply_to_batch(&ids) {
            Some(Reply::Fail) => Err(TargetError::Failed(REASON.to_owned())),
            Some(Reply::Panic) => panic!("{REASON}"),
            Some(Reply::Hang) => std::future::pending().await,
            _ => Target::invoke(&self.function, payload).await,
        }
    }
}

#[async_trait]
impl Consumer for Script {
    fn name(&self) -> &'static str {
        self.consumer
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let mut memory = self.state.memory();
        batch.iter().map(|delivery| memory.outcome(&delivery.event.id.to_string())).collect()
    }
}

impl Memory {
    /// Records the deliveries of a call and returns their ids.
    fn note(&mut self, payload: &[u8]) -> Vec<String> {
        let records = records(payload);
        self.calls += 1;
        let (call, at) = (self.calls, Instant::now());
        let ids: Vec<String> = records.iter().map(id).collect();
        let delivered = records.iter().zip(&ids);
        self.delivered.extend(delivered.map(|(record, id)| Delivered {
            id: id.clone(),
            attempt: attempt(record),
            at,
            call,
        }));
        ids
    }

    fn outcome(&mut self, id: &str) -> Outcome {
        let dead = || Outcome::DeadLetter { code: CODE.into(), reason: REASON.to_owned() };
        if self.doomed.contains(id) {
            return dead();
        }
        let reason = REASON.to_owned();
        match self.replies.get_mut(id).and_then(VecDeque::pop_front) {
            Some(Reply::Retry) => Outcome::retry(reason),
            Some(Reply::RetryAfter(after)) => Outcome::retry_after(reason, after),
            Some(Reply::Defer(after)) => Outcome::Defer { reason, after },
            Some(Reply::Dead) => dead(),
            Some(Reply::DeadLetter(code)) => Outcome::DeadLetter { code: code.into(), reason },
            Some(Reply::Fail | Reply::Panic | Reply::Hang) | None => {
                *self.done.entry(id.to_owned()).or_default() += 1;
                Outcome::Done
            }
        }
    }
}

/// Returns the records of a payload.
///
/// # Panics
/// The payload is not an `SqsEvent`, which every broker must send.
pub(super) fn records(payload: &[u8]) -> Vec<SqsMessage> {
    serde_json::from_slice::<SqsEvent>(payload).expect("a broker sends SqsEvents").records
}

/// Returns the id of a record's event, or the body if it is not an event.
pub(super) fn id(record: &SqsMessage) -> String {
    let body = record.body.as_deref().unwrap_or_default();
    Event::from_json(body).map_or_else(|_| body.to_owned(), |event| event.id.to_string())
}

fn attempt(record: &SqsMessage) -> u32 {
    let count = record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    count.expect("a broker counts deliveries")
}
