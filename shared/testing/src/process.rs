//! A server process of one test.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::{Error, Result};

/// The interval at which a starting or stopping server is checked.
const POLL: Duration = Duration::from_millis(10);

/// The time that a server has to stop its children before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// A running server with its own folder for data and output.
///
/// The server leads a process group, and dropping it stops exactly that group: first with SIGTERM, so that a server can end
/// children in other groups, then with SIGKILL. When a test panics, the drop prints the output of the server.
#[derive(Debug)]
pub struct ServerProcess {
    name: String,
    child: Child,
    folder: TempDir,
}

impl ServerProcess {
    /// Starts `program`. `configure` sets its arguments and environment and gets the server's folder, which exists until the
    /// drop. `name` is the server's name in messages.
    ///
    /// # Errors
    /// [`Error::System`] if the folder cannot be created or the program cannot be started.
    pub fn spawn(
        name: impl Into<String>,
        program: &Path,
        configure: impl FnOnce(&mut Command, &Path),
    ) -> Result<Self> {
        let name = name.into();
        let folder = TempDir::new().map_err(Error::system("create a temporary folder"))?;
        let output =
            File::create(output_file(folder.path())).map_err(Error::system("create the output file"))?;
        let errors = output.try_clone().map_err(Error::system("share the output file"))?;
        let mut command = Command::new(program);
        configure(&mut command, folder.path());
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(Error::system(format!("start {name} ({})", program.display())))?;
        Ok(Self { name, child, folder })
    }

    /// Returns the server's name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the output of the server, standard output and error in the order of writing.
    #[must_use]
    pub fn output(&self) -> String {
        match std::fs::read(self.output_file()) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(could not be read: {error})"),
        }
    }

    pub(crate) fn output_file(&self) -> PathBuf {
        output_file(self.folder.path())
    }

    /// Calls `probe` repeatedly until it returns true.
    ///
    /// # Errors
    /// [`Error::Exited`] if the server ends, [`Error::NotReady`] if it is not ready within `patience`.
    pub async fn wait_until_ready(
        &mut self,
        patience: Duration,
        probe: impl AsyncFn() -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().map_err(Error::system("check the server"))? {
                return Err(Error::Exited { server: self.name.clone(), status, output: self.output() });
            }
            let left = patience.saturating_sub(started.elapsed());
            if tokio::time::timeout(left, probe()).await == Ok(true) {
                return Ok(());
            }
            if left.is_zero() {
                return Err(Error::NotReady { server: self.name.clone(), patience, output: self.output() });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Kills the server and its process group and waits for its end.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Sends SIGTERM and waits for the end of the server.
    ///
    /// # Errors
    /// [`Error::NotStopped`] if the server does not end within `patience`; it is killed.
    pub async fn stop(mut self, patience: Duration) -> Result<()> {
        self.signal(Signal::TERM);
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if started.elapsed() > patience {
                return Err(Error::NotStopped { server: self.name.clone(), patience, output: self.output() });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Signals the process group. A failure means that the group no longer exists, so it is ignored.
    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
    }

    fn has_ended_within(&mut self, patience: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < patience {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(POLL);
        }
        false
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- output of {}:\n{}", self.name, self.output());
        }
        self.signal(Signal::TERM);
        self.has_ended_within(STOP_PATIENCE);
        // Also after a clean end, because members of the group may outlive its leader.
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

fn output_file(folder: &Path) -> PathBuf {
    folder.join("output.log")
}

#[cfg(test)]
mod tests {
    use rustix::process::test_kill_process_group;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> ServerProcess {
        ServerProcess::spawn("the script", Path::new("/bin/sh"), |command, folder| {
            command.args(["-c", script]).current_dir(folder);
        })
        .unwrap()
    }

    async fn wait_for_word(server: &mut ServerProcess, word: &str) {
        let log = server.output_file();
        let says = async || std::fs::read_to_string(&log).is_ok_and(|text| text.contains(word));
        server.wait_until_ready(PATIENCE, says).await.unwrap();
    }

    fn group_of(server: &ServerProcess) -> Pid {
        Pid::from_raw(i32::try_from(server.child.id()).unwrap()).unwrap()
    }

    /// Waits until the killed processes no longer exist, which is when their parent, possibly init, has reaped them.
    fn assert_gone(group: Pid) {
        let started = Instant::now();
        while test_kill_process_group(group).is_ok() {
            assert!(started.elapsed() < PATIENCE, "the process group still exists");
            std::thread::sleep(POLL);
        }
    }

    #[tokio::test]
    async fn a_server_that_ends_early_is_reported_with_its_output() {
        let mut server = shell("echo other error >&2; exit 7");
        let error = server.wait_until_ready(PATIENCE, async || false).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the script ended with exit status: 7 before it was ready; its output:\nother error\n"
        );
    }

    #[tokio::test]
    async fn a_server_that_is_never_ready_times_out() {
        let mut server = shell("exec sleep 1000");
        let error = server.wait_until_ready(Duration::from_millis(50), async || false).await.unwrap_err();
        assert!(matches!(error, Error::NotReady { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_probe_that_hangs_times_out() {
        let mut server = shell("exec sleep 1000");
        let error = server
            .wait_until_ready(Duration::from_millis(50), async || std::future::pending().await)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::NotReady { .. }), "{error}");
    }

    #[tokio::test]
    async fn dropping_a_server_ends_its_children() {
        let mut server = shell("sleep 1000 & echo started; wait");
        wait_for_word(&mut server, "started").await;
        let group = group_of(&server);
        drop(server);
        assert_gone(group);
    }

    #[tokio::test]
    async fn a_stopped_server_cleans_up_and_a_killed_one_does_not() {
        let folder = TempDir::new().unwrap();
        let cleaned = folder.path().join("cleaned");
        let script =
            format!("trap 'touch {}; exit' TERM; echo started; sleep 1000 & wait", cleaned.display());

        let mut server = shell(&script);
        wait_for_word(&mut server, "started").await;
        let group = group_of(&server);
        server.kill();
        assert_gone(group);
        assert!(!cleaned.exists());

        let mut server = shell(&script);
        wait_for_word(&mut server, "started").await;
        let group = group_of(&server);
        server.stop(PATIENCE).await.unwrap();
        assert_gone(group);
        assert!(cleaned.exists());
    }

    #[tokio::test]
    async fn a_server_that_does_not_stop_in_time_is_reported_and_killed() {
        let mut server = shell("trap '' TERM; echo started; while :; do sleep 1000; done");
        wait_for_word(&mut server, "started").await;
        let group = group_of(&server);
        let error = server.stop(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, Error::NotStopped { .. }), "{error}");
        assert_gone(group);
    }

    #[tokio::test]
    async fn a_server_that_ignores_the_request_to_stop_is_killed() {
        let mut server = shell("trap '' TERM; echo started; while :; do sleep 1000; done");
        wait_for_word(&mut server, "started").await;
        let group = group_of(&server);
        drop(server);
        assert_gone(group);
    }
}
