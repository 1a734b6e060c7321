use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use orderflow_domain::{ChannelKind, OrderId, Phone};
use orderflow_testing::mail_server::{MailServer, REFUSALS_OF_ONE_DOMAIN, SILENCE};
use tokio::net::TcpListener;

use super::*;
use crate::channel::{Channel, message_id};
use crate::providers::Providers;
use crate::template::Template;

/// Returns the channel that sends through a server.
fn channel_to(server: &MailServer) -> Providers {
    Providers::default().with_mail(provider_to(server))
}

fn provider_to(server: &MailServer) -> SmtpProvider {
    provider(&format!("smtp://{}", server.address()))
}

fn provider(url: &str) -> SmtpProvider {
    SmtpProvider::new(SmtpServer::parse(url).unwrap(), "Büro <orders@shop.example>".parse().unwrap())
}

fn channel(url: &str) -> Providers {
    Providers::default().with_mail(provider(url))
}

fn message(recipient: Recipient) -> Message {
    let order_id = OrderId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap();
    Message {
        id: message_id(order_id, Template::OrderRefunded, ChannelKind::Email),
        order_id: Some(order_id),
        template: Template::OrderRefunded.as_str().to_owned(),
        recipient,
        subject: Some("Ihre Rückzahlung".to_owned()),
        body: "Thank you for the order of your büro chair.\n.\nTotal: 89.98 EUR".to_owned(),
    }
}

/// Returns the turn of a message that does not wait for others.
fn turn() -> Turn {
    Turn::free(tokio::time::Instant::now() + Duration::from_secs(60))
}

fn email() -> Message {
    message(Recipient::Email(Email::parse("jane@example.com").unwrap()))
}

#[tokio::test]
async fn an_e_mail_has_its_headers_and_its_encoded_body() {
    let server = MailServer::start().await.unwrap();
    channel_to(&server).send(&email(), &mut turn()).await.unwrap();
    let lines = server.lines("");
    let has = |line: &str| assert!(lines.iter().any(|found| found == line), "{line} is not in {lines:#?}");
    has("MAIL FROM:<orders@shop.example>");
    has("RCPT TO:<jane@example.com>");
    has("From: =?utf-8?b?QsO8cm8=?= <orders@shop.example>");
    has("To: jane@example.com");
    has("Subject: Ihre =?utf-8?b?UsO8Y2t6YWhsdW5n?=");
    has(&format!("Message-ID: <{}@shop.example>", email().id));
    has("Auto-Submitted: auto-generated");
    has("MIME-Version: 1.0");
    has("Content-Type: text/plain; charset=utf-8");
    has("Content-Transfer-Encoding: quoted-printable");
    has("Thank you for the order of your b=C3=BCro chair.");
    has("..");
    has("Total: 89.98 EUR");
    assert!(lines.iter().any(|line| line.starts_with("Date: ")), "{lines:#?}");
}

/// Asserts that content keeps the limits of RFC 5321, section 4.5.3.1.6, and RFC 5322, section 2.3.
fn assert_valid_lines(content: &[u8]) {
    let text = std::str::from_utf8(content).unwrap();
    assert!(text.is_ascii() && !text.contains('\0'), "{text:?}");
    let rest = text.replace("\r\n", "");
    assert!(!rest.contains(['\r', '\n']), "{text:?}");
    for line in text.split("\r\n") {
        assert!(line.len() <= 998, "{} octets: {line:?}", line.len());
    }
}

#[tokio::test]
async fn no_text_makes_an_invalid_line() {
    let server = MailServer::start().await.unwrap();
    let channel = channel_to(&server);
    let long = "x".repeat(2_000);
    let umlauts = "ü".repeat(1_000);
    let subjects =
        ["short", &long, &umlauts, "=?utf-8?q?fake?=", "a: b; <c@d.e>, \"f\"", &"ab cd ".repeat(300)];
    let bodies = [
        "short",
        &long,
        &umlauts,
        ".\n..\nFrom x\n",
        &format!("{long}\n{umlauts}"),
        &"ab cd ".repeat(300),
        "a\r\nb\n\n\n",
    ];
    for subject in subjects {
        for body in bodies {
            let message = Message { subject: Some(subject.to_owned()), body: body.to_owned(), ..email() };
            channel.send(&message, &mut turn()).await.unwrap();
        }
    }
    let mails = server.mails();
    assert_eq!(mails.len(), subjects.len() * bodies.len());
    for mail in &mails {
        assert_valid_lines(&mail.content);
        assert_eq!(mail.header("MIME-Version").as_deref(), Some("1.0"));
    }
    // A subject that looks like an encoded word is encoded, so that mail programs show it as it is.
    let fake = mails[3 * bodies.len()].header("Subject").unwrap();
    assert_eq!(fake, "=?utf-8?q?=3D=3Futf=2D8=3Fq=3Ffake=3F=3D?=");
    let long_subject = mails[bodies.len()].header("Subject").unwrap();
    let letters = long_subject.replace("=?utf-8?q?", "").replace("?=", "").replace(' ', "");
    assert_eq!(letters, long);
}

#[tokio::test]
async fn a_message_that_is_sent_again_has_the_same_message_id() {
    let server = MailServer::start().await.unwrap();
    let channel = channel_to(&server);
    for _ in 0..2 {
        channel.send(&email(), &mut turn()).await.unwrap();
    }
    let ids = server.lines("Message-ID: ");
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn the_url_contains_the_credentials() {
    let server = MailServer::start().await.unwrap();
    channel(&format!("smtp://anna:p%40ss@{}", server.address())).send(&email(), &mut turn()).await.unwrap();
    // NUL anna NUL p@ss
    assert_eq!(server.lines("AUTH"), ["AUTH PLAIN AGFubmEAcEBzcw=="]);
}

#[tokio::test]
async fn short_messages_are_not_sent_by_smtp() {
    let server = MailServer::start().await.unwrap();
    let sms = message(Recipient::Sms(Phone::parse("+4930123456").unwrap()));
    channel_to(&server).send(&sms, &mut turn()).await.unwrap();
    assert!(server.lines("").is_empty());
}

async fn failure(url_user: &str, command: &'static str, answer: &'static str) -> ChannelError {
    let server =
        MailServer::answering(move |line| (line.split([' ', ':']).next() == Some(command)).then_some(answer))
            .await
            .unwrap();
    channel(&format!("smtp://{url_user}{}", server.address())).send(&email(), &mut turn()).await.unwrap_err()
}

#[tokio::test]
async fn permanent_errors_about_the_message_are_refusals() {
    for (command, answer) in
        [("RCPT", "550 5.1.1 no such mailbox"), ("RCPT", "501 5.1.3 bad address"), (".", "554 5.7.1 spam")]
    {
        let error = failure("", command, answer).await;
        assert_eq!(error, ChannelError::Refused(answer.to_owned()), "{command}");
    }
}

#[tokio::test]
async fn other_errors_are_retried() {
    for (command, answer) in [
        ("", "421 4.3.2 not now"),
        ("", "554 5.7.1 your network is blocked"),
        ("EHLO", "550 5.7.1 go away"),
        ("AUTH", "535 5.7.8 wrong password"),
        ("MAIL", "451 4.3.0 try later"),
        ("MAIL", "530 5.7.0 sign in first"),
        ("MAIL", "550 5.7.1 not from you"),
        ("DATA", "554 5.7.1 no"),
        ("DATA", "452 4.3.1 disk full"),
        (".", "451 4.3.0 try later"),
        (".", "452 4.3.1 disk full"),
        ("RCPT", "gibberish"),
    ] {
        let error = failure("anna:secret@", command, answer).await;
        assert!(matches!(error, ChannelError::Unavailable(_)), "{command} {answer}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_retried_if_the_server_then_stops_answering() {
    let greeted = AtomicBool::new(false);
    let server = MailServer::answering(move |line| match line.split([' ', ':']).next() {
        Some("") if greeted.swap(true, Ordering::SeqCst) => Some(SILENCE),
        Some("RCPT") => Some("550 5.1.1 no such mailbox"),
        _ => None,
    })
    .await
    .unwrap();
    let provider = SmtpProvider { greeting_timeout: Duration::from_millis(200), ..provider_to(&server) };
    let to = Email::parse("jane@example.com").unwrap();
    let error = provider.send(&to, &email(), &mut turn()).await.unwrap_err();
    assert_eq!(error, ChannelError::Unavailable("550 5.1.1 no such mailbox".to_owned()));
}

#[tokio::test]
async fn a_temporary_error_about_the_message_does_not_count_against_the_server() {
    for (command, answer) in [
        ("RCPT", "450 4.2.1 mailbox busy"),
        ("RCPT", "452 4.5.3 too many recipients"),
        (".", "450 4.2.1 mailbox busy"),
        (".", "451 4.7.1 greylisted"),
    ] {
        let error = failure("", command, answer).await;
        assert_eq!(error, ChannelError::RecipientUnavailable(answer.to_owned()), "{command}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_about_one_recipient_is_available_to_others() {
    let server =
        MailServer::answering(|line| line.starts_with("RCPT TO:<jane").then_some(SILENCE)).await.unwrap();
    let provider = SmtpProvider { timeout: Duration::from_millis(200), ..provider_to(&server) };
    let error =
        provider.send(&Email::parse("jane@example.com").unwrap(), &email(), &mut turn()).await.unwrap_err();
    let reason = "the mail server did not answer within 0.2 s".to_owned();
    assert_eq!(error, ChannelError::RecipientUnavailable(reason));
}

#[tokio::test]
async fn one_domain_with_a_problem_does_not_stop_e_mail_to_others() {
    for answer in REFUSALS_OF_ONE_DOMAIN {
        let server = MailServer::answering(move |line| line.starts_with("RCPT TO:<bad").then_some(answer))
            .await
            .unwrap();
        let channel = channel_to(&server);
        for number in 0..30 {
            let to = Email::parse(&format!("bad{number}@example.net")).unwrap();
            let error = channel.send(&message(Recipient::Email(to)), &mut turn()).await.unwrap_err();
            let expected = if answer.starts_with('5') {
                ChannelError::Refused(answer.to_owned())
            } else {
                ChannelError::RecipientUnavailable(answer.to_owned())
            };
            assert_eq!(error, expected);
        }
        for number in 0..10 {
            let to = Email::parse(&format!("good{number}@example.com")).unwrap();
            let sent = channel.send(&message(Recipient::Email(to)), &mut turn()).await;
            assert_eq!(sent, Ok(()), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_server_that_closes_and_is_gone_is_unavailable() {
    let greeted = AtomicBool::new(false);
    let server = MailServer::answering(move |line| match line.split([' ', ':']).next() {
        Some("") if greeted.swap(true, Ordering::SeqCst) => Some("421 4.3.2 shutting down"),
        Some("RCPT") => Some("421 4.3.2 shutting down"),
        _ => None,
    })
    .await
    .unwrap();
    let error = channel_to(&server).send(&email(), &mut turn()).await.unwrap_err();
    assert_eq!(error, ChannelError::Unavailable("421 4.3.2 shutting down".to_owned()));
}

#[tokio::test]
async fn an_unreachable_server_is_retried() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = channel(&format!("smtp://{address}")).send(&email(), &mut turn()).await.unwrap_err();
    assert!(matches!(error, ChannelError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_message_after_a_timeout_uses_a_new_connection() {
    let silent = AtomicBool::new(true);
    let server = MailServer::answering(move |line| {
        (line == "." && silent.swap(false, Ordering::SeqCst)).then_some(SILENCE)
    })
    .await
    .unwrap();
    let mut provider = SmtpProvider { timeout: Duration::from_millis(200), ..provider_to(&server) };
    let to = Email::parse("jane@example.com").unwrap();
    let error = provider.send(&to, &email(), &mut turn()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message was not accepted: the mail server did not answer within 0.2 s"
    );
    provider.timeout = TIMEOUT;
    provider.send(&to, &email(), &mut turn()).await.unwrap();
    assert_eq!(server.lines("EHLO").len(), 2);
}

#[tokio::test]
async fn the_recipient_is_removed_from_error_messages() {
    let answer = "550-5.1.1 <Jane@Example.com>: unknown\r\n550 user:jane, try j@example.net";
    let error = failure("", "RCPT", answer).await;
    assert_eq!(error.to_string(), "the message was refused: 550 5.1.1 *** unknown *** try ***");
}

#[test]
fn every_address_that_the_shop_accepts_can_be_mailed() {
    let from = "orders@shop.example".parse().unwrap();
    let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(63));
    for address in ["a.b+tag@sub.example.co", "o'hara@example.org", "!#$%&'*+/=?^_`{|}~-@a-b.example", &long]
    {
        let to = Email::parse(address).unwrap();
        assert!(mime::email(&from, &to, &email()).is_ok(), "{address}");
    }
}

#[tokio::test]
async fn connections_are_limited() {
    let server = MailServer::start().await.unwrap();
    let (channel, message) = (channel_to(&server), email());
    let sending = async || channel.send(&message, &mut turn()).await;
    let sent = join_all((0..3 * CONNECTIONS).map(|_| sending())).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!(server.lines("MAIL").len(), 3 * CONNECTIONS);
    let most = server.most_in_progress();
    assert!((2..=CONNECTIONS).contains(&most), "{most}");
}
