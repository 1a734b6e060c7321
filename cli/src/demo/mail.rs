//! The mail server of the demo: it accepts every message, except to the domain that it does not know.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The domain whose addresses the server refuses permanently (RFC 5321, section 4.2.3).
pub(super) const UNKNOWN_DOMAIN: &str = "typo.example";

/// A running mail server. Dropping it ends it.
pub(super) struct MailServer {
    address: SocketAddr,
    accepted: Accepted,
    task: AbortHandle,
}

/// The recipients of the accepted messages.
#[derive(Clone, Default)]
struct Accepted(Arc<Mutex<Vec<String>>>);

impl Accepted {
    fn recipients(&self) -> MutexGuard<'_, Vec<String>> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MailServer {
    /// Starts a server on a free port of this machine.
    ///
    /// # Errors
    /// If there is none.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, accepted) = (listener.local_addr()?, Accepted::default());
        let task = tokio::spawn(serve(listener, accepted.clone())).abort_handle();
        Ok(Self { address, accepted, task })
    }

    /// Returns its URL, as the setting `SMTP_URL` has it.
    pub(super) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Returns how many messages to this address were accepted.
    pub(super) fn accepted_for(&self, recipient: &str) -> usize {
        self.accepted.recipients().iter().filter(|accepted| *accepted == recipient).count()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, accepted: Accepted) {
    while let Ok((stream, _)) = listener.accept().await {
        let accepted = accepted.clone();
        // A client that breaks its connection off is not the concern of the others.
        tokio::spawn(async move { converse(stream, &accepted).await });
    }
}

/// Answers the commands of one client.
async fn converse(stream: TcpStream, accepted: &Accepted) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 demo ready\r\n").await?;
    let (mut line, mut recipient, mut is_text) = (String::new(), String::new(), false);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let text = line.trim_end();
        let reply = if is_text {
            if text != "." {
                continue;
            }
            is_text = false;
            accepted.recipients().push(std::mem::take(&mut recipient));
            "250 accepted"
        } else {
            is_text = text.eq_ignore_ascii_case("DATA");
            if let Some(named) = recipient_of(text) {
                recipient = named.to_owned();
            }
            reply_to(text)
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// Returns the address of a `RCPT TO:<address>`.
fn recipient_of(command: &str) -> Option<&str> {
    let (name, rest) = command.split_once(':')?;
    let address = rest.trim_start().strip_prefix('<')?.split_once('>')?.0;
    name.eq_ignore_ascii_case("RCPT TO").then_some(address)
}

fn reply_to(command: &str) -> &'static str {
    let is_unknown =
        |address: &str| address.rsplit_once('@').is_some_and(|(_, domain)| domain == UNKNOWN_DOMAIN);
    match command.get(..4).map(str::to_ascii_uppercase).as_deref() {
        Some("DATA") => "354 end with a dot",
        Some("QUIT") => "221 bye",
        _ if recipient_of(command).is_some_and(is_unknown) => "550 5.1.2 there is no such domain",
        _ => "250 ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unknown_domain_is_refused() {
        assert!(reply_to("RCPT TO:<c@typo.example>").starts_with("550"));
        assert!(reply_to("rcpt to: <c@example.com> NOTIFY=NEVER").starts_with("250"));
        assert!(reply_to("MAIL FROM:<c@typo.example>").starts_with("250"));
        assert!(reply_to("DATA").starts_with("354"));
        assert_eq!(recipient_of("RCPT TO:<c@example.com>"), Some("c@example.com"));
        assert_eq!(recipient_of("EHLO demo"), None);
    }
}
