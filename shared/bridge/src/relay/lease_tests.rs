use orderflow_embedded::Embedded;
use orderflow_store::Store;

use super::*;
use crate::RUNTIME;

async fn runtime() -> (Embedded, RuntimeTable) {
    let embedded = Embedded::in_memory().unwrap();
    let store = Store::new(embedded.backend(), "test");
    store.create_missing_tables(&[&RUNTIME]).await.unwrap();
    (embedded, RuntimeTable::new(&store))
}

/// Runs a claim to the lease. Returns whether it is suspended, and how it is stopped.
fn run(runtime: &RuntimeTable) -> (watch::Receiver<bool>, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let ((suspended, is_suspended), (stop, stopped)) = (watch::channel(true), watch::channel(false));
    let task = tokio::spawn(RelayLease::new(runtime.clone()).run(suspended, stopped));
    (is_suspended, stop, task)
}

async fn resumed(suspended: &mut watch::Receiver<bool>) -> Duration {
    let start = Instant::now();
    let resumed = tokio::time::timeout(Duration::from_secs(20), suspended.wait_for(|suspended| !*suspended));
    resumed.await.unwrap().unwrap();
    start.elapsed()
}

#[tokio::test]
async fn the_second_process_takes_over_at_once_when_the_first_stops() {
    let (_embedded, runtime) = runtime().await;
    let (mut first, stop, task) = run(&runtime);
    resumed(&mut first).await;
    let (mut second, _stop, _task) = run(&runtime);
    tokio::time::sleep(2 * RENEWAL + RENEWAL / 2).await;
    assert_eq!((*first.borrow(), *second.borrow()), (false, true));
    stop.send_replace(true);
    drop(first);
    task.await.unwrap();
    assert!(resumed(&mut second).await < 2 * RENEWAL);
}

#[tokio::test]
async fn the_second_process_takes_over_when_the_lease_of_the_first_expires() {
    let (_embedded, runtime) = runtime().await;
    let (mut first, _stop, task) = run(&runtime);
    resumed(&mut first).await;
    task.abort();
    let (mut second, _stop_second, _task) = run(&runtime);
    let waited = resumed(&mut second).await;
    assert!(EXPIRY <= waited, "{waited:?}");
}

#[tokio::test]
async fn a_process_that_was_frozen_notices_that_another_took_over() {
    let (_embedded, runtime) = runtime().await;
    let frozen = RelayLease::new(runtime.clone());
    let held = frozen.acquire().await;
    let other = RelayLease::new(runtime.clone());
    let taken = other.acquire().await;
    assert_eq!(runtime.lease().await.unwrap(), Some(taken.row));
    tokio::time::timeout(EXPIRY + RENEWAL, frozen.keep(held)).await.unwrap();
    frozen.release().await;
    assert!(runtime.lease().await.unwrap().is_some(), "only its owner returns a lease");
}

#[tokio::test]
async fn a_lease_that_could_not_be_renewed_in_time_is_kept_if_no_other_process_took_it() {
    let (_embedded, runtime) = runtime().await;
    let lease = RelayLease::new(runtime.clone());
    let held = lease.acquire().await;
    tokio::time::sleep(EXPIRY + RENEWAL).await;
    let kept = tokio::time::timeout(2 * RENEWAL, lease.keep_until_taken(held));
    assert!(kept.await.is_err(), "it is still held");
    let row = runtime.lease().await.unwrap().unwrap();
    assert!(row.owner == lease.owner && row.version > 1, "{row:?}");
    let held = HeldLease { row, renewed: Instant::now() };
    let taken = RelayLease::new(runtime.clone()).acquire().await;
    assert_eq!(runtime.lease().await.unwrap(), Some(taken.row));
    tokio::time::timeout(2 * RENEWAL, lease.keep_until_taken(held)).await.unwrap();
}
