//! E-mail at a real SMTP server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::SdkConfig;
use orderflow_domain::{ChannelKind, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::Outcome;
use orderflow_notifications::{Template, message_id};
use orderflow_testing::aiosmtpd::Aiosmtpd;
use serde_json::Value;

use crate::outcomes::{EMAIL, confirmed, golden, outcomes};
use crate::service::{Service, tool};

async fn server() -> Aiosmtpd {
    Aiosmtpd::start(&tool("ORDERFLOW_AIOSMTPD")).await.unwrap()
}

async fn service(server: &Aiosmtpd) -> Service {
    let variables = [
        ("SMTP_URL", format!("smtp://{}", server.address())),
        ("MAIL_FROM", "Shop <orders@shop.example>".to_owned()),
    ];
    Service::start(&variables, SdkConfig::builder().build()).await
}

/// Returns the value of a header, unfolded.
fn header(mail: &str, name: &str) -> String {
    let (head, _) = mail.split_once("\n\n").unwrap();
    let unfolded = head.replace("\n ", " ");
    let beginning = format!("{name}: ");
    let values: Vec<_> = unfolded.lines().filter_map(|line| line.strip_prefix(&beginning)).collect();
    let [value] = values[..] else { panic!("{} headers {name} in {mail}", values.len()) };
    value.to_owned()
}

/// Returns the text that the recipient reads. The texts need only the soft line breaks of quoted-printable (RFC 2045).
fn text(mail: &str) -> String {
    let (_, body) = mail.split_once("\n\n").unwrap();
    let body = body.replace("=\n", "");
    format!("Subject: {}\n\n{}", header(mail, "Subject"), body.trim_end_matches('\n'))
}

#[tokio::test]
async fn three_deliveries_send_each_outcome_once_with_its_golden_text() {
    let server = server().await;
    for (number, (outcome, event)) in outcomes().into_iter().enumerate() {
        let service = service(&server).await;
        let together = service.deliver(&[event.clone(), event.clone()]).await;
        let later = service.deliver(&[event]).await;
        assert_eq!([together, later].concat(), [Outcome::Done, Outcome::Done, Outcome::Done], "{outcome}");
        let mails = server.mails().unwrap();
        assert_eq!(mails.len(), number + 1, "{outcome}");
        let expected = golden(outcome, ChannelKind::Email);
        let found: Vec<_> = mails.iter().filter(|mail| text(mail) == expected).collect();
        let [mail] = found[..] else { panic!("{outcome}: {mails:#?}") };
        assert_eq!(header(mail, "To"), EMAIL);
        assert_eq!(header(mail, "From"), "Shop <orders@shop.example>");
    }
}

#[tokio::test]
async fn a_message_that_is_sent_three_times_has_one_message_id() {
    let server = server().await;
    let service = service(&server).await;
    let writes = Arc::new(AtomicUsize::new(0));
    service.harness.embedded.inject(Arc::new(move |operation: &str, request: &Value| {
        let writes_the_mail = operation == "PutItem"
            && request["Item"]["id"]["S"] == "order_confirmation#email"
            && request["Item"]["status"]["S"] == "sent";
        let lost = writes_the_mail && writes.fetch_add(1, Ordering::SeqCst) < 2;
        lost.then_some(Fault::InternalServerError)
    }));
    let order = OrderId::generate();
    for delivery in 1..=3 {
        let outcomes = service.deliver(&[confirmed(order)]).await;
        assert_eq!(outcomes == [Outcome::Done], delivery == 3, "{outcomes:?}");
    }
    let mails = server.mails().unwrap();
    assert_eq!(mails.len(), 3);
    let id = message_id(order, Template::OrderConfirmation, ChannelKind::Email);
    for mail in &mails {
        assert_eq!(header(mail, "Message-ID"), format!("<{id}@shop.example>"));
    }
}
