//! SDK clients without a socket: the dispatch serves as their HTTP client.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use crate::dispatch::{Dispatch, Reply};
use crate::operation::Caller;

/// Builds a client without the parts that a call within the process does not need: signing, retries, timeouts, stalled-stream protection and
/// clock-skew correction. They took 40 % of the SDK's time per request when measured.
macro_rules! client {
    ($sdk:ident, $dispatch:expr) => {{
        let config = $sdk::Config::builder()
            .behavior_version_latest()
            .http_client(Transport::new($dispatch))
            .region($sdk::config::Region::from_static("embedded"))
            .endpoint_url("http://embedded.invalid")
            .allow_no_auth()
            .auth_scheme_preference([aws_smithy_runtime_api::client::auth::AuthSchemeId::new("noAuth")])
            // There is no connection that a failed request could close; the SDK would log each time that it finds none.
            .retry_config(
                aws_smithy_types::retry::RetryConfig::disabled()
                    .with_reconnect_mode(aws_smithy_types::retry::ReconnectMode::ReuseAllConnections),
            )
            .timeout_config(aws_smithy_types::timeout::TimeoutConfig::disabled())
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            .disable_clock_skew_correction(true)
            .build();
        $sdk::Client::from_conf(config)
    }};
}

pub(crate) fn dynamodb_client(dispatch: &Arc<Dispatch>) -> aws_sdk_dynamodb::Client {
    client!(aws_sdk_dynamodb, dispatch)
}

pub(crate) fn streams_client(dispatch: &Arc<Dispatch>) -> aws_sdk_dynamodbstreams::Client {
    client!(aws_sdk_dynamodbstreams, dispatch)
}

/// The HTTP client. The SDK asks it for a connector with each request.
#[derive(Debug)]
struct Transport {
    connector: SharedHttpConnector,
}

impl Transport {
    fn new(dispatch: &Arc<Dispatch>) -> Self {
        let connector = Connector { dispatch: Arc::clone(dispatch) };
        Self { connector: SharedHttpConnector::new(connector) }
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector.clone()
    }
}

#[derive(Debug)]
struct Connector {
    dispatch: Arc<Dispatch>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl Connector {
    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        match self.dispatch.reply(target, body, Caller::InProcess) {
            Reply::Answered(answer) => {
                let status = StatusCode::try_from(answer.status)
                    .map_err(|error| ConnectorError::other(error.into(), None))?;
                Ok(HttpResponse::new(status, SdkBody::from(answer.body)))
            }
            Reply::Lost => Err(ConnectorError::io("an injected fault withholds the answer".into())),
        }
    }
}
