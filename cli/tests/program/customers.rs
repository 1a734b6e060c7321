//! Exporting and forgetting customers: afterwards no file and no log has an address.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderflow_testing::mail_server::MailServer;
use orderflow_testing::program::Run;
use serde_json::{Value, json};

use crate::server::{Server, up};

/// The addresses of the customer: one that receives mail, one that is refused, one that is unavailable, a telephone number, and a card.
pub(crate) const ADDRESSES: [&str; 5] = [
    "jane.doe+x@example.com",
    "refused.jane@example.com",
    "later.jane@example.com",
    "+4930123456789",
    "tok_of_jane",
];

/// Text about the customer in a requested notification.
pub(crate) const TEXT: &str = "a note about Jane";

/// The customer who stays.
pub(crate) const OTHER: (&str, &str) = ("john.doe@example.com", "+49301111111");

/// A mail server whose refusals quote the recipient.
pub(crate) async fn mail_server() -> MailServer {
    let answer = |line: &str| match line {
        rcpt if !rcpt.starts_with("RCPT") => None,
        rcpt if rcpt.contains("refused.jane") => Some("550 5.1.1 <refused.jane@example.com>: no such user"),
        rcpt if rcpt.contains("later.jane") => Some("450 4.2.1 <later.jane@example.com>: mailbox busy"),
        _ => None,
    };
    MailServer::answering(answer).await.unwrap()
}

pub(crate) async fn place(server: &Server, customer: &str, email: &str, more: Value) {
    let mut body = json!({
        "customer_id": customer, "email": email, "items": [{"sku": "PRODUCT-002", "quantity": 1}],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(server.post("/api/v1/orders", &body).await, 202);
}

/// Brings addresses of C-JANE everywhere: into orders of every outcome, payments, notifications that are sent, refused, delayed and requested.
pub(crate) async fn fill(server: &Server) {
    let [email, refused, later, phone, token] = ADDRESSES;
    place(server, "C-JANE", email, json!({"phone": phone, "payment_token": token})).await;
    place(server, "C-JANE", email, json!({"phone": phone, "payment_token": "tok_declined"})).await;
    place(server, "C-JANE", refused, json!({})).await;
    place(server, "C-JANE", later, json!({"payment_token": token})).await;
    place(server, "C-JANE", email, json!({"items": [{"sku": "PRODUCT-002", "quantity": 10_000}]})).await;
    place(server, "C-OTHER", OTHER.0, json!({"phone": OTHER.1})).await;
    for (channel, to) in [("email", email), ("sms", phone), ("email", later), ("email", OTHER.0)] {
        let text = if to == OTHER.0 { "a note about John" } else { TEXT };
        let message = json!({
            "channel": channel, "recipient": to, "template": "order_refunded",
            "variables": {"orderId": "1", "total": "1.00 USD", "reason": text},
        });
        assert_eq!(server.post("/api/v1/notifications", &message).await, 202);
    }
    let settled = async |server: &Server| {
        let orders = server.orders("").await;
        orders.iter().all(|order| !["pending", "reserved"].contains(&order["status"].as_str().unwrap()))
    };
    server.wait_until("all orders are decided", settled).await;
}

pub(crate) async fn queue(server: &Server, of: &str) -> Value {
    let body = server.get("/api/v1/admin/queues").await;
    body["queues"].as_array().unwrap().iter().find(|queue| queue["consumer"] == of).unwrap().clone()
}

pub(crate) fn run(server: &Server, arguments: &[&str]) -> Run {
    let connection = ["--url", server.url()];
    let arguments = arguments.iter().chain(&connection).copied();
    orderflow_testing::program::Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).run()
}

/// Returns the forms in which a text may stand in a file: plain, with JSON escapes, percent-encoded, and in base64 at each offset.
fn forms(text: &str) -> Vec<String> {
    let escaped = text.replace('@', "\\u0040").replace('+', "\\u002b");
    let encoded = |text: &str| text.replace('@', "%40").replace('+', "%2B");
    let mut forms = vec![text.to_owned(), escaped, encoded(text), text.replace('@', "%40")];
    for offset in 0..3 {
        let shifted = format!("{}{text}", "x".repeat(offset));
        let base64 = STANDARD.encode(shifted);
        // The characters at both ends also depend on the neighbours of the text.
        forms.push(base64[4..base64.len() - 4].to_owned());
    }
    if let Some(digits) = text.strip_prefix('+') {
        forms.push(digits.to_owned());
    }
    forms
}

/// Returns where a file has one of these texts in any form.
pub(crate) fn found_in(name: &str, bytes: &[u8], texts: &[&str]) -> Vec<String> {
    // Every form is ASCII, which stays as it is between bytes that are no text.
    let content = String::from_utf8_lossy(bytes);
    let forms = texts.iter().flat_map(|text| forms(text));
    let found = forms.filter_map(|form| content.find(&form).map(|at| format!("{name} at {at}: {form}")));
    found.collect()
}

pub(crate) fn found(directory: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(self::found(&path, texts));
        } else {
            found.extend(found_in(&path.display().to_string(), &std::fs::read(&path).unwrap(), texts));
        }
    }
    found
}

/// Fills the shop, leaves notifications refused, delayed and waiting for their consumer, and forgets C-JANE. `delayed` is the count of the broker that shows
/// messages that wait for their retry. Returns what the command printed.
#[cfg(any(feature = "ministack", feature = "rabbitmq"))]
pub(crate) async fn fill_and_forget(server: &Server, delayed: &str) -> Run {
    fill(server).await;
    let notified = async |server: &Server| {
        let queue = queue(server, "notification").await;
        queue["dead"] == 1 && queue[delayed].as_u64() >= Some(1)
    };
    server.wait_until("one notification is refused, some are delayed", notified).await;
    server.put("/api/v1/admin/faults", &json!({"stopped": ["notification"]})).await;
    place(server, "C-JANE", ADDRESSES[0], json!({"phone": ADDRESSES[3]})).await;
    let waits = async |server: &Server| queue(server, "notification").await["ready"].as_u64() >= Some(1);
    server.wait_until("a notification waits", waits).await;
    let settled = async |server: &Server| server.delete("/api/v1/customers/C-JANE").await.0 == 200;
    server.wait_until("all are settled", settled).await;
    let forgotten = run(server, &["customer", "forget", "C-JANE", "--json"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.err);
    forgotten
}

/// Starts the notifications again, replays the dead letters, and waits until no message is left. Nothing is sent to C-JANE.
#[cfg(any(feature = "ministack", feature = "rabbitmq"))]
pub(crate) async fn drain(server: &Server, mail: &MailServer) {
    let to_jane = || mail.lines("RCPT").into_iter().filter(|line| line.contains("jane")).count();
    let sent = to_jane();
    server.put("/api/v1/admin/faults", &json!({"stopped": []})).await;
    let done = async |server: &Server, counts: &[&str]| {
        let body = server.get("/api/v1/admin/queues").await;
        let queues = body["queues"].as_array().unwrap();
        queues.iter().all(|queue| counts.iter().all(|count| queue[*count] == 0))
    };
    let waiting = ["ready", "in_flight", "delayed"];
    server.wait_until("the messages are done", async |server| done(server, &waiting).await).await;
    let replayed = run(server, &["dlq", "replay", "notification"]);
    assert_eq!(replayed.code, 0, "{}", replayed.err);
    let all = ["ready", "in_flight", "delayed", "dead"];
    server.wait_until("all messages are done", async |server| done(server, &all).await).await;
    assert_eq!(to_jane(), sent);
}

/// Checks that the log and the output of a command have none of the texts.
#[cfg(any(feature = "ministack", feature = "rabbitmq"))]
pub(crate) fn check_output(server: &Server, forgotten: &Run, texts: &[&str]) {
    let output = [server.log(), forgotten.out.clone(), forgotten.err.clone()].concat();
    assert_eq!(found_in("log", output.as_bytes(), texts), Vec::<String>::new());
}

/// `C-OTHER` and everything that is no personal data stays.
async fn check_books(server: &Server, before: &Value) {
    assert_eq!(&server.get("/api/v1/analytics/summary").await, before);
    let others = server.orders("&customer_id=C-OTHER").await;
    assert_eq!((others[0]["email"].as_str(), others[0]["phone"].as_str()), (Some(OTHER.0), Some(OTHER.1)));
    for order in server.orders("&customer_id=C-JANE").await {
        assert_eq!(order["email"], "forgotten@customer.invalid");
        assert!(order["total"]["amount"].as_i64().unwrap() > 0 && order.get("phone").is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_customer_is_forgotten_no_file_and_no_log_has_an_address() {
    let (mail, data) = (mail_server().await, tempfile::tempdir().unwrap());
    let launch = || {
        let launch = up(&["--port", "0", "--data-dir", data.path().to_str().unwrap()]);
        launch.env("SMTP_URL", format!("smtp://{}", mail.address())).env("RUST_LOG", "info")
    };
    let server = Server::start(launch());
    fill(&server).await;
    let notified = async |server: &Server| {
        let queue = queue(server, "notification").await;
        queue["dead"] == 1 && queue["delayed"] == 2
    };
    server.wait_until("one notification is refused, two are delayed", notified).await;
    let exported = run(&server, &["customer", "export", "C-JANE"]);
    assert_eq!(exported.code, 0, "{}", exported.err);
    for text in [&ADDRESSES[..4], &[TEXT]].concat() {
        assert!(exported.out.contains(text), "{text} is not in {}", exported.out);
    }
    assert!(!exported.out.contains(OTHER.0) && !exported.out.contains(ADDRESSES[4]), "{}", exported.out);
    let export: Value = serde_json::from_str(&exported.out).unwrap();
    let counts = ["orders", "notifications"].map(|kind| export[kind].as_array().unwrap().len());
    assert_eq!(counts, [5, 3]);

    // A run that is cut off: some steps, then a crash.
    let mut path = "/api/v1/customers/C-JANE".to_owned();
    server.wait_until("all are settled", async |server| server.delete(&path).await.0 == 200).await;
    for _ in 0..3 {
        let (status, body) = server.delete(&path).await;
        assert_eq!(status, 200, "{body}");
        path = format!("/api/v1/customers/C-JANE?cursor={}", body["next_cursor"].as_str().unwrap());
    }
    server.kill();
    let first_log = server.log();

    // Further orders meanwhile: one whose notification is delayed, one whose notification waits for its consumer.
    let server = Server::start(launch());
    place(&server, "C-JANE", ADDRESSES[2], json!({"payment_token": ADDRESSES[4]})).await;
    let delayed = async |server: &Server| queue(server, "notification").await["delayed"] == 1;
    server.wait_until("a notification is delayed", delayed).await;
    server.put("/api/v1/admin/faults", &json!({"stopped": ["notification"]})).await;
    place(&server, "C-JANE", ADDRESSES[0], json!({"phone": ADDRESSES[3]})).await;
    let waits = async |server: &Server| queue(server, "notification").await["ready"].as_u64() >= Some(1);
    server.wait_until("a notification waits", waits).await;
    let counted = async |server: &Server| {
        server.get("/api/v1/analytics/summary").await["total_orders"] == 8
            && queue(server, "analytics").await["ready"] == 0
    };
    server.wait_until("analytics counted all", counted).await;
    let books = server.get("/api/v1/analytics/summary").await;
    let forgotten = run(&server, &["customer", "forget", "C-JANE", "--json"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.err);

    let texts = [&ADDRESSES[..], &[TEXT]].concat();
    assert_eq!(found(data.path(), &texts), Vec::<String>::new());
    check_books(&server, &books).await;
    let again = run(&server, &["customer", "forget", "C-JANE", "--json"]);
    let nothing =
        json!({"customer_id": "C-JANE", "orders": 0, "payments": 0, "notifications": 0, "messages": 0});
    assert_eq!(serde_json::from_str::<Value>(&again.out).unwrap(), nothing);

    // What was on its way sends nothing and brings nothing back.
    let sent = mail.lines("RCPT").len();
    server.put("/api/v1/admin/faults", &json!({"stopped": []})).await;
    let replayed = run(&server, &["dlq", "replay", "notification"]);
    assert_eq!(replayed.code, 0, "{}", replayed.err);
    let done = async |server: &Server| {
        let queue = queue(server, "notification").await;
        ["ready", "in_flight", "delayed", "dead"].iter().all(|count| queue[count] == 0)
    };
    server.wait_until("all messages are done", done).await;
    assert_eq!(mail.lines("RCPT").len(), sent);
    assert_eq!(found(data.path(), &texts), Vec::<String>::new());
    let logs = format!("{first_log}{}", server.log());
    assert_eq!(found_in("log", logs.as_bytes(), &texts), Vec::<String>::new());
    for output in [&forgotten.out, &forgotten.err, &again.err] {
        assert_eq!(found_in("output", output.as_bytes(), &texts), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_customer_whose_id_no_path_can_have_is_exported_and_forgotten() {
    let server = Server::ephemeral();
    let ids = ["ACME/7", r"A\B", "..", ".", "%2F", "a%2e/../b?c#d&customer_id=x", "ü ☕"];
    for id in ids {
        place(&server, id, "c@example.com", json!({})).await;
    }
    let settled =
        async |server: &Server| server.orders("").await.iter().all(|order| order["status"] == "confirmed");
    server.wait_until("the orders are settled", settled).await;
    for id in ids {
        let exported = run(&server, &["customer", "export", id]);
        let export: Value = serde_json::from_str(&exported.out).unwrap();
        assert_eq!(export["orders"].as_array().unwrap().len(), 1, "{id} {exported:?}");
        let forgotten = run(&server, &["customer", "forget", id, "--json"]);
        assert_eq!(serde_json::from_str::<Value>(&forgotten.out).unwrap()["orders"], 1, "{id} {forgotten:?}");
    }
    assert!(server.orders("").await.iter().all(|order| order["email"] == "forgotten@customer.invalid"));
    let log = server.log();
    assert!(log.contains(r#""operation":"DELETE /api/v1/customers","on":"customer_id=ACME/7""#), "{log}");
}

#[tokio::test]
async fn a_customer_with_an_open_order_is_not_forgotten() {
    let server = Server::ephemeral();
    server.put("/api/v1/admin/faults", &json!({"payment": "down"})).await;
    let id = server.place("PRODUCT-002", "C1").await.unwrap();
    let (status, problem) = server.delete("/api/v1/customers/C1").await;
    assert_eq!(
        (status, problem["type"].as_str()),
        (409, Some("urn:orderflow:problem:customer-has-open-orders"))
    );
    assert!(problem["detail"].as_str().unwrap().contains(&id), "{problem}");
    assert_eq!(server.get(&format!("/api/v1/orders/{id}")).await["email"], "c@example.com");
    let refused = run(&server, &["customer", "forget", "C1"]);
    assert!(refused.code == 1 && refused.err.contains(&id), "{} {}", refused.code, refused.err);
}
