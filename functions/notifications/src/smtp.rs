//! E-mail over SMTP (RFC 5321).

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use orderflow_domain::{Email, Recipient};
use tokio::sync::Semaphore;

use crate::channel::ChannelError;
use crate::message::Message;
use crate::mime;
use crate::providers::MailProvider;
use crate::redaction::without_addresses;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How many connections are open at once. Servers turn away clients that open many (Postfix: 50).
const CONNECTIONS: usize = 16;

/// How long sending one message may take, from connecting to the answer. A server that takes longer may have taken the
/// message all the same; it then gets it again under the same `Message-ID`.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How long the server may take to say whether it takes connections of ours. Together with [`TIMEOUT`] that is less than a function has.
const GREETING_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends e-mail to an SMTP server.
///
/// Each message has a connection of its own: one that is given up halfway is closed, so that nothing of its dialogue can be
/// taken for the answer to the next message.
#[derive(Debug)]
pub(crate) struct SmtpProvider {
    transport: Transport,
    from: Mailbox,
    connections: Semaphore,
    timeout: Duration,
    greeting_timeout: Duration,
}

impl SmtpProvider {
    /// A provider over the server behind a transport, for e-mail from this address.
    pub(crate) fn new(transport: Transport, from: Mailbox) -> Self {
        let connections = Semaphore::new(CONNECTIONS);
        Self { transport, from, connections, timeout: TIMEOUT, greeting_timeout: GREETING_TIMEOUT }
    }

    async fn failure(&self, error: &SmtpError, recipient: &Recipient) -> ChannelError {
        let reason = match (error.status(), error.source()) {
            (Some(code), Some(words)) => {
                format!("{code} {}", without_addresses(&words.to_string(), recipient))
            }
            _ => error.to_string(),
        };
        if is_about_the_mailbox(error) {
            ChannelError::PutOff(reason)
        } else if is_refusal(error) && self.lets_us_in().await {
            ChannelError::Refused(reason)
        } else {
            ChannelError::Unavailable(reason)
        }
    }

    /// Whether the server takes connections of ours. One that turns every client away answers with the codes of a refused
    /// message (RFC 5321, section 3.1), and then no message is to blame.
    async fn lets_us_in(&self) -> bool {
        let testing = tokio::time::timeout(self.greeting_timeout, self.transport.test_connection());
        matches!(testing.await, Ok(Ok(true)))
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

/// Whether the server says of this mailbox alone that it takes nothing now (RFC 5321, section 4.2.3): it is busy, or the server wants to see
/// whether the message comes again (RFC 6647).
fn is_about_the_mailbox(error: &SmtpError) -> bool {
    error.status().map(u16::from) == Some(450)
}

/// Whether the server says of this message that it will never take it: an address that it cannot read (501), or anything
/// about mailboxes and their content (55x). Other permanent errors are about the client, such as a wrong password (535).
fn is_refusal(error: &SmtpError) -> bool {
    matches!(error.status().map(u16::from), Some(501 | 550..=559))
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
