//! E-mail over SMTP (RFC 5321).

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use orderflow_domain::{Email, Recipient};
use tokio::sync::Semaphore;

use super::MailProvider;
use super::mime;
use super::redaction::without_addresses;
use super::smtp_server::{Cause, Failure, SmtpServer, Stage};
use crate::channel::{ChannelError, Message};
use crate::turns::Turn;

/// The number of connections that are open at once. Servers reject clients that open many (Postfix: 50).
const CONNECTIONS: usize = 16;

/// The longest time from the connection until the server takes the content of a message, and then until it answers. A server that takes longer to answer
/// may have accepted the message; it then receives the message again with the same `Message-ID`.
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
    server: SmtpServer,
    from: Mailbox,
    connections: Arc<Semaphore>,
    timeout: Duration,
    greeting_timeout: Duration,
}

impl SmtpProvider {
    /// Creates a provider that sends e-mail from this address through a server.
    pub(crate) fn new(server: SmtpServer, from: Mailbox) -> Self {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        Self { server, from, connections, timeout: TIMEOUT, greeting_timeout: GREETING_TIMEOUT }
    }

    async fn failure(&self, Failure { stage, cause }: Failure, recipient: &Recipient) -> ChannelError {
        let (answer, reason) = match cause {
            Cause::Silence => {
                let seconds = self.timeout.as_secs_f32();
                (Answer::None, format!("the mail server did not answer within {seconds} s"))
            }
            Cause::Error(error) => match (error.status().map(u16::from), error.source()) {
                (Some(code), text) => {
                    let text = text.map(ToString::to_string).unwrap_or_default();
                    let answer = Answer::Code { code, subject: subject(&text) };
                    (answer, format!("{code} {}", without_addresses(&text, recipient)))
                }
                (None, _) if error.is_response() => (Answer::Unreadable, error.to_string()),
                (None, _) => (Answer::None, error.to_string()),
            },
        };
        match verdict(stage, answer) {
            Verdict::Server => ChannelError::Unavailable(reason),
            Verdict::RecipientForNow => ChannelError::RecipientUnavailable(reason),
            Verdict::Closing if self.accepts_connections().await => {
                ChannelError::RecipientUnavailable(reason)
            }
            Verdict::Refusal if self.accepts_connections().await => ChannelError::Refused(reason),
            Verdict::Closing | Verdict::Refusal => ChannelError::Unavailable(reason),
        }
    }

    /// Returns whether the server accepts connections. A server that shuts down answers like one that refuses this recipient.
    async fn accepts_connections(&self) -> bool {
        let test = tokio::time::timeout(self.greeting_timeout, self.server.connect());
        matches!(test.await, Ok(Ok(_)))
    }
}

#[async_trait]
impl MailProvider for SmtpProvider {
    async fn send(&self, to: &Email, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        let email = mime::email(&self.from, to, message)?;
        let permit = self.connections.clone().acquire_owned().await.expect("the semaphore is never closed");
        let addressed = match self.server.address(&email, self.timeout).await {
            Ok(addressed) => addressed,
            Err(failure) => return Err(self.failure(failure, &message.recipient).await),
        };
        turn.wait().await?;
        match addressed.finish(&email, self.timeout, permit).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.failure(failure, &message.recipient).await),
        }
    }
}

/// What the server answered to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing: it closed the connection, or was silent.
    None,
    /// Not SMTP.
    Unreadable,
    /// An error.
    Code {
        code: u16,
        /// The second number of the enhanced status code, if there is one.
        subject: Option<u16>,
    },
}

/// Reads the subject of an enhanced status code at the beginning of an answer: 7 of `4.7.1 try later` (RFC 3463, section 3).
fn subject(text: &str) -> Option<u16> {
    let mut numbers = text.split_whitespace().next()?.split('.').map(str::parse::<u16>);
    match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(4 | 5)), Some(Ok(subject)), Some(Ok(_)), None) => Some(subject),
        _ => None,
    }
}

/// What an answer of the server is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The server or the client, so every message.
    Server,
    /// This recipient, at present: the mailbox is busy, its domain cannot be reached, or the server uses greylisting (RFC 6647).
    RecipientForNow,
    /// This recipient, and the server closes the connection (421).
    Closing,
    /// This message, permanently.
    Refusal,
}

/// Judges an answer by the command that it answers (RFC 5321, section 4.3.2). To `RCPT` every code is about the recipient: a
/// relay answers 451 for a domain that it cannot reach, and accepts all others. It may also be silent while it asks that domain. At the
/// end of the content, the code may be about the message or about the server; where a 4xx code does not say it, the enhanced status code
/// does: subjects 1, 2, 6 and 7 are the address, the mailbox, the content and the policy for this message.
fn verdict(stage: Stage, answer: Answer) -> Verdict {
    let Answer::Code { code, subject } = answer else {
        return match (stage, answer) {
            (Stage::Recipient, Answer::None) => Verdict::Closing,
            _ => Verdict::Server,
        };
    };
    match (stage, code, subject) {
        (Stage::Session, ..) => Verdict::Server,
        (Stage::Recipient, 421, _) => Verdict::Closing,
        (Stage::Recipient | Stage::Content, 501 | 550..=559, _) => Verdict::Refusal,
        (Stage::Recipient, ..) | (Stage::Content, 450, _) => Verdict::RecipientForNow,
        (Stage::Content, 400..=499, Some(1 | 2 | 6 | 7)) => Verdict::RecipientForNow,
        (Stage::Content, ..) => Verdict::Server,
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
