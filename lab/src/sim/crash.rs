//! Crashes: a future is dropped before one of its polls, as a process that is killed at an await.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::fault::{FaultKind, Place};
use super::world::{Counted, World};

/// Lets every other process go on once, so that this await is a point at which a process can crash and others can overtake it.
pub(super) async fn pause() {
    Pause { is_over: false }.await;
}

struct Pause {
    is_over: bool,
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.is_over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Runs what a process at this place does. Returns `None` if the process crashed meanwhile.
pub(super) async fn unless_crashed<T>(
    world: &World,
    kind: FaultKind,
    place: Place,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let number = world.count(Counted::Await, place);
        if world.strikes(kind, place, number).is_some() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}
