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

/// A header's value, in one line.
fn header(mail: &str, name: &str) -> String {
    let (head, _) = mail.split_once("\n\n").unwrap();
    let unfolded = head.replace("\n ", " ");
    let beginning = format!("{name}: ");
    let values: Vec<_> = unfolded.lines().filter_map(|line| line.strip_prefix(&beginning)).collect();
    let [value] = values[..] else { panic!("{name} stands {} times in {mail}", values.len()) };
    value.to_owned()
}

/// What the recipient reads. Of quoted-printable (RFC 2045) only soft line breaks occur.
fn text(mail: &str) -> String {
    let (_, body) = mail.split_once("\n\n").unwrap();
    let body = body.replace("=\n", "");
    format!("Subject: {}\n\n{}", header(mail, "Subject"), body.trim_end_matches('\n'))
}

#[tokio::test]
async fn every_outcome_arrives_once_with_its_golden_text_though_delivered_three_times() {
    let server = server().await;
    for (number, (outcome, event)) in outcomes().into_iter().enumerate() {
        let service = service(&server).await;
        let together = service.handle(&[event.clone(), event.clone()]).await;
        let later = service.handle(&[event]).await;
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
async fn what_is_sent_three_times_for_want_of_a_record_has_one_message_id() {
    let server = server().await;
    let service = service(&server).await;
    let writes = Arc::new(AtomicUsize::new(0));
    service.embedded.inject(Arc::new(move |operation: &str, request: &Value| {
        let of_the_mail = operation == "PutItem" && request.to_string().contains("order_confirmation#email");
        let lost = of_the_mail && writes.fetch_add(1, Ordering::SeqCst) < 2;
        lost.then_some(Fault::InternalServerError)
    }));
    let order = OrderId::generate();
    for delivery in 1..=3 {
        let outcomes = service.handle(&[confirmed(order)]).await;
        assert_eq!(outcomes == [Outcome::Done], delivery == 3, "{outcomes:?}");
    }
    let mails = server.mails().unwrap();
    assert_eq!(mails.len(), 3);
    let id = message_id(order, Template::OrderConfirmation, ChannelKind::Email);
    for mail in &mails {
        assert_eq!(header(mail, "Message-ID"), format!("<{id}@shop.example>"));
    }
}
