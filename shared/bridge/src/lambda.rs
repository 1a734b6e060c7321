//! Functions behind a Lambda Invoke endpoint: AWS itself, an emulator of it, or whatever else serves
//! `POST /2015-03-31/functions/NAME/invocations`, such as `cargo lambda watch`, `sam local start-lambda` and the Runtime
//! Interface Emulator.

use std::error::Error;
use std::iter::successors;
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
use serde::Deserialize;

use crate::{Target, TargetError};

/// How long a connection may take to be made: a machine that does not answer at all is not worth the whole call's time.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// How much of a function's own words goes into an error. A stack trace of a function would drown the log.
const MAX_WORDS: usize = 300;

/// Codes of the Invoke API that blame the payload. All others say something about the function or the way to it.
const PAYLOAD_CODES: [&str; 3] =
    ["InvalidRequestContentException", "RequestTooLargeException", "UnsupportedMediaTypeException"];

/// The same by status, for endpoints that send no codes: too large, of a wrong type, unprocessable.
const PAYLOAD_STATUSES: [u16; 3] = [413, 415, 422];

/// A function that is invoked over the network. It is asked once a call: who comes again, and when, is for the bridge to say.
#[derive(Debug, Clone)]
pub struct LambdaTarget {
    client: Client,
    function: String,
    call_timeout: Duration,
}

impl LambdaTarget {
    /// How long a call may take where nothing else is said.
    pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(60);

    /// The function of this name or ARN at the client's endpoint. `call_timeout` is for a whole call and should be above the
    /// function's own timeout, which AWS allows to be 15 minutes: what is given up here goes on running there.
    pub fn new(client: &Client, function: impl Into<String>, call_timeout: Duration) -> Self {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).operation_timeout(call_timeout).build();
        let config = client
            .config()
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // A function that works sends nothing for as long as it works.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self { client: Client::from_conf(config), function: function.into(), call_timeout }
    }

    /// The function's name.
    pub fn function(&self) -> &str {
        &self.function
    }

    fn answer(&self, output: InvokeOutput) -> Result<Vec<u8>, TargetError> {
        let payload = output.payload.map(Blob::into_inner).unwrap_or_default();
        match (fault(&payload), output.function_error) {
            // Without the header too: the Runtime Interface Emulator sends none.
            (Some(words), _) | (None, Some(words)) => Err(self.failed(&words)),
            (None, None) => Ok(payload),
        }
    }

    fn error(&self, error: &SdkError<InvokeError, HttpResponse>) -> TargetError {
        match error {
            SdkError::ServiceError(refusal) => self.refusal(refusal.raw(), refusal.err()),
            SdkError::TimeoutError(_) => self.unreachable(
                &format!("no answer within {:?}", self.call_timeout),
                "check that it is not stuck",
            ),
            _ => self.unreachable(&causes(error), "check the endpoint, the credentials and the region"),
        }
    }

    fn refusal(&self, response: &HttpResponse, error: &InvokeError) -> TargetError {
        // AWS answers a function that crashes as one that fails; the Runtime Interface Emulator does it with a 502.
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

/// What a function's runtime answers where the function failed. Some name no type when its time was over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    #[serde(default)]
    error_type: String,
    error_message: String,
}

/// What a body says of the function's failure, if it is about one.
fn fault(body: &[u8]) -> Option<String> {
    let fault: Fault = serde_json::from_slice(body).ok()?;
    Some(format!("{} {}", fault.error_type, fault.error_message).trim_start().to_owned())
}

fn shortened(words: &str) -> &str {
    words.char_indices().nth(MAX_WORDS).map_or(words, |(end, _)| &words[..end])
}

/// The error with all that led to it: the SDK's own text only names the kind.
fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
#[path = "lambda_tests.rs"]
mod tests;
