//! The program under the scenarios.

use orderflow_testing::program::{Launch, Program, path_with};

/// A running `orderflow up`; killed when dropped.
pub(crate) struct Shop(Program);

impl Shop {
    /// Starts `orderflow up` with these arguments, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let arguments = ["up", "--port", "0"].iter().chain(arguments);
        let launch = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments);
        let launch = launch.env("LOG_FORMAT", "json").env("RUST_LOG", "info,orderflow_outbox_relay=debug");
        let program = launch.start();
        program.url();
        Self(program)
    }

    /// Returns the variables that the commands of the page use.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        let url = self.0.url().to_owned();
        let path = path_with(env!("CARGO_BIN_EXE_orderflow").as_ref());
        let log = self.0.log_file().display().to_string();
        [("URL", url.clone()), ("ORDERFLOW_URL", url), ("LOG", log), ("PATH", path)]
    }
}
