//! `orderflow notification`.

use serde_json::json;

use crate::program::{ID, order, run};
use crate::stub::{Reply, Stub};

#[test]
fn the_notifications_of_an_order_are_listed() {
    let body = json!({"notifications": [{"id": "n1", "channel": "email", "recipient": "c100@example.com",
        "template": "order_confirmation", "subject": "Your order", "status": "sent",
        "created_at": "2026-11-20T10:00:02.000Z"}]});
    let path = format!("GET /api/v1/notifications?order_id={ID}");
    let stub = Stub::start().on(&path, [Reply::json(200, &body)]);
    let run = run(&stub.url, &format!("notification list --order {ID}"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("order_confirmation"), "{}", run.out);
    assert_eq!(run.out.lines().count(), 2);
}

fn down() -> Reply {
    Reply::problem(503, "unavailable", "Not now", &[]).with("retry-after", "0")
}

#[test]
fn retries_of_a_notification_carry_the_same_key() {
    let stub = Stub::start().on("POST /api/v1/notifications", [down(), Reply::json(202, &json!({"id": ID}))]);
    let run = run(
        &stub.url,
        "notification send --channel email --to user@example.com --template order_confirmation \
         --var orderId=123 --var total=a=b",
    );
    assert_eq!((run.code, run.out), (0, format!("NOTIFICATION\n{ID}\n")), "{}", run.err);
    let [first, second] = &stub.asked()[..] else { panic!("{:?}", stub.lines()) };
    assert_eq!(first.headers["idempotency-key"], second.headers["idempotency-key"]);
    assert_eq!(
        second.body,
        json!({"channel": "email", "recipient": "user@example.com", "template": "order_confirmation",
            "variables": {"orderId": "123", "total": "a=b"}})
    );
}

#[test]
fn after_the_last_retry_the_key_is_printed() {
    let stub = Stub::start().on("POST /api/v1/notifications", [down()]);
    let run = run(&stub.url, "notification send --channel email --to a@example.com --template t");
    let key = &stub.asked()[0].headers["idempotency-key"];
    assert_eq!((run.code, stub.asked().len()), (1, 4), "{run:?}");
    assert!(run.err.contains(&format!("--idempotency-key {key}")), "{}", run.err);
}

#[test]
fn a_missing_variable_of_the_template_is_named() {
    let refusal = Reply::problem(422, "invalid-request", "Some fields", &[("variables.total", "is missing")]);
    let stub = Stub::start().on("POST /api/v1/notifications", [refusal]);
    let run = run(&stub.url, "notification send --channel sms --to +4930123456 --template order_refunded");
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("variables.total: is missing"), "{}", run.err);
}

#[test]
fn a_notification_is_shown() {
    let view = json!({"id": ID, "channel": "sms", "recipient": "+4930123456", "template": "order_refunded",
        "subject": null, "status": "requested", "created_at": "2026-11-20T10:00:02.000Z"});
    let stub = Stub::start().on(&format!("GET /api/v1/notifications/{ID}"), [Reply::json(200, &view)]);
    let run = run(&stub.url, &format!("notification get {ID}"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("requested"), "{}", run.out);
}

#[test]
fn templates_are_listed_with_their_variables() {
    let list = json!({"templates": [
        {"name": "order_refunded", "channel": "sms", "variables": ["orderId", "total"]},
        {"name": "welcome", "channel": "email", "variables": []},
    ]});
    let stub = Stub::start().on("GET /api/v1/templates?limit=100", [Reply::json(200, &list)]);
    let run = run(&stub.url, "notification templates");
    assert_eq!(run.code, 0, "{run:?}");
    let rows: Vec<Vec<&str>> = run.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["TEMPLATE", "CHANNEL", "VARIABLES"]);
    assert_eq!(rows[1], ["order_refunded", "sms", "orderId,", "total"]);
    assert_eq!(rows[2], ["welcome", "email"]);
}

/// Returns a system with a confirmed order of customer C100, and two messages about it; a third one was blanked.
fn notified() -> Stub {
    let message = |id: &str, channel: &str, recipient: &str| {
        json!({"id": id, "channel": channel, "recipient": recipient, "template": "order_confirmation",
            "subject": null, "status": "sent", "created_at": "2026-11-20T10:00:02.000Z"})
    };
    let forgotten = orderflow_domain::Email::forgotten();
    let messages = [
        message("n1", "email", "c100@example.com"),
        message("n2", "sms", "+4930123456"),
        message("n3", "email", forgotten.as_str()),
    ];
    Stub::start()
        .on(
            "GET /api/v1/orders?customer_id=C100&limit=100",
            [Reply::json(200, &json!({"orders": [order("confirmed")], "next_cursor": null}))],
        )
        .on(&format!("GET /api/v1/orders/{ID}"), [Reply::json(200, &order("confirmed"))])
        .on(
            &format!("GET /api/v1/notifications?order_id={ID}"),
            [Reply::json(200, &json!({"notifications": messages}))],
        )
}

#[test]
fn the_messages_about_an_order_are_sent_again() {
    let stub = notified().on("POST /api/v1/notifications", [Reply::json(202, &json!({"id": ID}))]);
    let sent = run(&stub.url, &format!("notification resend --order {ID}"));
    assert_eq!((sent.code, sent.out.as_str()), (0, "sent 2 messages again\n"), "{sent:?}");
    let asked = stub.asked().into_iter().filter(|asked| asked.line.starts_with("POST"));
    let [email, sms] = &asked.collect::<Vec<_>>()[..] else { panic!("{:?}", stub.lines()) };
    let items = json!([{"sku": "TSHIRT-BLK-M", "name": "T-shirt", "quantity": 2, "price": "39.98 USD"}]);
    assert_eq!(
        email.body,
        json!({"channel": "email", "recipient": "c100@example.com", "template": "order_confirmation",
            "variables": {"orderId": ID, "total": "39.98 USD", "reason": "", "items": items}})
    );
    assert_ne!(email.headers["idempotency-key"], sms.headers["idempotency-key"]);
}

#[test]
fn messages_are_sent_again_by_filters_after_a_dry_run() {
    let stub = notified().on("POST /api/v1/notifications", [Reply::json(202, &json!({"id": ID})), down()]);
    let filters = "notification resend --customer C100";
    let preview = run(&stub.url, &format!("{filters} --channel email --dry-run"));
    assert_eq!((preview.code, preview.out.lines().count()), (0, 2), "{preview:?}");
    assert_eq!(preview.err, "would send 1 message again; nothing was sent\n");
    for arguments in [filters, "notification resend", "notification resend --channel sms --yes"] {
        assert_eq!(run(&stub.url, arguments).code, 2, "{arguments}");
    }
    assert!(stub.lines().iter().all(|line| line.starts_with("GET")), "{:?}", stub.lines());
    let failed = run(&stub.url, &format!("{filters} --yes --idempotency-key k1"));
    assert_eq!((failed.code, failed.out.as_str()), (1, ""), "{failed:?}");
    assert!(failed.err.contains("sent 1 message before the failure"), "{failed:?}");
    assert!(failed.err.contains("--idempotency-key k1"), "{failed:?}");
}
