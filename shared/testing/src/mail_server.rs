//! A mail server in this process, which can refuse any command and keeps every byte that it receives.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{Error, Result};

/// The answer of a server that says nothing and keeps the connection open.
pub const SILENCE: &str = "";

/// The answers of a relay to `RCPT` for a domain whose own server has a problem.
pub const REFUSALS_OF_ONE_DOMAIN: [&str; 6] = [
    "421 4.4.2 closing",
    "450 4.2.1 mailbox busy",
    "451 4.4.0 domain unreachable",
    "550 5.1.1 no such mailbox",
    "552 5.2.2 mailbox full",
    "554 5.7.1 not accepted",
];

/// Returns an answer to a line in place of the default one. The line is empty when a client connects, and `.` at the end of a message.
type AnswerTo = Arc<dyn Fn(&str) -> Option<&'static str> + Send + Sync>;

/// An accepted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The addresses of `RCPT`.
    pub recipients: Vec<String>,
    /// The content as it was on the wire, without the final dot.
    pub content: Vec<u8>,
}

impl Mail {
    /// Returns the value of a header, unfolded; `None` if the message has no such header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let content = String::from_utf8_lossy(&self.content);
        let head = content.split("\r\n\r\n").next()?.replace("\r\n ", " ");
        let beginning = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&beginning)).map(str::to_owned)
    }
}

/// A private, empty mail server, stopped with the runtime that started it.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    received: Arc<Received>,
}

#[derive(Debug, Default)]
struct Received {
    /// Every line of every client, including the content of messages, without its end.
    lines: Mutex<Vec<String>>,
    mails: Mutex<Vec<Mail>>,
    /// Messages that were begun and are not answered yet.
    in_progress: AtomicUsize,
    most_in_progress: AtomicUsize,
}

impl MailServer {
    /// Starts a server that accepts everything.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        Self::answering(|_| None).await
    }

    /// Starts a server that gives other answers. `answer_to` gets each line: an empty one when a client connects, and `.` at the end of a
    /// message. Where it returns `None`, the server accepts; [`SILENCE`] stands for no answer.
    ///
    /// # Errors
    /// No port is free.
    pub async fn answering(
        answer_to: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Result<Self> {
        let unusable = || Error::system("listen for mail");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(unusable())?;
        let address = listener.local_addr().map_err(unusable())?;
        let (received, answer_to): (Arc<Received>, AnswerTo) = (Arc::default(), Arc::new(answer_to));
        let shared = received.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (answer_to, received) = (answer_to.clone(), shared.clone());
                tokio::spawn(async move { serve(client, answer_to, &received).await });
            }
        });
        Ok(Self { address, received })
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the received lines that begin with this text.
    #[must_use]
    pub fn lines(&self, beginning: &str) -> Vec<String> {
        let lines = locked(&self.received.lines);
        lines.iter().filter(|line| line.starts_with(beginning)).cloned().collect()
    }

    /// Returns the accepted messages, in the order in which they were accepted.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        locked(&self.received.mails).clone()
    }

    /// Returns the largest number of messages that were under way at once.
    #[must_use]
    pub fn most_in_progress(&self) -> usize {
        self.received.most_in_progress.load(Ordering::SeqCst)
    }
}

async fn serve(client: TcpStream, answer_to: AnswerTo, received: &Received) -> io::Result<()> {
    let (reading, mut writing) = client.into_split();
    let mut reading = BufReader::new(reading);
    let mut content: Option<Vec<u8>> = None;
    let mut recipients = Vec::new();
    let mut line = String::new();
    loop {
        let mut complete = None;
        if content.is_some() && line == "." {
            // Counted before the answer, because the client may begin the next message as soon as it has the answer.
            received.in_progress.fetch_sub(1, Ordering::SeqCst);
            complete = content.take();
        } else if content.is_none() && line.starts_with("MAIL") {
            let in_progress = received.in_progress.fetch_add(1, Ordering::SeqCst) + 1;
            received.most_in_progress.fetch_max(in_progress, Ordering::SeqCst);
        }
        if content.is_none() {
            let answer = answer_to(&line).unwrap_or_else(|| default_answer(&line));
            if answer == SILENCE {
                return std::future::pending().await;
            }
            if let Some(recipient) = line.strip_prefix("RCPT TO:<").filter(|_| answer.starts_with('2')) {
                recipients.push(recipient.split('>').next().unwrap_or_default().to_owned());
            }
            if let Some(content) = complete.filter(|_| answer.starts_with('2')) {
                let recipients = std::mem::take(&mut recipients);
                locked(&received.mails).push(Mail { recipients, content });
            }
            writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
            content = answer.starts_with("354").then(Vec::new);
        }
        let mut bytes = Vec::new();
        if reading.read_until(b'\n', &mut bytes).await? == 0 {
            return Ok(());
        }
        line = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
        locked(&received.lines).push(line.clone());
        if let Some(content) = content.as_mut().filter(|_| line != ".") {
            content.extend(bytes);
        }
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
