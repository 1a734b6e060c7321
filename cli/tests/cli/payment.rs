//! `orderflow payment`.

use serde_json::{Value, json};

use crate::program::{ID, run};
use crate::stub::{Reply, Stub};

fn payment(status: &str) -> Value {
    json!({"order_id": ID, "status": status, "amount": 3998, "currency": "USD", "provider_id": "pi_1",
        "created_at": "2026-11-20T10:00:00.000Z"})
}

fn shown(status: &str) -> String {
    format!(
        "ORDER                                 STATUS    AMOUNT     PROVIDER ID  CREATED\n\
         {ID}  {status}  39.98 USD  pi_1         2026-11-20T10:00:00.000Z\n"
    )
}

#[test]
fn the_payment_of_an_order_is_listed() {
    let page = json!({"payments": [payment("refunded")]});
    let stub = Stub::start().on(&format!("GET /api/v1/payments?order_id={ID}"), [Reply::json(200, &page)]);
    let listed = run(&stub.url, &format!("payment list --order {ID}"));
    assert_eq!((listed.code, listed.out.as_str()), (0, shown("refunded").as_str()), "{listed:?}");
    let document = run(&stub.url, &format!("payment list --order {ID} --json"));
    assert_eq!(serde_json::from_str::<Value>(&document.out).unwrap(), page);
}

#[test]
fn failed_refunds_are_listed_page_by_page() {
    let line = "GET /api/v1/payments?status=refund_failed&limit=100";
    let pages = [("", json!("next")), ("&cursor=next", Value::Null)].map(|(cursor, next)| {
        let page = json!({"payments": [payment("refund_failed")], "next_cursor": next});
        (format!("{line}{cursor}"), Reply::json(200, &page))
    });
    let stub = pages.into_iter().fold(Stub::start(), |stub, (line, reply)| stub.on(&line, [reply]));
    let listed = run(&stub.url, "payment list --status refund_failed --all");
    assert_eq!((listed.code, listed.out.matches("refund_failed").count()), (0, 2), "{listed:?}");
}

#[test]
fn a_listing_needs_exactly_one_filter() {
    let stub = Stub::start();
    for which in ["", "--status completed", &format!("--order {ID} --status refund_failed")] {
        let run = run(&stub.url, &format!("payment list {which}"));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    }
    assert!(stub.lines().is_empty());
}

#[test]
fn a_refund_is_retried_while_the_provider_is_unavailable() {
    let line = format!("POST /api/v1/payments/{ID}/refund");
    let busy = Reply::problem(503, "unavailable", "Not now", &[]).with("retry-after", "0");
    let stub = Stub::start().on(&line, [busy, Reply::json(200, &payment("refunded"))]);
    let refunded = run(&stub.url, &format!("payment refund {ID}"));
    assert_eq!((refunded.code, refunded.out.as_str()), (0, shown("refunded").as_str()), "{refunded:?}");
    assert_eq!(stub.lines(), [line.as_str(), &line]);
}

#[test]
fn a_refused_refund_is_reported_and_not_retried() {
    let line = format!("POST /api/v1/payments/{ID}/refund");
    let refused = Reply::problem(409, "payment-not-refundable", "The payment cannot be refunded", &[]);
    let stub = Stub::start().on(&line, [refused]);
    let run = run(&stub.url, &format!("payment refund {ID}"));
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
    assert!(run.err.contains("payment-not-refundable") && run.err.contains("In detail."), "{run:?}");
    assert_eq!(stub.lines(), [line]);
}
