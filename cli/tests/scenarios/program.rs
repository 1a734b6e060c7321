//! The program under the scenarios.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// `orderflow up` with a log of its own; killed when dropped.
pub(crate) struct Program {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Program {
    /// Starts the program with these arguments behind `up`, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_orderflow"));
        command.args(["up", "--port", "0"]).args(arguments).env_clear();
        command.env("LOG_FORMAT", "json").env("RUST_LOG", "info,orderflow_outbox_relay=debug");
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}"));
        Self { url: url.to_owned(), child, folder }
    }

    /// What the page's commands take for granted.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        let program = Path::new(env!("CARGO_BIN_EXE_orderflow")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let log = self.folder.path().join("log").display().to_string();
        [("URL", self.url.clone()), ("ORDERFLOW_URL", self.url.clone()), ("LOG", log), ("PATH", path)]
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
