//! The queue of the writer's thread, which carries out all requests that wait in one commit.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use orderflow_backoff::{Ended, Repeats};
use tokio::sync::oneshot;

use crate::request::{Outcome, Request, StorageError};
use crate::writer::Writer;

/// The number of writes after which a group is complete. Those that wait are in the next one.
const GROUP_WRITES: usize = 1_024;

/// Why groups of writes of this process failed.
static FAILURES: Repeats = Repeats::new();

/// Work for the writer.
pub(crate) enum Entry {
    /// A request, which is carried out in a group.
    Request { request: Request, answer: oneshot::Sender<Result<Outcome, StorageError>> },
    /// Work that has transactions of its own.
    Task(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// The entries that wait for the writer, in order.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    is_closed: bool,
    /// Whether the writer waits for an entry.
    is_waiting: bool,
}

impl Queue {
    /// Adds an entry.
    pub(crate) fn push(&self, entry: Entry) {
        let mut state = self.state();
        state.entries.push_back(entry);
        if std::mem::take(&mut state.is_waiting) {
            drop(state);
            self.filled.notify_one();
        }
    }

    /// Makes [`run`] return when the queue is empty.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_one();
    }

    /// Returns the next entries, of one group: either one task, or requests. Waits until there are some. Returns nothing when the queue is closed.
    fn take(&self, group: &mut Vec<Entry>) {
        let mut state = self.state();
        while state.entries.is_empty() && !state.is_closed {
            state.is_waiting = true;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut writes = 0;
        while let Some(entry) = state.entries.front() {
            match entry {
                Entry::Task(_) if !group.is_empty() => return,
                Entry::Task(_) => return group.extend(state.entries.pop_front()),
                Entry::Request { request, .. } => {
                    writes += request.writes();
                    if writes > GROUP_WRITES && !group.is_empty() {
                        return;
                    }
                    group.extend(state.entries.pop_front());
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries out what is queued until the queue is closed.
pub(crate) fn run(queue: &Arc<Queue>, mut writer: Writer) {
    let mut group = Vec::new();
    loop {
        queue.take(&mut group);
        if group.is_empty() {
            return;
        }
        carry_out(&mut writer, &mut group);
    }
}

fn carry_out(writer: &mut Writer, group: &mut Vec<Entry>) {
    let (mut requests, mut answers) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
    for entry in group.drain(..) {
        match entry {
            Entry::Task(task) => return task(writer),
            Entry::Request { request, answer } => {
                requests.push(request);
                answers.push(answer);
            }
        }
    }
    let requests: Vec<&Request> = requests.iter().collect();
    // A caller that no longer waits for its answer gets none.
    match writer.commit(&requests) {
        Ok(outcomes) => {
            for Ended { failure, count } in FAILURES.works() {
                tracing::info!(error = failure, groups = count, "writes succeed again");
            }
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                let _ = answer.send(Ok(outcome));
            }
        }
        Err(error) => {
            if FAILURES.fails(&error.to_string()) {
                tracing::error!(%error, "writes fail");
            }
            for answer in answers {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }
}
