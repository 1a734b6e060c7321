//! E-mail over SMTP (RFC 5321).

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use orderflow_domain::{Email, Recipient};
use tokio::sync::Semaphore;

use super::MailProvider;
use super::mime;
use super::redaction::without_addresses;
use crate::channel::{ChannelError, Message};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// The number of connections that are open at once. Servers reject clients that open many (Postfix: 50).
const CONNECTIONS: usize = 16;

/// The longest time to send one message, from the connection to the answer. A server that takes longer may have accepted the
/// message; it then receives the message again with the same `Message-ID`.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The longest time to find out whether the server accepts connections. Together with [`TIMEOUT`] it is shorter than the
/// timeout of the function.
const GREETING_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends e-mail to an SMTP server.
///
/// Each message has a connection of its own, which is closed after a timeout, so that a late answer cannot be mistaken for
/// the answer to the next message.
#[derive(Debug)]
pub(crate) struct SmtpProvider {
    transport: Transport,
    from: Mailbox,
    connections: Semaphore,
    timeout: Duration,
    greeting_timeout: Duration,
}

impl SmtpProvider {
    /// Creates a provider that sends e-mail from this address through a transport.
    pub(crate) fn new(transport: Transport, from: Mailbox) -> Self {
        let connections = Semaphore::new(CONNECTIONS);
        Self { transport, from, connections, timeout: TIMEOUT, greeting_timeout: GREETING_TIMEOUT }
    }

    async fn failure(&self, error: &SmtpError, recipient: &Recipient) -> ChannelError {
        let reason = match (error.status(), error.source()) {
            (Some(code), Some(text)) => {
                format!("{code} {}", without_addresses(&text.to_string(), recipient))
            }
            _ => error.to_string(),
        };
        if is_about_the_mailbox(error) {
            ChannelError::RecipientUnavailable(reason)
        } else if is_refusal(error) && self.accepts_connections().await {
            ChannelError::Refused(reason)
        } else {
            ChannelError::Unavailable(reason)
        }
    }

    /// Returns whether the server accepts connections. A server that rejects every client answers with the codes of a refused
    /// message (RFC 5321, section 3.1), although the message is not the cause.
    async fn accepts_connections(&self) -> bool {
        let test = tokio::time::timeout(self.greeting_timeout, self.transport.test_connection());
        matches!(test.await, Ok(Ok(true)))
    }
}

#[async_trait]
impl MailProvider for SmtpProvider {
    async fn send(&self, to: &Email, message: &Message) -> Result<(), ChannelError> {
        let email = mime::email(&self.from, to, message)?;
        let _connection = self.connections.acquire().await.expect("the semaphore is never closed");
        let sending = tokio::time::timeout(self.timeout, self.transport.send(email));
        match sending.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error, &message.recipient).await),
            Err(_) => Err(ChannelError::Unavailable(format!(
                "the mail server did not answer within {} s",
                self.timeout.as_secs_f32()
            ))),
        }
    }
}

/// Returns whether only this mailbox is unavailable at present (RFC 5321, section 4.2.3): it is busy, or the server uses
/// greylisting (RFC 6647).
fn is_about_the_mailbox(error: &SmtpError) -> bool {
    error.status().map(u16::from) == Some(450)
}

/// Returns whether the server refuses the message permanently: because of the syntax of an address (501), or because of the
/// mailbox or the content (55x). Other permanent errors are about the client, such as a wrong password (535).
fn is_refusal(error: &SmtpError) -> bool {
    matches!(error.status().map(u16::from), Some(501 | 550..=559))
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
