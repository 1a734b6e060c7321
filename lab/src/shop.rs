//! The temporary shop: this program as a child process, with an empty store.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::BenchError;
use crate::args::TemporaryPlan;

/// How long the shop may take until it listens: with a large store it also opens that.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// How long the shop may take to stop in order before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// How much of the end of its log is kept for an error message.
const TAIL_BYTES: usize = 4_096;

/// The variables of this environment that the shop gets too. Its other settings are those of a shop without settings, so that the environment
/// of a real shop has no effect, and no real provider gets its messages.
const INHERITED: [&str; 7] =
    ["PATH", "HOME", "TMPDIR", "LANG", "SSL_CERT_FILE", "RUST_LOG", "RUST_BACKTRACE"];

/// A running temporary shop. Dropping it kills the process and deletes the store.
pub struct Shop {
    command: Command,
    child: Child,
    url: String,
    log: Log,
    _folder: Folder,
}

/// The end of the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn tail(&self) -> MutexGuard<'_, Vec<u8>> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.tail()).into_owned()
    }

    /// Reads a log to its end. A shop whose log is not read would stop.
    fn follow(&self, mut from: impl Read, mut to: Option<File>) {
        let mut buffer = vec![0; 65_536];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            // A full disk does not stop the measurement.
            to = to.filter(|mut file| file.write_all(&buffer[..read]).is_ok());
            let mut tail = self.tail();
            tail.extend_from_slice(&buffer[read.saturating_sub(TAIL_BYTES)..read]);
            let surplus = tail.len().saturating_sub(TAIL_BYTES);
            tail.drain(..surplus);
        }
    }
}

impl Shop {
    /// Starts a shop and waits until it listens.
    ///
    /// # Errors
    /// [`BenchError::Shop`] if it does not, with the end of its log; [`BenchError::Flag`] or [`BenchError::File`] for a folder or file that cannot
    /// be used.
    pub fn start(plan: &TemporaryPlan, folder: Folder) -> Result<Self, BenchError> {
        let log_file = plan.log.as_deref().map(create).transpose()?;
        let mut command = command(plan, &folder)?;
        let (child, log) = spawn(&mut command, log_file)?;
        let mut shop = Self { command, child, url: String::new(), log, _folder: folder };
        shop.wait_until_it_listens()?;
        Ok(shop)
    }

    /// Starts another process with the same store, and waits until it listens, at another URL. Its log goes to no file.
    ///
    /// # Errors
    /// [`BenchError::Shop`] if it does not, with the end of its log.
    pub fn restart(&mut self) -> Result<(), BenchError> {
        self.kill();
        (self.child, self.log) = spawn(&mut self.command, None)?;
        self.wait_until_it_listens()
    }

    fn wait_until_it_listens(&mut self) -> Result<(), BenchError> {
        match announced(&mut self.child) {
            Ok(url) => {
                self.url = url;
                Ok(())
            }
            Err(what) => {
                self.stop();
                Err(shop_error(what, &self.log))
            }
        }
    }

    /// Returns the URL at which it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the id of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Checks that the process has not ended.
    ///
    /// # Errors
    /// [`BenchError::Shop`] if it has, with the end of its log.
    pub fn check(&mut self) -> Result<(), BenchError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(shop_error(format!("ended by itself ({status})"), &self.log)),
            Err(error) => Err(shop_error(format!("cannot be observed: {error}"), &self.log)),
        }
    }

    /// Stops the process in order, and kills it if that takes too long.
    pub fn stop(&mut self) {
        let deadline = Instant::now() + STOP_TIMEOUT;
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            && matches!(self.child.try_wait(), Ok(None))
        {
            // It may have ended meanwhile.
            let _ended = kill_process(pid, Signal::TERM);
        }
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }

    /// Kills the process, as a crash does, and waits for its end. The store stays.
    pub fn kill(&mut self) {
        // Both fail if it has ended.
        let (_killed, _waited) = (self.child.kill(), self.child.wait());
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the process, and reads its log.
fn spawn(command: &mut Command, log_file: Option<File>) -> Result<(Child, Log), BenchError> {
    let not_started = |error: io::Error| shop_error(format!("cannot be started: {error}"), &Log::default());
    let mut child = command.spawn().map_err(not_started)?;
    let log = Log::default();
    if let Some(stderr) = child.stderr.take() {
        let log = log.clone();
        thread::spawn(move || log.follow(stderr, log_file));
    }
    Ok((child, log))
}

fn shop_error(what: impl Into<String>, log: &Log) -> BenchError {
    BenchError::Shop { what: what.into(), log: log.text() }
}

/// The folder of a temporary shop, which is deleted when it is dropped.
pub struct Folder(TempDir);

impl Folder {
    /// Makes the folder.
    ///
    /// # Errors
    /// [`BenchError::Flag`] or [`BenchError::File`] if it cannot be made.
    pub fn make(plan: &TemporaryPlan) -> Result<Self, BenchError> {
        make_folder(plan.folder.as_deref()).map(Self)
    }

    /// Returns the data directory of the shop.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

fn make_folder(parent: Option<&Path>) -> Result<TempDir, BenchError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("orderflow-shop-");
    let made = match parent {
        Some(parent) => builder.tempdir_in(parent),
        None => builder.tempdir(),
    };
    made.map_err(|error| match parent {
        Some(parent) => {
            BenchError::flag("--data-dir", format!("no folder can be made in {}: {error}", parent.display()))
        }
        None => BenchError::File { path: std::env::temp_dir(), source: error },
    })
}

fn create(path: &Path) -> Result<File, BenchError> {
    File::create(path)
        .map_err(|error| BenchError::flag("--log", format!("{} cannot be written: {error}", path.display())))
}

fn command(plan: &TemporaryPlan, folder: &Folder) -> Result<Command, BenchError> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args(["up", "--host", "127.0.0.1", "--port", "0"]);
    command.arg("--data-dir").arg(folder.data()).current_dir(folder.0.path()).env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // In a variable, because other users can read the arguments of a process.
    command.envs(plan.broker.iter().map(|broker| ("ORDERFLOW_BROKER", broker)));
    command.envs(plan.variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: Ctrl-C on the terminal stops the measurement, which then stops the shop.
    command.process_group(0);
    Ok(command)
}

/// Waits for the line with the URL.
fn announced(child: &mut Child) -> Result<String, String> {
    const ENDED: &str = "ended before it listened";
    let stdout = child.stdout.take().ok_or(ENDED)?;
    let (sender, line) = channel();
    thread::spawn(move || {
        let (mut output, mut line) = (BufReader::new(stdout), String::new());
        // A shop that ends early announces nothing, and the receiver may be gone.
        let _read = output.read_line(&mut line);
        let _sent = sender.send(line);
        let _rest = io::copy(&mut output, &mut io::sink());
    });
    let line = line.recv_timeout(START_TIMEOUT).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("did not listen within {} s", START_TIMEOUT.as_secs()),
        RecvTimeoutError::Disconnected => ENDED.to_owned(),
    })?;
    line.trim().strip_prefix("listening on ").map(str::to_owned).ok_or_else(|| ENDED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_the_log_is_kept() {
        let log = Log::default();
        let text = format!("{}end", "x".repeat(200_000));
        let file = tempfile::NamedTempFile::new().unwrap();
        log.follow(text.as_bytes(), Some(file.reopen().unwrap()));
        assert!(log.text().len() == TAIL_BYTES && log.text().ends_with("xend"));
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), text);
    }

    #[test]
    fn a_folder_or_file_that_cannot_be_used_is_named_with_its_flag() {
        let error = make_folder(Some(Path::new("/nowhere"))).unwrap_err().to_string();
        assert!(error.starts_with("--data-dir: no folder can be made in /nowhere: "), "{error}");
        let error = create(Path::new("/nowhere/log")).unwrap_err().to_string();
        assert!(error.starts_with("--log: /nowhere/log cannot be written: "), "{error}");
    }
}
