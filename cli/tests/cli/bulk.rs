//! `orderflow order cancel` and `resend`, for one order and by filters.

use serde_json::{Value, json};

use crate::program::{ID, order, run};
use crate::stub::{Reply, Stub};

fn order_of(id: &str, status: &str, created_at: &str) -> Value {
    let mut order = order(status);
    order["id"] = id.into();
    order["created_at"] = created_at.into();
    order
}

fn page(orders: &[Value], next: Option<&str>) -> Reply {
    Reply::json(200, &json!({"orders": orders, "next_cursor": next}))
}

fn list(filter: &str) -> String {
    format!("GET /api/v1/orders?{filter}limit=100")
}

/// Returns a system with two pending orders on two pages, and a reserved one that was placed in the far future.
fn stub() -> Stub {
    let pending = list("status=pending&");
    Stub::start()
        .on(&pending, [page(&[order_of("a", "pending", "2026-11-20T10:00:00.000Z")], Some("c1"))])
        .on(
            &format!("{pending}&cursor=c1"),
            [page(&[order_of("b", "pending", "2026-11-20T10:00:00.000Z")], None)],
        )
        .on(&list("status=reserved&"), [page(&[order_of("c", "reserved", "2999-11-20T10:00:00.000Z")], None)])
}

fn changes(stub: &Stub) -> Vec<String> {
    stub.lines().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

#[test]
fn orders_are_cancelled_by_filters_and_decided_ones_are_skipped() {
    let stub = stub()
        .on("DELETE /api/v1/orders/a", [Reply::json(200, &order("cancelled"))])
        .on("DELETE /api/v1/orders/b", [Reply::problem(409, "order-not-cancellable", "Too late", &[])]);
    let all = run(&stub.url, "order cancel --older-than 1m --yes");
    assert_eq!((all.code, all.out.as_str()), (0, "cancelled 1 order, skipped 1\n"), "{all:?}");
    assert_eq!(changes(&stub), ["DELETE /api/v1/orders/a", "DELETE /api/v1/orders/b"]);
    let document = run(&stub.url, "order cancel --status pending --yes --json");
    assert_eq!(serde_json::from_str::<Value>(&document.out).unwrap(), json!({"cancelled": 1, "skipped": 1}));
}

#[test]
fn orders_are_resent_by_filters_and_settled_ones_are_skipped() {
    let stub = stub()
        .on("POST /api/v1/orders/a/resend", [Reply::json(202, &order("pending"))])
        .on("POST /api/v1/orders/b/resend", [Reply::json(200, &order("confirmed"))]);
    let resent = run(&stub.url, "order resend --status pending --json");
    assert_eq!(resent.code, 0, "{resent:?}");
    assert_eq!(serde_json::from_str::<Value>(&resent.out).unwrap(), json!({"resent": 1, "skipped": 1}));
}

#[test]
fn every_filter_is_sent_and_one_order_is_shown() {
    let filters = "customer_id=C1&status=reserved&sku=A&";
    let stub = Stub::start()
        .on(&list(filters), [page(&[], None)])
        .on(&format!("POST /api/v1/orders/{ID}/resend"), [Reply::json(200, &order("confirmed"))]);
    let none = run(&stub.url, "order resend --customer C1 --status reserved --sku A");
    assert_eq!((none.code, none.out.as_str()), (0, "resent 0 orders\n"), "{none:?}");
    let one = run(&stub.url, &format!("order resend {ID}"));
    assert_eq!(one.code, 0, "{one:?}");
    assert!(one.out.contains("confirmed") && one.err.contains("nothing to resend"), "{one:?}");
}

#[test]
fn a_dry_run_lists_the_orders_and_changes_nothing() {
    let stub = stub();
    for verb in ["cancel", "resend"] {
        let shown = run(&stub.url, &format!("order {verb} --older-than 1m --dry-run"));
        assert_eq!(shown.err, format!("would {verb} 2 orders; nothing was changed\n"));
        assert_eq!(shown.out.lines().count(), 3, "{}", shown.out);
        let document = run(&stub.url, &format!("order {verb} --status reserved --dry-run --json"));
        let expected = json!({ format!("would_{verb}"): 1 });
        assert_eq!(serde_json::from_str::<Value>(&document.out).unwrap(), expected);
    }
    assert_eq!(changes(&stub), Vec::<String>::new());
}

#[test]
fn a_failure_says_how_many_orders_were_changed_before() {
    let stub = stub()
        .on("POST /api/v1/orders/a/resend", [Reply::json(202, &order("pending"))])
        .on("POST /api/v1/orders/b/resend", [Reply::problem(500, "internal-error", "It broke", &[])]);
    let run = run(&stub.url, "order resend --status pending");
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
    assert!(run.err.starts_with("resent 1 order before the failure"), "{}", run.err);
}

#[test]
fn cancelling_by_filters_needs_a_filter_and_a_confirmation() {
    let stub = stub();
    for arguments in [
        "order cancel",
        "order cancel --yes",
        "order cancel --status pending",
        "order cancel --status confirmed --yes",
        &format!("order cancel {ID} --status pending"),
        &format!("order resend {ID} --dry-run"),
    ] {
        let run = run(&stub.url, arguments);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments}: {run:?}");
    }
    assert_eq!(stub.lines(), Vec::<String>::new());
}
