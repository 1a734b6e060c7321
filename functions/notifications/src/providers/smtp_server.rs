//! The SMTP server of a connection URL, and the dialogue that sends it one message.

use std::fmt;
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use percent_encoding::percent_decode_str;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use url::Url;

/// The longest time to wait for the answer to `QUIT`.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// The command during which sending a message failed. It decides what an error code is about: the same code may concern one
/// recipient or the whole server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The connection, its greeting, `EHLO`, `STARTTLS`, `AUTH`, `MAIL` or the start of `DATA`.
    Session,
    /// `RCPT`: the recipient.
    Recipient,
    /// The end of `DATA`: the content.
    Content,
}

/// A message that was not sent.
#[derive(Debug)]
pub(crate) struct Failure {
    /// When it failed.
    pub stage: Stage,
    /// Why it failed.
    pub cause: Cause,
}

/// Why a step of the dialogue failed.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The server did not answer in time.
    Silence,
    /// The error, which has a code if the server answered.
    Error(SmtpError),
}

/// The URL is not that of an SMTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of an SMTP server")]
pub(crate) struct InvalidUrl;

/// An SMTP server and how to sign in.
#[derive(Debug)]
pub(crate) struct SmtpServer {
    host: String,
    port: u16,
    tls: Tls,
    hello_name: ClientId,
    credentials: Option<Credentials>,
}

impl SmtpServer {
    /// Parses `smtp://user:password@host:port/hello-name`, with `?tls=required` or `?tls=opportunistic` for STARTTLS, or
    /// `smtps://` for TLS from the beginning.
    ///
    /// # Errors
    /// [`InvalidUrl`] for any other text. It does not contain the URL, which may contain a password.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidUrl> {
        let url = Url::parse(url).map_err(|_| InvalidUrl)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidUrl)?.to_owned();
        let parameters = || TlsParameters::new(host.clone()).map_err(|_| InvalidUrl);
        let tls_parameter = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
        let (port, tls) = match (url.scheme(), tls_parameter.as_deref()) {
            ("smtp", None) => (SMTP_PORT, Tls::None),
            ("smtp", Some("required")) => (SUBMISSION_PORT, Tls::Required(parameters()?)),
            ("smtp", Some("opportunistic")) => (SUBMISSION_PORT, Tls::Opportunistic(parameters()?)),
            ("smtps", _) => (SUBMISSIONS_PORT, Tls::Wrapper(parameters()?)),
            _ => return Err(InvalidUrl),
        };
        let hello_name = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None => None,
        };
        Ok(Self { port: url.port().unwrap_or(port), host, tls, hello_name, credentials })
    }

    /// Opens a connection and signs in.
    ///
    /// # Errors
    /// [`SmtpError`] if the server does not answer or rejects the client.
    pub(crate) async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let wrapper = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let address = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, None, &self.hello_name, wrapper, None).await?;
        match &self.tls {
            Tls::Required(parameters) => connection.starttls(parameters.clone(), &self.hello_name).await?,
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), &self.hello_name).await?;
            }
            _ => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// Opens a connection for one message and tells the server its sender and recipients, until the server waits for its content.
    ///
    /// # Errors
    /// [`Failure`] says which part of the dialogue failed. Nothing is awaited for longer than `timeout` in total.
    pub(crate) async fn address(&self, email: &Message, timeout: Duration) -> Result<Addressed, Failure> {
        let deadline = Instant::now() + timeout;
        let mut connection = within(deadline, Stage::Session, self.connect()).await?;
        match address(&mut connection, email, deadline).await {
            Ok(()) => Ok(Addressed { connection }),
            Err(failure) => {
                quit(&mut connection, &failure.cause).await;
                Err(failure)
            }
        }
    }
}

/// A connection on which the server waits for the content of a message. Dropping it closes the connection, and the server discards the message.
pub(crate) struct Addressed {
    connection: AsyncSmtpConnection,
}

impl Addressed {
    /// Sends the content, which must be ASCII, and waits until the server has accepted the message. Then it closes the connection, and drops `permit`.
    ///
    /// # Errors
    /// [`Failure`] if the server refuses the message, or does not answer within `timeout`.
    pub(crate) async fn finish(
        mut self,
        email: &Message,
        timeout: Duration,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + timeout;
        let content = email.formatted();
        let content = Content(&String::from_utf8_lossy(&content));
        let sent = within(deadline, Stage::Content, self.connection.command(content)).await;
        let cause = sent.as_ref().err().map(|failure| &failure.cause);
        if !matches!(cause, Some(Cause::Silence)) {
            let mut connection = self.connection;
            // The result is known, and the next message has its turn only after this one.
            tokio::spawn(async move {
                say_quit(&mut connection).await;
                drop(permit);
            });
        }
        sent.map(drop)
    }
}

/// The content of a message and its end, as a client sends them: a line that begins with a dot gets another one (RFC 5321, section 4.5.2).
///
/// It is sent as one text. TCP holds back a short second one until the server has confirmed the first one (Nagle's algorithm), which servers delay by 40 ms.
struct Content<'a>(&'a str);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = if self.0.starts_with('.') { "." } else { "" };
        write!(f, "{first}{}\r\n.\r\n", self.0.replace("\r\n.", "\r\n.."))
    }
}

/// Closes a connection after a failure. A server that was silent gets no further command.
async fn quit(connection: &mut AsyncSmtpConnection, cause: &Cause) {
    if !matches!(cause, Cause::Silence) {
        say_quit(connection).await;
    }
}

/// Says QUIT, so that the server does not report a lost connection, and does not wait for long.
async fn say_quit(connection: &mut AsyncSmtpConnection) {
    let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.abort()).await;
}

async fn address(
    connection: &mut AsyncSmtpConnection,
    email: &Message,
    deadline: Instant,
) -> Result<(), Failure> {
    let envelope = email.envelope();
    let mail = Mail::new(envelope.from().cloned(), Vec::new());
    within(deadline, Stage::Session, connection.command(mail)).await?;
    for to in envelope.to() {
        let recipient = Rcpt::new(to.clone(), Vec::new());
        within(deadline, Stage::Recipient, connection.command(recipient)).await?;
    }
    within(deadline, Stage::Session, connection.command(Data)).await?;
    Ok(())
}

async fn within<T>(
    deadline: Instant,
    stage: Stage,
    step: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Failure> {
    match tokio::time::timeout_at(deadline, step).await {
        Ok(result) => result.map_err(|error| Failure { stage, cause: Cause::Error(error) }),
        Err(_) => Err(Failure { stage, cause: Cause::Silence }),
    }
}

fn decoded(text: &str) -> Result<String, InvalidUrl> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| InvalidUrl)?;
    Ok(text.into_owned())
}
