//! Erases former values from the store in a task, since that can take longer than a call may.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use orderflow_store::{Backend, StoreError};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// How long a call waits for the end of the erasure.
const WAIT: Duration = Duration::from_secs(10);

type Erase = dyn Fn() -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync;

struct Job {
    id: Uuid,
    task: JoinHandle<Result<(), StoreError>>,
}

/// How far an erasure is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Done,
    /// The job runs, or waits until another one is done.
    Running(Option<Uuid>),
}

/// The erasures of this process, of which one runs at a time. Clones share them.
#[derive(Clone)]
pub(super) struct Erasure {
    erase: Arc<Erase>,
    wait: Duration,
    job: Arc<Mutex<Option<Job>>>,
}

impl Erasure {
    pub(super) fn of(backend: Arc<dyn Backend>) -> Self {
        let erase = move || -> BoxFuture<'static, Result<(), StoreError>> {
            let backend = Arc::clone(&backend);
            Box::pin(async move { backend.erase_remnants().await })
        };
        Self { erase: Arc::new(erase), wait: WAIT, job: Arc::default() }
    }

    /// Waits for the job with this id. Begins one if there is none: everything that was blanked before the call is then erased. A job goes on if the
    /// caller goes away.
    pub(super) async fn run(&self, asked: Option<Uuid>) -> Result<Progress, StoreError> {
        let until = Instant::now() + self.wait;
        let Ok(mut current) = timeout_at(until, self.job.lock()).await else {
            return Ok(Progress::Running(asked));
        };
        if let Some(job) = current.as_mut() {
            let Ok(ended) = timeout_at(until, &mut job.task).await else {
                return Ok(Progress::Running(asked));
            };
            let is_asked = asked == Some(job.id);
            *current = None;
            if is_asked {
                return result(ended);
            }
        }
        let job =
            current.insert(Job { id: orderflow_domain::random_id(), task: tokio::spawn((self.erase)()) });
        let Ok(ended) = timeout_at(until, &mut job.task).await else {
            return Ok(Progress::Running(Some(job.id)));
        };
        *current = None;
        result(ended)
    }
}

fn result(ended: Result<Result<(), StoreError>, JoinError>) -> Result<Progress, StoreError> {
    let broken = |error: JoinError| StoreError::Request {
        operation: "EraseRemnants",
        table: "every table".to_owned(),
        code: "NoAnswer".to_owned(),
        message: error.to_string(),
    };
    ended.map_err(broken)?.map(|()| Progress::Done)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    /// Erasures that end when they get a permit, and how many began.
    fn erasure() -> (Erasure, Arc<Semaphore>, Arc<AtomicUsize>) {
        let (permits, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (gate, count) = (Arc::clone(&permits), Arc::clone(&begun));
        let erase = move || -> BoxFuture<'static, Result<(), StoreError>> {
            count.fetch_add(1, Ordering::SeqCst);
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                gate.acquire().await.unwrap().forget();
                Ok(())
            })
        };
        let wait = Duration::from_millis(50);
        (Erasure { erase: Arc::new(erase), wait, job: Arc::default() }, permits, begun)
    }

    #[tokio::test]
    async fn a_long_erasure_is_begun_once_and_waited_for_by_several_calls() {
        let (erasure, permits, begun) = erasure();
        let first = erasure.run(None).await.unwrap();
        let Progress::Running(Some(job)) = first else { panic!("{first:?}") };
        assert_eq!(erasure.run(Some(job)).await.unwrap(), Progress::Running(Some(job)));
        permits.add_permits(1);
        assert_eq!(erasure.run(Some(job)).await.unwrap(), Progress::Done);
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn the_job_of_another_caller_does_not_count() {
        let (erasure, permits, begun) = erasure();
        assert!(matches!(erasure.run(None).await.unwrap(), Progress::Running(Some(_))));
        // The second caller blanked something after the first job began.
        assert_eq!(erasure.run(None).await.unwrap(), Progress::Running(None));
        permits.add_permits(2);
        assert_eq!(erasure.run(None).await.unwrap(), Progress::Done);
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        // The job of a process that ended is begun again.
        permits.add_permits(1);
        assert_eq!(erasure.run(Some(Uuid::new_v4())).await.unwrap(), Progress::Done);
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
