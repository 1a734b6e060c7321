//! Processes that crash, stores that do not respond, and services that are down.

use orderflow_engine::Location;
use orderflow_store_port::Write;
use orderflow_testing::faults::WriteFault;
use orderflow_tests::order_body;

use crate::support::{
    assert_confirmed, dead_letters, delayed, failing_store, faults, is_settled, open, open_in, open_over,
    work,
};

#[tokio::test]
async fn h07_what_could_not_be_handled_is_not_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut shop = open_in(directory.path()).await;
    faults(&shop, "down", &[]).await;
    let waiting = shop.place(&order_body("PRODUCT-001", 1)).await;
    work(&mut shop, 12).await;
    assert_eq!(shop.order(&waiting).await["status"], "reserved");
    let tried = delayed(&shop, "payment").await;
    assert!(tried.len() == 1 && tried[0] >= 3, "{tried:?}");
    faults(&shop, "ok", &[]).await;
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &waiting).await;

    faults(&shop, "down", &[]).await;
    let left = shop.place(&order_body("PRODUCT-001", 1)).await;
    work(&mut shop, 8).await;
    drop(shop);
    let shop = open_in(directory.path()).await;
    assert_confirmed(&shop, &left).await;
    assert_eq!((dead_letters(&shop).await, delayed(&shop, "payment").await.len()), (0, 0));
}

#[tokio::test]
async fn h11_a_crash_after_the_write_loses_no_event() {
    let directory = tempfile::tempdir().unwrap();
    let mut accepted: Vec<String> = Vec::new();
    // The process crashes before anything is relayed, and then one round later each time.
    for rounds in 0..8 {
        let mut shop = open_in(directory.path()).await;
        for id in &accepted {
            assert_confirmed(&shop, id).await;
        }
        for _ in 0..3 {
            accepted.push(shop.place(&order_body("PRODUCT-002", 1)).await);
        }
        work(&mut shop, rounds).await;
    }
    let shop = open_in(directory.path()).await;
    for id in &accepted {
        assert_confirmed(&shop, id).await;
    }
    assert_eq!(shop.level("PRODUCT-002").await, (476, 24));
    assert_eq!(dead_letters(&shop).await, 0);
}

#[tokio::test]
async fn h14_a_refund_that_does_not_go_through_is_not_reported_as_done() {
    let mut shop = open().await;
    faults(&shop, "ok", &["order-tracker"]).await;
    let id = shop.place(&order_body("TSHIRT-GRY-S", 1)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.payment(&id).await.as_deref(), Some("completed"));
    shop.delete(&format!("/api/v1/orders/{id}")).await.expect(200);
    faults(&shop, "down", &[]).await;
    work(&mut shop, 12).await;
    assert_eq!(shop.order(&id).await["status"], "cancelled");
    assert_eq!(shop.payment(&id).await.as_deref(), Some("completed"), "the refund has not been made yet");
    assert!(!is_settled(&shop, &id).await);
    assert_eq!(shop.notifications(&id).await, ["order_cancelled email"]);
    faults(&shop, "ok", &[]).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.payment(&id).await.as_deref(), Some("refunded"));
    assert!(is_settled(&shop, &id).await);
    assert_eq!(shop.notifications(&id).await, ["order_cancelled email", "order_refunded email"]);
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (10, 0));
}

/// Fails writes of a payment's item, but not of the simulated gateway's items.
fn fail_rows(fault: WriteFault) -> impl Fn(&Write) -> Option<WriteFault> {
    move |write| {
        let row = *write.table.name == *"orderflow-payments" && !format!("{write:?}").contains("ledger#");
        row.then_some(fault)
    }
}

#[tokio::test]
async fn h15_a_crash_between_charge_and_result_charges_once_and_blocks_nothing() {
    for fault in [WriteFault::Unavailable, WriteFault::LostAnswer] {
        let directory = tempfile::tempdir().unwrap();
        let open_store = || failing_store(Location::Directory(directory.path().to_owned()));
        let store = open_store();
        let mut shop = open_over(&store).await;
        let id = shop.place(&order_body("PRODUCT-001", 1)).await;
        store.inject(fail_rows(fault));
        work(&mut shop, 6).await;
        let row = (fault == WriteFault::LostAnswer).then(|| "completed".to_owned());
        assert_eq!(shop.payment(&id).await, row);
        drop((shop, store));
        let mut shop = open_over(&open_store()).await;
        assert_confirmed(&shop, &id).await;
        let payments = shop.get(&format!("/api/v1/payments?order_id={id}")).await.expect(200).body;
        assert_eq!(payments["payments"].as_array().map(Vec::len), Some(1));
        shop.wait_until_idle().await;
        assert_eq!(shop.level("PRODUCT-001").await, (99, 1));
    }
}
