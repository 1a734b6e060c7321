//! MiniStack, the emulator of AWS services: SQS, SNS, DynamoDB, Lambda and more behind one port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::Result;
use crate::ports::on_free_addresses;
use crate::process::ServerProcess;

/// A Python program that starts in about a second, but takes many more on a machine that is busy compiling.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// The running emulator, if any. The tests own it, so that it ends with the last test that uses it.
static SHARED: Mutex<Weak<MiniStack>> = Mutex::const_new(Weak::new());

/// A private, empty MiniStack, stopped on drop.
#[derive(Debug)]
pub struct MiniStack {
    /// `None` while it restarts.
    server: Option<ServerProcess>,
    endpoint: String,
    address: SocketAddr,
    executable: PathBuf,
}

impl MiniStack {
    /// Starts `executable` on a free port and waits until every service responds.
    ///
    /// # Errors
    /// The server cannot be started, ends, or does not respond within a minute.
    pub async fn start(executable: &Path) -> Result<Self> {
        Self::start_with(executable, &[]).await
    }

    /// Like [`MiniStack::start`], but enforces IAM roles and queue policies.
    ///
    /// # Errors
    /// As [`MiniStack::start`].
    pub async fn start_enforcing(executable: &Path) -> Result<Self> {
        Self::start_with(executable, &[("AUTH", "true")]).await
    }

    async fn start_with(executable: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        on_free_addresses(async |[address]| Self::start_on(address, executable, variables).await).await
    }

    async fn start_on(address: SocketAddr, executable: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let server = Self::run(address, executable, variables).await?;
        let endpoint = format!("http://{address}");
        Ok(Self { server: Some(server), endpoint, address, executable: executable.to_owned() })
    }

    /// Kills the emulator and starts an empty one on the same port, which enforces nothing.
    ///
    /// # Errors
    /// As [`MiniStack::start`].
    pub async fn restart_empty(&mut self) -> Result<()> {
        if let Some(server) = self.server.take() {
            server.kill();
        }
        self.server = Some(Self::run(self.address, &self.executable, &[]).await?);
        Ok(())
    }

    async fn run(
        address: SocketAddr,
        executable: &Path,
        variables: &[(&str, &str)],
    ) -> Result<ServerProcess> {
        let endpoint = format!("http://{address}");
        let mut server = ServerProcess::spawn("MiniStack", executable, |command, folder| {
            command
                .env("BIND_HOST", address.ip().to_string())
                .env("GATEWAY_PORT", address.port().to_string())
                // Without this variable, functions on a `provided` runtime call the real AWS.
                .env("AWS_ENDPOINT_URL", &endpoint)
                .env("HOME", folder)
                .env("TMPDIR", folder)
                .env("STATE_DIR", folder.join("state"))
                .env("S3_DATA_DIR", folder.join("s3"))
                .envs(variables.iter().copied())
                .current_dir(folder);
        })?;
        let ready = format!("{endpoint}/_ministack/ready");
        let answers = async || {
            let answer = reqwest::get(&ready).await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        server.wait_until_ready(START_PATIENCE, answers).await?;
        Ok(server)
    }

    /// Returns the endpoint URL for AWS clients, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the log.
    #[must_use]
    pub fn output(&self) -> String {
        self.server.as_ref().map(ServerProcess::output).unwrap_or_default()
    }
}

/// Returns the emulator that other tests of this program use, or starts one. It runs until the last owner drops it. Tests are separated by the
/// names of their resources.
///
/// # Errors
/// As [`MiniStack::start`].
pub async fn shared(executable: &Path) -> Result<Arc<MiniStack>> {
    let mut found = SHARED.lock().await;
    if let Some(stack) = found.upgrade() {
        return Ok(stack);
    }
    let stack = Arc::new(MiniStack::start(executable).await?);
    *found = Arc::downgrade(&stack);
    Ok(stack)
}
