//! Runs programs with a time limit and keeps their output in files.

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::shell;

/// The interval at which a running program is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The time that a server has to end after SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(60);

/// A folder with the output of every program.
pub(crate) struct Outputs {
    folder: PathBuf,
    /// The command that was started last: a repeated command is shown once.
    last: RefCell<String>,
}

impl Outputs {
    /// Creates the folder and removes the output of an earlier run from it.
    pub(crate) fn in_folder(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        for entry in fs::read_dir(&folder)?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self { folder, last: RefCell::default() })
    }

    /// Returns the path of the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a program to its end and returns its standard output, which is also kept as `NAME.stdout.log`. Its standard
    /// error is kept as `NAME.log`.
    ///
    /// # Errors
    /// The program cannot be started, exits with a status other than 0, or exceeds the limit and is killed.
    pub(crate) fn run(&self, name: &str, limit: Duration, command: &mut Command) -> Result<String> {
        let mut child = self.spawn(name, command)?;
        let Some(status) = wait(&mut child, limit)? else {
            child.kill()?;
            child.wait()?;
            bail!("`{}` took longer than {} s, see {name}.log", shell::describe(command), limit.as_secs());
        };
        if !status.success() {
            bail!("`{}` ended with {status}, see {name}.log", shell::describe(command));
        }
        let stdout = fs::read(self.folder.join(format!("{name}.stdout.log")))?;
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }

    /// Starts a program that runs until the returned guard is dropped. Its output is kept as by [`run`](Self::run).
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start(&self, name: &str, command: &mut Command) -> Result<Server> {
        Ok(Server { child: self.spawn(name, command)? })
    }

    fn spawn(&self, name: &str, command: &mut Command) -> Result<Child> {
        let shown = shell::describe(command);
        if self.last.replace(shown.clone()) != shown {
            eprintln!("$ {shown}");
        }
        command
            .stdin(Stdio::null())
            .stdout(File::create(self.folder.join(format!("{name}.stdout.log")))?)
            .stderr(File::create(self.folder.join(format!("{name}.log")))?)
            .spawn()
            .with_context(|| format!("start `{shown}`"))
    }
}

/// A program that is ended when this guard is dropped.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Fails if the program has already ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the program ended with {status}"),
            None => Ok(()),
        }
    }
}

impl Drop for Server {
    /// Sends SIGTERM, and kills the program if it does not end in time.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let asked = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let ended = asked.is_ok() && matches!(wait(&mut self.child, SHUTDOWN_TIMEOUT), Ok(Some(_)));
        if !ended && let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("process {} could not be ended: {error}", self.child.id());
        }
    }
}

/// Repeats an attempt until it succeeds. Once the limit is exceeded, returns the last error.
pub(crate) fn retry<T>(limit: Duration, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        match attempt() {
            Err(error) if started.elapsed() > limit => {
                return Err(error.context(format!("gave up after {} s", limit.as_secs())));
            }
            Err(_) => std::thread::sleep(CHECK_INTERVAL),
            done => return done,
        }
    }
}

/// Waits for a program and returns its status, or `None` if it still runs after the limit.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        let status = child.try_wait()?;
        if status.is_some() || started.elapsed() > limit {
            return Ok(status);
        }
        std::thread::sleep(CHECK_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn standard_output_and_error_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("earlier.log"), "").unwrap();
        let outputs = Outputs::in_folder(folder.path().to_path_buf()).unwrap();
        assert!(!folder.path().join("earlier.log").exists());
        assert_eq!(outputs.run("talk", LIMIT, &mut shell("echo answer; echo log >&2")).unwrap(), "answer\n");
        assert_eq!(fs::read_to_string(folder.path().join("talk.stdout.log")).unwrap(), "answer\n");
        assert_eq!(fs::read_to_string(folder.path().join("talk.log")).unwrap(), "log\n");
    }

    #[test]
    fn a_failed_or_timed_out_command_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let outputs = Outputs::in_folder(folder.path().to_path_buf()).unwrap();
        let error = outputs.run("fail", LIMIT, &mut shell("exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c exit 3` ended with exit status: 3, see fail.log");
        let error = outputs.run("hang", Duration::ZERO, &mut shell("exec sleep 600")).unwrap_err();
        assert!(error.to_string().contains("took longer than 0 s"), "{error}");
    }

    #[test]
    fn a_server_is_ended_when_its_guard_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let outputs = Outputs::in_folder(folder.path().to_path_buf()).unwrap();
        let mut server = outputs
            .start("serve", &mut shell("trap 'echo ended; exit' TERM; echo up; while :; do sleep 0.1; done"))
            .unwrap();
        let said = || fs::read_to_string(folder.path().join("serve.stdout.log")).unwrap();
        retry(LIMIT, || if said() == "up\n" { Ok(()) } else { bail!("not up") }).unwrap();
        server.check().unwrap();
        drop(server);
        assert_eq!(said(), "up\nended\n");
    }
}
