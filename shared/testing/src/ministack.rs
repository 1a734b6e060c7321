//! MiniStack, the emulator of AWS services: SQS, SNS, DynamoDB, Lambda and more behind one port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::Result;
use crate::ports::on_free_addresses;
use crate::process::ServerProcess;

/// A Python program: it starts in about a second, in many more on a machine that is busy compiling.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// The tests hold the emulator; this only finds it again. So the last one that lets go of it ends it.
static SHARED: Mutex<Weak<MiniStack>> = Mutex::const_new(Weak::new());

/// A private MiniStack with no state, stopped on drop.
#[derive(Debug)]
pub struct MiniStack {
    server: ServerProcess,
    endpoint: String,
}

impl MiniStack {
    /// Starts `executable` on a free port and waits until every service answers.
    ///
    /// # Errors
    /// When it can't be started, or ends or does not answer within a minute.
    pub async fn start(executable: &Path) -> Result<Self> {
        Self::start_with(executable, &[]).await
    }

    /// As [`MiniStack::start`], with the policies of roles and queues enforced.
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
        let endpoint = format!("http://{address}");
        let mut server = ServerProcess::spawn("MiniStack", executable, |command, folder| {
            command
                .env("BIND_HOST", address.ip().to_string())
                .env("GATEWAY_PORT", address.port().to_string())
                // Without it, functions on a `provided` runtime call the real AWS.
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
        Ok(Self { server, endpoint })
    }

    /// Where it listens, as `http://127.0.0.1:PORT`: the endpoint URL for AWS clients.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Everything that it has logged.
    #[must_use]
    pub fn output(&self) -> String {
        self.server.output()
    }
}

/// The emulator that runs for other tests of this program, or a new one where none does. It lives for as long as somebody holds it; tests stay apart
/// by what they name things.
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
