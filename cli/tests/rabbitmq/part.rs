//! One process of the program.

use std::cell::OnceCell;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take that has to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running process; killed when dropped.
pub(crate) struct Part {
    arguments: Vec<String>,
    child: Child,
    /// Comes when it listens.
    listens: Receiver<String>,
    url: OnceCell<String>,
}

impl Part {
    /// Starts the program.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(arguments.iter().map(ToString::to_string).collect())
    }

    fn spawn(arguments: Vec<String>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orderflow"));
        command.args(&arguments).env_clear().stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, listens) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // What is killed early says nothing.
            let _ = output.read_line(&mut line);
            let _ = sender.send(line);
        });
        Self { arguments, child, listens, url: OnceCell::new() }
    }

    /// Where it listens, as soon as it does.
    pub(crate) fn url(&self) -> &str {
        self.url.get_or_init(|| {
            let line = self.listens.recv_timeout(PATIENCE).unwrap();
            let url = line.trim().strip_prefix("listening on ");
            url.unwrap_or_else(|| panic!("{:?} said {line:?}", self.arguments)).to_owned()
        })
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again as it was started before, on another port.
    pub(crate) fn start_again(&mut self) {
        *self = Self::spawn(std::mem::take(&mut self.arguments));
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// SIGTERM; it has to end by itself.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let deadline = Instant::now() + PATIENCE;
        while self.is_running() {
            assert!(Instant::now() < deadline, "it did not end: {:?}", self.arguments);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
