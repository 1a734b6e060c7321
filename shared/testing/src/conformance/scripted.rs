//! A function that does what a scenario tells it to, and remembers what it was given.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use orderflow_bridge::{Target, TargetError};
use orderflow_domain::Event;
use orderflow_messaging::{Consumer, Delivery, Outcome, QueueFunction, RetryPolicy};

/// The code of the dead letters that a script asks for.
pub(super) const CODE: &str = "told-to";

/// The reason of whatever a script asks for.
pub(super) const REASON: &str = "told to by the script";

/// What the function does about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// It has to come again, when the policy says.
    Retry,
    /// It has to come again after this long.
    RetryAfter(Duration),
    /// It was not tried and comes again after this long.
    Defer(Duration),
    /// It goes to the dead letters.
    Dead,
    /// The function answers an error for the whole batch.
    Fail,
    /// The function panics.
    Panic,
    /// The function never answers.
    Hang,
}

/// What the function was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivered {
    /// The event, or the body that is none.
    pub id: String,
    pub attempt: u32,
    pub at: Instant,
    /// The how manieth call it came with.
    pub call: usize,
}

/// A consumer's function, the very one of production around a scripted consumer.
pub(super) struct Scripted {
    function: QueueFunction<Script>,
    state: Arc<State>,
}

/// One reply a delivery, and done behind the last.
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
    /// A function that is done with everything that no script is written for.
    pub(super) fn new(consumer: &'static str, policy: RetryPolicy) -> Arc<Self> {
        let state = Arc::<State>::default();
        let function = QueueFunction::new(Script { consumer, state: state.clone() }, policy, None);
        Arc::new(Self { function, state })
    }

    /// Says what the next deliveries of an event are answered with.
    pub(super) fn script(&self, event: &Event, replies: impl IntoIterator<Item = Reply>) {
        self.state.memory().replies.insert(event.id.to_string(), replies.into_iter().collect());
    }

    /// Answers every delivery of an event with [`Reply::Dead`].
    pub(super) fn doom(&self, event: &Event) {
        self.state.memory().doomed.insert(event.id.to_string());
    }

    /// Every delivery so far, in their order.
    pub(super) fn delivered(&self) -> Vec<Delivered> {
        self.state.memory().delivered.clone()
    }

    /// The deliveries of an event so far.
    pub(super) fn deliveries(&self, event: &Event) -> Vec<Delivered> {
        let id = event.id.to_string();
        let memory = self.state.memory();
        memory.delivered.iter().filter(|delivered| delivered.id == id).cloned().collect()
    }

    /// The attempts that an event was delivered with so far.
    pub(super) fn attempts(&self, event: &Event) -> Vec<u32> {
        self.deliveries(event).into_iter().map(|delivered| delivered.attempt).collect()
    }

    /// How often the function was done with an event.
    pub(super) fn times_done(&self, event: &Event) -> usize {
        self.state.memory().done.get(&event.id.to_string()).copied().unwrap_or_default()
    }

    /// How many events the function was done with at least once.
    pub(super) fn events_done(&self) -> usize {
        self.state.memory().done.len()
    }

    /// The first reply that is one for the whole batch; it is used up, those of the neighbours are not.
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
    /// Remembers what came, and gives the ids in it.
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
        let dead = || Outcome::DeadLetter { code: CODE, reason: REASON.to_owned() };
        if self.doomed.contains(id) {
            return dead();
        }
        let reason = REASON.to_owned();
        match self.replies.get_mut(id).and_then(VecDeque::pop_front) {
            Some(Reply::Retry) => Outcome::retry(reason),
            Some(Reply::RetryAfter(after)) => Outcome::Retry { reason, after: Some(after) },
            Some(Reply::Defer(after)) => Outcome::Defer { reason, after },
            Some(Reply::Dead) => dead(),
            Some(Reply::Fail | Reply::Panic | Reply::Hang) | None => {
                *self.done.entry(id.to_owned()).or_default() += 1;
                Outcome::Done
            }
        }
    }
}

/// The records of a payload.
///
/// # Panics
/// When it is no `SqsEvent`, which no broker may send.
pub(super) fn records(payload: &[u8]) -> Vec<SqsMessage> {
    serde_json::from_slice::<SqsEvent>(payload).expect("a broker sends SqsEvents").records
}

/// The id of a record's event, or the body that is none.
pub(super) fn id(record: &SqsMessage) -> String {
    let body = record.body.as_deref().unwrap_or_default();
    Event::from_json(body).map_or_else(|_| body.to_owned(), |event| event.id.to_string())
}

fn attempt(record: &SqsMessage) -> u32 {
    let count = record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    count.expect("a broker counts deliveries")
}
