//! Functions behind a Lambda Invoke endpoint: AWS, an emulator, or any server of
//! `POST /2015-03-31/functions/NAME/invocations`, such as `cargo lambda watch`, `sam local start-lambda` and the Runtime
//! Interface Emulator.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use orderflow_errors::causes;
use orderflow_messaging::{Target, TargetError};
use serde::Deserialize;

/// The time limit for a connection. It is shorter than that of a call, because an unreachable host would use up the whole call's time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest text of a function in an error, in characters. A stack trace would flood the log.
const FUNCTION_TEXT_CHARS_MAX: usize = 300;

/// Error codes of the Invoke API that are caused by the payload. All others concern the function or the network.
const PAYLOAD_CODES: [&str; 3] =
    ["InvalidRequestContentException", "RequestTooLargeException", "UnsupportedMediaTypeException"];

/// Statuses that are caused by the payload, for endpoints that send no codes: too large, unsupported type, unprocessable.
const PAYLOAD_STATUSES: [u16; 3] = [413, 415, 422];

/// A function that is invoked over the network, with one request for each invocation: the bridge retries.
#[derive(Debug, Clone)]
pub struct LambdaTarget {
    client: Client,
    function: String,
    call_timeout: Duration,
}

impl LambdaTarget {
    /// The default time limit of an invocation.
    pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(60);

    /// Creates a target for the function of this name or ARN at the client's endpoint. `call_timeout` limits a whole invocation. It should exceed
    /// the function's own timeout (at most 15 minutes on AWS): a function continues to run after the caller stops waiting.
    pub fn new(client: &Client, function: impl Into<String>, call_timeout: Duration) -> Self {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(call_timeout).build();
        let config = client
            .config()
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // A running function sends nothing until it has finished.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self { client: Client::from_conf(config), function: function.into(), call_timeout }
    }

    /// Returns the function's name or ARN.
    pub fn function(&self) -> &str {
        &self.function
    }

    fn answer(&self, output: InvokeOutput) -> Result<Vec<u8>, TargetError> {
        let payload = output.payload.map(Blob::into_inner).unwrap_or_default();
        match (fault(&payload), output.function_error) {
            // Also without the header `X-Amz-Function-Error`, which the Runtime Interface Emulator does not send.
            (Some(words), _) | (None, Some(words)) => Err(self.failed(&words)),
            (None, None) => Ok(payload),
        }
    }

    fn error(&self, error: &SdkError<InvokeError, HttpResponse>) -> TargetError {
        match error {
            SdkError::ServiceError(refusal) => self.refusal(refusal.raw(), refusal.err()),
            SdkError::TimeoutError(_) => self.unreachable(
                &format!("no answer within {:?}", self.call_timeout),
                "check that the function is not stuck",
            ),
            _ => self.unreachable(&causes(error), "check the endpoint, the credentials and the region"),
        }
    }

    fn refusal(&self, response: &HttpResponse, error: &InvokeError) -> TargetError {
        // AWS reports a crash like a failure; the Runtime Interface Emulator answers it with status 502.
        if let Some(words) = fault(response.body().bytes().unwrap_or_default()) {
            return self.failed(&words);
        }
        let status = response.status().as_u16();
        let code = error.code();
        let blames_payload =
            PAYLOAD_STATUSES.contains(&status) || code.is_some_and(|code| PAYLOAD_CODES.contains(&code));
        let said =
            format!("status {status} {} {}", code.unwrap_or_default(), error.message().unwrap_or_default());
        let said = said.trim_end();
        if blames_payload {
            return self.failed(said);
        }
        let check = match status {
            401 | 403 => "check the credentials and their permission lambda:InvokeFunction",
            404 => "check the function's name and that it is deployed there",
            429 => "check its concurrency limit",
            _ => "check the function's log",
        };
        self.unreachable(said, check)
    }

    fn failed(&self, said: &str) -> TargetError {
        TargetError::Failed(format!("{}: {}", self.function, shortened(said)))
    }

    fn unreachable(&self, said: &str, check: &str) -> TargetError {
        TargetError::Unreachable(format!("{}: {}; {check}", self.function, shortened(said)))
    }
}

#[async_trait]
impl Target for LambdaTarget {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let request = self
            .client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::RequestResponse)
            .payload(Blob::new(payload));
        match request.send().await {
            Ok(output) => self.answer(output),
            Err(error) => Err(self.error(&error)),
        }
    }
}

/// A runtime's report of a failed function. Some runtimes omit the type after a timeout.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    #[serde(default)]
    error_type: String,
    error_message: String,
}

/// Returns the failure that a response body reports, if any.
fn fault(body: &[u8]) -> Option<String> {
    let fault: Fault = serde_json::from_slice(body).ok()?;
    Some(format!("{} {}", fault.error_type, fault.error_message).trim_start().to_owned())
}

fn shortened(words: &str) -> &str {
    words.char_indices().nth(FUNCTION_TEXT_CHARS_MAX).map_or(words, |(end, _)| &words[..end])
}

#[cfg(test)]
#[path = "lambda_tests.rs"]
mod tests;
