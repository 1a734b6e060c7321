//! AWS's Runtime Interface Emulator, which runs a Lambda bundle as Lambda does.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::ports::on_free_addresses;
use crate::process::ServerProcess;
use crate::{Error, Result};

/// A native program that listens within milliseconds, but takes longer on a machine that is busy compiling.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// One execution environment of a function, stopped on drop.
#[derive(Debug)]
pub struct RuntimeEmulator {
    server: ServerProcess,
    endpoint: String,
    invocations: String,
    client: reqwest::Client,
    /// Serialises invocations: an execution environment refuses a second event while it handles one.
    turn: Mutex<()>,
}

impl RuntimeEmulator {
    /// Starts `rie_binary` on free ports with `bootstrap` as the function, both with `environment` added to the variables of this
    /// process, and waits until it accepts invocations. The first invocation starts the function.
    ///
    /// # Errors
    /// The emulator cannot be started, ends, or does not listen within half a minute.
    pub async fn start(
        rie_binary: &Path,
        bootstrap: &Path,
        environment: &[(String, String)],
    ) -> Result<Self> {
        on_free_addresses(async |addresses| {
            Self::start_on(addresses, rie_binary, bootstrap, environment).await
        })
        .await
    }

    async fn start_on(
        [runtime_api, invoke_api]: [SocketAddr; 2],
        rie_binary: &Path,
        bootstrap: &Path,
        environment: &[(String, String)],
    ) -> Result<Self> {
        let function = bootstrap.file_name().unwrap_or(bootstrap.as_os_str());
        let name = format!("the emulated function {}", function.display());
        let mut server = ServerProcess::spawn(name, rie_binary, |command, folder| {
            command
                .arg("--runtime-api-address")
                .arg(runtime_api.to_string())
                .arg("--runtime-interface-emulator-address")
                .arg(invoke_api.to_string())
                .arg(bootstrap)
                .envs(environment.iter().map(|(name, value)| (name, value)))
                .current_dir(folder);
        })?;
        let listens = async || TcpStream::connect(invoke_api).await.is_ok();
        server.wait_until_ready(START_PATIENCE, listens).await?;
        Ok(Self {
            server,
            endpoint: format!("http://{invoke_api}"),
            invocations: format!("http://{invoke_api}/2015-03-31/functions/function/invocations"),
            client: reqwest::Client::new(),
            turn: Mutex::new(()),
        })
    }

    /// Invokes the function with an event and returns its response. Concurrent calls wait for each other.
    ///
    /// # Errors
    /// [`Error::Function`] if the function failed, [`Error::NotJson`] if it timed out (variable `AWS_LAMBDA_FUNCTION_TIMEOUT`, in
    /// seconds), [`Error::Unanswered`] if the emulator has ended.
    pub async fn invoke(&self, event: &Value) -> Result<Value> {
        let _turn = self.turn.lock().await;
        let unanswered = |source| Error::Unanswered {
            server: self.server.name().to_owned(),
            source,
            output: self.server.output(),
        };
        let answer = self.client.post(&self.invocations).json(event).send().await.map_err(unanswered)?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(unanswered)?;
        match serde_json::from_str(&body) {
            Ok(payload) => outcome(payload),
            Err(_) => Err(Error::NotJson { server: self.server.name().to_owned(), status, body }),
        }
    }

    /// Returns the endpoint of Lambda's Invoke API, for a function with the name `function`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the log of the emulator and the function.
    #[must_use]
    pub fn output(&self) -> String {
        self.server.output()
    }
}

/// Recognises a failure by `errorType`: the emulator responds with 200 for failures too and, unlike Lambda, without a header that
/// marks them.
fn outcome(payload: Value) -> Result<Value> {
    let Some(error_type) = payload.get("errorType").and_then(Value::as_str) else {
        return Ok(payload);
    };
    let message = payload.get("errorMessage").and_then(Value::as_str);
    Err(Error::Function {
        error_type: error_type.to_owned(),
        message: message.unwrap_or_default().to_owned(),
    })
}
