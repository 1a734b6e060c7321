use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use orderflow_domain::{ChannelKind, OrderId, Phone};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::channel::{Channel, message_id};
use crate::providers::Providers;
use crate::template::Template;

/// Returns an answer to a line in place of the default one. The line is empty when a client connects, and `.` at the end of
/// a message.
type AnswerTo = Arc<dyn Fn(&str) -> Option<&'static str> + Send + Sync>;

/// Stands for no answer.
const SILENCE: &str = "";

#[derive(Default)]
struct Received {
    /// Every line of every client, including the content of messages.
    lines: Mutex<Vec<String>>,
    /// Messages that were begun and are not answered yet.
    in_progress: AtomicUsize,
    most_in_progress: AtomicUsize,
}

/// A mail server in this process.
struct MailServer {
    address: String,
    received: Arc<Received>,
}

impl MailServer {
    async fn start(answer_to: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (received, answer_to): (_, AnswerTo) = (Arc::new(Received::default()), Arc::new(answer_to));
        let received_lines = received.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (answer_to, received) = (answer_to.clone(), received_lines.clone());
                tokio::spawn(async move { serve(client, answer_to, &received).await });
            }
        });
        Self { address, received }
    }

    async fn with_defaults() -> Self {
        Self::start(|_| None).await
    }

    fn channel(&self) -> Providers {
        Providers::default().with_mail(self.provider())
    }

    fn provider(&self) -> SmtpProvider {
        provider(&format!("smtp://{}", self.address))
    }

    /// Returns the received lines that begin with this text.
    fn lines(&self, beginning: &str) -> Vec<String> {
        let lines = self.received.lines.lock().unwrap();
        lines.iter().filter(|line| line.starts_with(beginning)).cloned().collect()
    }
}

async fn serve(client: TcpStream, answer_to: AnswerTo, received: &Received) -> io::Result<()> {
    let (reading, mut writing) = client.into_split();
    let mut lines = BufReader::new(reading).lines();
    let (mut line, mut in_content) = (String::new(), false);
    loop {
        if in_content && line == "." {
            // Counted before the answer, because the client may begin the next message as soon as it has the answer.
            received.in_progress.fetch_sub(1, Ordering::SeqCst);
            in_content = false;
        } else if !in_content && line.starts_with("MAIL") {
            let in_progress = received.in_progress.fetch_add(1, Ordering::SeqCst) + 1;
            received.most_in_progress.fetch_max(in_progress, Ordering::SeqCst);
        }
        if !in_content {
            let answer = answer_to(&line).unwrap_or_else(|| default_answer(&line));
            if answer == SILENCE {
                return std::future::pending().await;
            }
            writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
            in_content = answer.starts_with("354");
        }
        let Some(next) = lines.next_line().await? else { return Ok(()) };
        received.lines.lock().unwrap().push(next.clone());
        line = next;
    }
}

fn default_answer(line: &str) -> &'static str {
    match line.split([' ', ':']).next() {
        Some("") => "220 ready",
        Some("EHLO") => "250-hello\r\n250 AUTH PLAIN",
        Some("AUTH") => "235 welcome",
        Some("DATA") => "354 start mail input",
        Some("QUIT") => "221 bye",
        _ => "250 ok",
    }
}

fn provider(url: &str) -> SmtpProvider {
    let transport = Transport::from_url(url).unwrap().build();
    SmtpProvider::new(transport, "Büro <orders@shop.example>".parse().unwrap())
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

fn email() -> Message {
    message(Recipient::Email(Email::parse("jane@example.com").unwrap()))
}

#[tokio::test]
async fn an_e_mail_has_its_headers_and_its_encoded_body() {
    let server = MailServer::with_defaults().await;
    server.channel().send(&email()).await.unwrap();
    let lines = server.received.lines.lock().unwrap().clone();
    let has = |line: &str| assert!(lines.iter().any(|found| found == line), "{line} is not in {lines:#?}");
    has("MAIL FROM:<orders@shop.example>");
    has("RCPT TO:<jane@example.com>");
    has("From: =?utf-8?b?QsO8cm8=?= <orders@shop.example>");
    has("To: jane@example.com");
    has("Subject: Ihre =?utf-8?b?UsO8Y2t6YWhsdW5n?=");
    has(&format!("Message-ID: <{}@shop.example>", email().id));
    has("Auto-Submitted: auto-generated");
    has("Content-Type: text/plain; charset=utf-8");
    has("Content-Transfer-Encoding: quoted-printable");
    has("Thank you for the order of your b=C3=BCro chair.");
    has("..");
    has("Total: 89.98 EUR");
    assert!(lines.iter().any(|line| line.starts_with("Date: ")), "{lines:#?}");
}

#[tokio::test]
async fn a_message_that_is_sent_again_has_the_same_message_id() {
    let server = MailServer::with_defaults().await;
    let channel = server.channel();
    for _ in 0..2 {
        channel.send(&email()).await.unwrap();
    }
    let ids = server.lines("Message-ID: ");
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn the_url_contains_the_credentials() {
    let server = MailServer::with_defaults().await;
    channel(&format!("smtp://anna:p%40ss@{}", server.address)).send(&email()).await.unwrap();
    // NUL anna NUL p@ss
    assert_eq!(server.lines("AUTH"), ["AUTH PLAIN AGFubmEAcEBzcw=="]);
}

#[tokio::test]
async fn short_messages_are_not_sent_by_smtp() {
    let server = MailServer::with_defaults().await;
    let sms = message(Recipient::Sms(Phone::parse("+4930123456").unwrap()));
    server.channel().send(&sms).await.unwrap();
    assert!(server.received.lines.lock().unwrap().is_empty());
}

async fn failure(url_user: &str, command: &'static str, answer: &'static str) -> ChannelError {
    let server =
        MailServer::start(move |line| (line.split([' ', ':']).next() == Some(command)).then_some(answer))
            .await;
    channel(&format!("smtp://{url_user}{}", server.address)).send(&email()).await.unwrap_err()
}

#[tokio::test]
async fn permanent_errors_about_the_message_are_refusals() {
    for (command, answer) in [
        ("MAIL", "550 5.7.1 not from you"),
        ("RCPT", "550 5.1.1 no such mailbox"),
        ("RCPT", "501 5.1.3 bad address"),
        ("DATA", "554 5.7.1 no"),
        (".", "554 5.7.1 spam"),
    ] {
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
        ("RCPT", "451 4.7.0 try later"),
        ("DATA", "452 4.3.1 disk full"),
        (".", "451 4.3.0 try later"),
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
    let server = MailServer::start(move |line| match line.split([' ', ':']).next() {
        Some("") if greeted.swap(true, Ordering::SeqCst) => Some(SILENCE),
        Some("RCPT") => Some("550 5.1.1 no such mailbox"),
        _ => None,
    })
    .await;
    let provider = SmtpProvider { greeting_timeout: Duration::from_millis(200), ..server.provider() };
    let to = Email::parse("jane@example.com").unwrap();
    let error = provider.send(&to, &email()).await.unwrap_err();
    assert_eq!(error, ChannelError::Unavailable("550 5.1.1 no such mailbox".to_owned()));
}

#[tokio::test]
async fn a_busy_mailbox_does_not_count_against_the_server() {
    for command in ["RCPT", "."] {
        let error = failure("", command, "450 4.2.1 mailbox busy").await;
        assert_eq!(
            error,
            ChannelError::RecipientUnavailable("450 4.2.1 mailbox busy".to_owned()),
            "{command}"
        );
    }
}

#[tokio::test]
async fn an_unreachable_server_is_retried() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = channel(&format!("smtp://{address}")).send(&email()).await.unwrap_err();
    assert!(matches!(error, ChannelError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_message_after_a_timeout_uses_a_new_connection() {
    let silent = AtomicBool::new(true);
    let server = MailServer::start(move |line| {
        (line == "." && silent.swap(false, Ordering::SeqCst)).then_some(SILENCE)
    })
    .await;
    let mut provider = SmtpProvider { timeout: Duration::from_millis(200), ..server.provider() };
    let to = Email::parse("jane@example.com").unwrap();
    let error = provider.send(&to, &email()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message was not accepted: the mail server did not answer within 0.2 s"
    );
    provider.timeout = TIMEOUT;
    provider.send(&to, &email()).await.unwrap();
    assert_eq!(server.lines("EHLO").len(), 2);
}

#[tokio::test]
async fn the_recipient_is_removed_from_error_messages() {
    let answer = "550-5.1.1 <Jane@Example.com>: unknown\r\n550 user:jane, try j@example.net";
    let error = failure("", "RCPT", answer).await;
    assert_eq!(error.to_string(), "the message was refused: 550 5.1.1 *** unknown *** try ***");
}

#[tokio::test]
async fn an_address_that_is_invalid_in_smtp_is_refused() {
    let server = MailServer::with_defaults().await;
    let invalid = message(Recipient::Email(Email::parse("jane..doe@example.com").unwrap()));
    let error = server.channel().send(&invalid).await.unwrap_err();
    assert!(matches!(error, ChannelError::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn connections_are_limited() {
    let server = MailServer::with_defaults().await;
    let (channel, message) = (server.channel(), email());
    let sent = join_all((0..3 * CONNECTIONS).map(|_| channel.send(&message))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!(server.lines("MAIL").len(), 3 * CONNECTIONS);
    let most = server.received.most_in_progress.load(Ordering::SeqCst);
    assert!((2..=CONNECTIONS).contains(&most), "{most}");
}
