//! E-mail over SMTP (RFC 5321).

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use orderflow_domain::Email;
use tokio::sync::Semaphore;

use crate::channel::{Channel, ChannelError, LogChannel, log_sent};
use crate::message::{Message, Recipient};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How many connections are open at once. Servers turn away clients that open many (Postfix: 50).
const CONNECTIONS: usize = 16;

/// How long sending one message may take, from connecting to the answer. A server that takes longer may have taken the
/// message all the same; it then gets it again under the same `Message-ID`.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends e-mail to an SMTP server, and logs what goes out by other means.
///
/// Each message has a connection of its own: one that is given up halfway is closed, so that nothing of its dialogue can be
/// taken for the answer to the next message.
#[derive(Debug)]
pub struct SmtpChannel {
    transport: Transport,
    from: Mailbox,
    connections: Semaphore,
    timeout: Duration,
}

impl SmtpChannel {
    /// A channel to the server behind a transport, for e-mail from this address.
    pub(crate) fn new(transport: Transport, from: Mailbox) -> Self {
        Self { transport, from, connections: Semaphore::new(CONNECTIONS), timeout: TIMEOUT }
    }

    async fn send_email(&self, recipient: &Email, message: &Message) -> Result<(), ChannelError> {
        let email = self.email(recipient, message)?;
        let _connection = self.connections.acquire().await.expect("the semaphore is never closed");
        let sending = tokio::time::timeout(self.timeout, self.transport.send(email));
        match sending.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error, recipient).await),
            Err(_) => Err(ChannelError::Unavailable(format!(
                "the mail server did not answer within {} s",
                self.timeout.as_secs_f32()
            ))),
        }
    }

    fn email(&self, recipient: &Email, message: &Message) -> Result<lettre::Message, ChannelError> {
        // Few addresses are valid in a browser and not in SMTP, such as those with two dots in a row.
        let address = recipient.as_str().parse().map_err(refused)?;
        lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(message.subject.clone().unwrap_or_default())
            .message_id(Some(format!("<{}@{}>", message.id, self.from.email.domain())))
            .raw_header(automatic())
            .header(ContentType::TEXT_PLAIN)
            .body(message.body.clone())
            .map_err(refused)
    }

    async fn failure(&self, error: &SmtpError, recipient: &Email) -> ChannelError {
        let reason = match (error.status(), error.source()) {
            (Some(code), Some(words)) => {
                format!("{code} {}", without_addresses(&words.to_string(), recipient))
            }
            _ => error.to_string(),
        };
        if is_refusal(error) && self.lets_us_in().await {
            ChannelError::Refused(reason)
        } else {
            ChannelError::Unavailable(reason)
        }
    }

    /// Whether the server takes connections of ours. One that turns every client away answers with the codes of a refused
    /// message (RFC 5321, section 3.1), and then no message is to blame.
    async fn lets_us_in(&self) -> bool {
        let testing = tokio::time::timeout(self.timeout, self.transport.test_connection());
        matches!(testing.await, Ok(Ok(true)))
    }
}

#[async_trait]
impl Channel for SmtpChannel {
    async fn send(&self, message: &Message) -> Result<(), ChannelError> {
        match &message.recipient {
            Recipient::Email(recipient) => {
                self.send_email(recipient, message).await?;
                log_sent(message);
                Ok(())
            }
            Recipient::Sms(_) => LogChannel.send(message).await,
        }
    }
}

/// Keeps absence notes from being sent in answer (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

fn refused(error: impl Error) -> ChannelError {
    ChannelError::Refused(error.to_string())
}

/// Whether the server says of this message that it will never take it: an address that it cannot read (501), or anything
/// about mailboxes and their content (55x). Other permanent errors are about the client, such as a wrong password (535).
fn is_refusal(error: &SmtpError) -> bool {
    matches!(error.status().map(u16::from), Some(501 | 550..=559))
}

/// A server's words without the addresses that they hold, and without the recipient's mailbox in whatever form.
fn without_addresses(words: &str, recipient: &Email) -> String {
    let name = recipient.as_str().split('@').next().unwrap_or_default().to_ascii_lowercase();
    let shown = |word| if is_address(word, &name) { "***" } else { word };
    words.split_whitespace().map(shown).collect::<Vec<_>>().join(" ")
}

fn is_address(word: &str, name: &str) -> bool {
    word.contains('@') || word.to_ascii_lowercase().contains(name)
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
