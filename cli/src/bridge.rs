//! From RabbitMQ to functions behind Lambda Invoke endpoints.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use endpoint::InvokeEndpoint;
use orderflow_embedded::Location;
use orderflow_messaging::{RetryPolicy, UnknownConsumer, subscription};
use orderflow_orders::ExpirySettings;
use orderflow_store::DEFAULT_PREFIX;
use orderflow_system::{
    BaseUrl, BaseUrlError, BrokerLocation, Functions, Invocation, Parts, Settings, StoreLocation, System,
};
use orderflow_telemetry::LogFormat;

use crate::broker_args::BrokerArgs;
use crate::serving::{self, Termination};
use crate::up::{ServeArgs, serve};

/// Which broker is read, and where the functions are.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The functions are whatever answers POST /2015-03-31/functions/NAME/invocations: bundles under `cargo lambda watch` or `sam local
start-lambda`, deployed to an emulator, or on AWS, for which calls are signed with the credentials of the environment.

Example:
  cargo lambda watch --invoke-port 9000
  orderflow bridge --broker amqp://127.0.0.1 --dynamodb-endpoint http://127.0.0.1:8000 \\
    --invoke http://127.0.0.1:9000 --function-name '{consumer}'")]
pub struct BridgeArgs {
    /// Where it listens, and how it ends.
    #[command(flatten)]
    serve: ServeArgs,

    /// The broker.
    #[command(flatten)]
    broker: BrokerArgs,

    /// Where the functions keep their tables: the streams there are relayed to the broker.
    #[arg(long, env = "ORDERFLOW_DYNAMODB_ENDPOINT", value_name = "URL", required = true)]
    dynamodb_endpoint: Option<BaseUrl>,

    /// Where the functions are invoked; CONSUMER=URL for one of them. Consumers without an endpoint are left to others.
    #[arg(long, value_name = "[CONSUMER=]URL", required = true)]
    invoke: Vec<InvokeEndpoint>,

    /// The functions' names; {consumer} stands for payment, notification and so on.
    #[arg(long, value_name = "NAME", default_value = "orderflow-{consumer}")]
    function_name: String,

    /// How many seconds a call may take; above the functions' own timeout.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    call_timeout: u64,
}

/// Carries messages until it is told to stop.
///
/// # Errors
/// Where it cannot start, with what to do about it.
pub fn run(args: BridgeArgs) -> anyhow::Result<()> {
    let _telemetry = orderflow_telemetry::init("bridge", LogFormat::from_env()?)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_bridge(args))
}

async fn run_bridge(args: BridgeArgs) -> anyhow::Result<()> {
    let listener = args.serve.listen().await?;
    let system = System::open(settings(&args)?).await?;
    let termination = Termination::listen()?;
    serving::announce(listener.local_addr()?)?;
    serve(listener, system, &args.serve, termination).await
}

fn settings(args: &BridgeArgs) -> anyhow::Result<Settings> {
    let endpoint = args.dynamodb_endpoint.clone().context("--dynamodb-endpoint is missing")?;
    let broker = args.broker.address()?.context("--broker is missing: it names the RabbitMQ to read")?;
    Ok(Settings {
        store: StoreLocation::Endpoint(endpoint),
        prefix: std::env::var("ORDERFLOW_PREFIX").unwrap_or_else(|_| DEFAULT_PREFIX.to_owned()),
        broker: Some(BrokerLocation::RabbitMq(broker)),
        parts: Parts::background(),
        functions: Functions::Invoked(invocation(args)),
        retry: RetryPolicy::from_environment()?,
        expiry: ExpirySettings::from_environment()?,
        ..Settings::new(Location::Memory)
    })
}

fn invocation(args: &BridgeArgs) -> Invocation {
    let mut endpoint = None;
    let mut endpoints = BTreeMap::new();
    for invoke in &args.invoke {
        match invoke {
            InvokeEndpoint::All(url) => endpoint = Some(url.clone()),
            InvokeEndpoint::One(consumer, url) => {
                endpoints.insert(*consumer, url.clone());
            }
        }
    }
    Invocation {
        endpoint,
        endpoints,
        function_name: args.function_name.clone(),
        call_timeout: Duration::from_secs(args.call_timeout),
    }
}

/// Where functions are invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum InvokeEndpoint {
    /// All that have no endpoint of their own.
    All(BaseUrl),
    /// That of one consumer.
    One(&'static str, BaseUrl),
}

/// The text is no [`InvokeEndpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum InvokeEndpointError {
    #[error(transparent)]
    Url(#[from] BaseUrlError),
    #[error(transparent)]
    Consumer(#[from] UnknownConsumer),
}

impl FromStr for InvokeEndpoint {
    type Err = InvokeEndpointError;

    fn from_str(text: &str) -> Result<Self, InvokeEndpointError> {
        match text.split_once('=') {
            Some((consumer, url)) if !consumer.contains(':') => {
                Ok(Self::One(subscription(consumer)?.consumer, url.parse()?))
            }
            _ => Ok(Self::All(text.parse()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_for_all_or_for_one_consumer() {
        let url: BaseUrl = "http://127.0.0.1:9000".parse().unwrap();
        assert_eq!("http://127.0.0.1:9000".parse(), Ok(InvokeEndpoint::All(url.clone())));
        assert_eq!("payment=http://127.0.0.1:9000".parse(), Ok(InvokeEndpoint::One("payment", url)));
        assert!("paymnt=http://x".parse::<InvokeEndpoint>().is_err());
        assert!("payment=nothing".parse::<InvokeEndpoint>().is_err());
    }
}
