//! Writes log lines on a thread of its own, so that a reader that stalls stops no request.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// The most lines that wait to be written.
const QUEUE_LINES: usize = 8_192;

/// How long a caller waits for space in a full queue before its line, and all later ones until the output takes one again, are dropped.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// How often a caller that waits for space looks.
const WAIT_STEP: Duration = Duration::from_millis(2);

/// How long the end of the process waits for the lines that are left.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

enum Message {
    Line(Vec<u8>),
    /// Answered once all lines before it are written.
    Flush(SyncSender<()>),
}

/// What the callers and the thread share.
#[derive(Debug, Default)]
struct State {
    /// Whether the output takes no lines.
    is_stalled: AtomicBool,
    /// The number of lines that were dropped and not reported yet.
    dropped: AtomicU64,
}

/// Hands lines to the thread that writes them. Clones write to the same output.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter {
    lines: SyncSender<Message>,
    state: Arc<State>,
}

impl LogWriter {
    /// Starts a thread that writes lines to `output`. Where more than one line waits, it reports lines that were dropped by
    /// `dropped`, whose argument is their number.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(
        output: impl Write + Send + 'static,
        dropped: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let (lines, queue) = sync_channel(QUEUE_LINES);
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_lines(&queue, output, &shared, dropped))?;
        Ok(Self { lines, state })
    }

    /// Waits until the lines so far are written, for two seconds at most.
    pub(crate) fn flush(&self) {
        let until = Instant::now() + FLUSH_WITHIN;
        let (done, written) = sync_channel(1);
        let mut message = Message::Flush(done);
        while let Err(TrySendError::Full(unsent)) = self.lines.try_send(message) {
            if Instant::now() >= until {
                return;
            }
            message = unsent;
            std::thread::sleep(WAIT_STEP);
        }
        let _late = written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }

    fn send(&self, line: Vec<u8>) {
        let until = Instant::now() + STALLED_AFTER;
        let mut message = Message::Line(line);
        while let Err(TrySendError::Full(unsent)) = self.lines.try_send(message) {
            if self.state.is_stalled.load(Ordering::Acquire) || Instant::now() >= until {
                self.state.is_stalled.store(true, Ordering::Release);
                self.state.dropped.fetch_add(1, Ordering::AcqRel);
                return;
            }
            message = unsent;
            std::thread::sleep(WAIT_STEP);
        }
    }
}

fn write_lines(
    queue: &Receiver<Message>,
    mut output: impl Write,
    state: &State,
    dropped: impl Fn(u64) -> String,
) {
    for message in queue {
        match message {
            Message::Line(line) => {
                // A failure is ignored: it could only be logged, and the program must keep working without its log.
                let _unwritten = output.write_all(&line);
                state.is_stalled.store(false, Ordering::Release);
                let lost = state.dropped.swap(0, Ordering::AcqRel);
                if lost > 0 {
                    let _unwritten = output.write_all(dropped(lost).as_bytes());
                }
            }
            Message::Flush(done) => {
                let _unwritten = output.flush();
                let _nobody_waits = done.try_send(());
            }
        }
    }
}

impl<'w> MakeWriter<'w> for LogWriter {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Write for LogWriter {
    /// Takes one line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.send(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    /// An output that takes lines only while its gate is open.
    struct Gated {
        gate: Arc<Mutex<()>>,
        written: std::sync::mpsc::Sender<String>,
    }

    impl Write for Gated {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock();
            let _nobody_reads = self.written.send(String::from_utf8_lossy(line).into_owned());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_stops_no_writer_and_lost_lines_are_counted() {
        let gate = Arc::new(Mutex::new(()));
        let (written, lines) = channel();
        let output = Gated { gate: gate.clone(), written };
        let mut writer = LogWriter::start(output, |lost| format!("{lost} lost\n")).unwrap();
        let closed = gate.lock();
        let begin = Instant::now();
        for number in 0..20_000 {
            writer.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        assert!(begin.elapsed() < STALLED_AFTER * 5, "{:?}", begin.elapsed());
        drop(closed);
        writer.flush();
        let lines: Vec<String> = lines.try_iter().collect();
        let lost: Vec<&String> = lines.iter().filter(|line| line.ends_with("lost\n")).collect();
        let kept = lines.len() - lost.len();
        assert!(lines[0] == "0\n" && kept >= QUEUE_LINES, "{kept}");
        assert_eq!(lost, [&format!("{} lost\n", 20_000 - kept)]);
    }

    #[test]
    fn every_line_is_written_in_order_when_the_process_ends() {
        let (written, lines) = channel();
        let output = Gated { gate: Arc::default(), written };
        let mut writer = LogWriter::start(output, |lost| lost.to_string()).unwrap();
        let expected: Vec<String> = (0..30_000).map(|number| format!("{number}\n")).collect();
        for line in &expected {
            writer.write_all(line.as_bytes()).unwrap();
        }
        writer.flush();
        assert_eq!(lines.try_iter().collect::<Vec<_>>(), expected);
    }
}
