//! `orderflow bridge`: delivers the messages of RabbitMQ to functions behind Lambda Invoke endpoints.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
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

/// The flags of `orderflow bridge`: the broker, the tables, and where the functions are.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The functions can be at any endpoint that answers POST /2015-03-31/functions/NAME/invocations: bundles under `cargo lambda watch` or
`sam local start-lambda`, on an emulator, or on AWS. Requests are signed with the AWS credentials of the environment.

Example:
  cargo lambda watch --invoke-port 9000
  orderflow bridge --broker amqp://127.0.0.1 --dynamodb-endpoint http://127.0.0.1:8000 \\
    --invoke http://127.0.0.1:9000 --function-name '{consumer}'")]
pub struct BridgeArgs {
    /// Where the program listens, and how it stops.
    #[command(flatten)]
    serve: ServeArgs,

    /// The broker.
    #[command(flatten)]
    broker: BrokerArgs,

    /// The DynamoDB endpoint of the functions' tables. The bridge publishes the events in their streams to the broker.
    #[arg(long, env = "ORDERFLOW_DYNAMODB_ENDPOINT", value_name = "URL", required = true)]
    dynamodb_endpoint: Option<BaseUrl>,

    /// The Lambda endpoint of all consumers, or CONSUMER=URL for that of one; repeat the flag for several. Messages of a consumer without an
    /// endpoint stay in its queue.
    #[arg(long, value_name = "[CONSUMER=]URL", required = true)]
    invoke: Vec<InvokeEndpoint>,

    /// The name of the functions; {consumer} stands for the name of the consumer, such as payment.
    #[arg(long, value_name = "NAME", default_value = "orderflow-{consumer}")]
    function_name: String,

    /// The timeout of an invocation in seconds; it must be longer than the timeout of the functions.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    call_timeout: u64,
}

/// Delivers messages until Ctrl-C or SIGTERM.
///
/// # Errors
/// If it cannot start; the message says what to do.
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
    let endpoint = args
        .dynamodb_endpoint
        .clone()
        .context("--dynamodb-endpoint is missing: give the endpoint of the tables")?;
    let broker = args
        .broker
        .address()?
        .context("--broker is missing: give the URL of the RabbitMQ to consume from")?;
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

/// The value of one `--invoke`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum InvokeEndpoint {
    /// The endpoint of every consumer without one of its own.
    All(BaseUrl),
    /// The endpoint of one consumer.
    One(&'static str, BaseUrl),
}

/// The text is not an [`InvokeEndpoint`].
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
