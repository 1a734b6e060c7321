//! The program `orderflow` as a process of a test.
//!
//! [`Program`] runs a command that serves HTTP (`up`, `store`, `bridge`) until the test ends it. [`run`] runs a command to its end. Both
//! start it without the environment of the test, so that settings of the machine have no effect.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process};
use tempfile::TempDir;

pub use rustix::process::Signal;

/// The time limit for anything that must happen, on a machine that compiles at the same time.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often the state of a process, or a condition, is checked.
const POLL: Duration = Duration::from_millis(20);

/// How to start the program.
#[derive(Debug, Clone)]
pub struct Launch {
    executable: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// A running program; killed when dropped. When a test panics, the drop prints what the program wrote to stderr.
#[derive(Debug)]
pub struct Program {
    launch: Launch,
    child: Mutex<Child>,
    process: Pid,
    /// Receives the line that the program prints when it listens.
    announced: Mutex<Receiver<String>>,
    url: OnceLock<String>,
    folder: TempDir,
}

/// The result of a command that has ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// The text on stdout.
    pub out: String,
    /// The text on stderr.
    pub err: String,
}

impl Launch {
    /// Prepares a start of the program, with a command and its flags as arguments. Only warnings are logged.
    pub fn new<S: AsRef<str>>(
        executable: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self { executable: executable.into(), arguments, environment: Vec::new() }.env("RUST_LOG", "warn")
    }

    /// Sets a variable of the environment, which is otherwise empty.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts the program. It listens some time later: [`Program::url`] waits for that.
    ///
    /// # Panics
    /// If the process cannot be started.
    #[must_use]
    pub fn start(self) -> Program {
        let folder = TempDir::new().expect("a temporary folder can be created");
        let log = File::create(folder.path().join(LOG)).expect("a file can be created");
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {self:?}: {error}"));
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        let mut output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, announced) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // A program that ends early announces nothing.
            let _ = output.read_line(&mut line);
            let _ = sender.send(line);
        });
        Program {
            launch: self,
            child: Mutex::new(child),
            process,
            announced: Mutex::new(announced),
            url: OnceLock::new(),
            folder,
        }
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// If the process cannot be started, or writes something other than UTF-8.
    #[must_use]
    pub fn run(self) -> Run {
        run(&mut self.command())
    }

    /// Returns the command, for tests that need more than [`Launch::start`] and [`Launch::run`] offer.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(&self.arguments).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Runs a command to its end. A command that was killed by a signal has the exit code 128 plus the signal, as in a shell.
///
/// # Panics
/// If the process cannot be started, or writes something other than UTF-8.
pub fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    let status = output.status;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Run {
        code: code.expect("a process has an exit code or a signal"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

impl Program {
    /// Returns the URL on which the program listens, and waits until it does.
    ///
    /// # Panics
    /// If it ends before, or does not listen in time.
    pub fn url(&self) -> &str {
        self.url.get_or_init(|| {
            let announced = self.announced.lock().expect("no holder of the lock panics");
            let line = announced.recv_timeout(PATIENCE).unwrap_or_default();
            let url = line.trim().strip_prefix("listening on ");
            url.unwrap_or_else(|| panic!("{:?} printed {line:?}\n{}", self.launch, self.log())).to_owned()
        })
    }

    /// Returns the file with everything that the program has written to stderr.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join(LOG)
    }

    /// Returns what the program has written to stderr.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Returns whether the process still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.ended().is_none()
    }

    /// Sends a signal. Does nothing if the process has ended.
    pub fn signal(&self, signal: Signal) {
        if self.is_running() {
            // It may end before the signal arrives.
            let _ = kill_process(self.process, signal);
        }
    }

    /// Kills the program with SIGKILL, as a crash does, and waits for its end.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// Stops the program in order with SIGTERM, and returns its exit status.
    pub fn stop(&self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for the end and returns the exit status.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn wait(&self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < deadline, "{:?} did not end", self.launch);
            std::thread::sleep(POLL);
        }
    }

    /// Kills the program if it runs, and starts it again with the same arguments.
    pub fn restart(&mut self) {
        *self = self.launch.clone().start();
    }

    fn ended(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().expect("no holder of the lock panics");
        child.try_wait().expect("the process is a child of this one")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {:?}:\n{}", self.launch, self.log());
        }
        if let Ok(child) = self.child.get_mut() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until a condition holds, with checks every 20 ms.
///
/// # Panics
/// If it does not hold in time.
pub async fn wait_until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Returns the folder of an executable, in front of the folders of this process's `PATH`: what a script needs as `PATH` to find the
/// executable by its name.
///
/// # Panics
/// If a folder cannot be part of `PATH`.
#[must_use]
pub fn path_with(executable: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", executable.parent().expect("an executable is in a folder").display())
}

/// The name of the log in the folder of a program.
const LOG: &str = "stderr.log";

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Launch {
        Launch::new("/bin/sh", ["-c", script])
    }

    #[test]
    fn the_url_is_known_once_the_program_announces_it() {
        let program =
            shell("echo warming up >&2; echo listening on http://127.0.0.1:1; exec sleep 1000").start();
        assert_eq!(program.url(), "http://127.0.0.1:1");
        assert_eq!(program.log(), "warming up\n");
        assert!(program.is_running());
        assert!(!program.stop().success());
    }

    #[test]
    fn a_killed_program_starts_again_with_the_same_arguments() {
        let mut program = shell("echo listening on http://$WHERE; exec sleep 1000").env("WHERE", "h").start();
        program.kill();
        assert!(!program.is_running());
        program.restart();
        assert_eq!(program.url(), "http://h");
    }

    #[test]
    fn a_command_is_run_to_its_end_in_an_empty_environment() {
        let run = shell("echo out; echo $HOME err >&2; exit 3").run();
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (3, "out\n", "err\n"));
        assert_eq!(shell("kill -9 $$").run().code, 137);
    }
}
