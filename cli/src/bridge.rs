//! `orderflow bridge`: delivers the messages of RabbitMQ to functions behind Lambda Invoke endpoints.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use orderflow_bridge::rabbitmq::BrokerAddress;
use orderflow_engine::Location;
use orderflow_messaging::{RetryPolicy, UnknownConsumer, subscription};
use orderflow_orders::ExpirySettings;
use orderflow_settings::declared::{BROKER, DYNAMODB_ENDPOINT};
use orderflow_settings::{Program, Reader, Refused, Setting, Snapshot, read};
use orderflow_store::read_prefix;
use orderflow_system::{
    BaseUrl, BaseUrlError, BrokerLocation, Functions, Invocation, Parts, Settings, StoreLocation, System,
};
use orderflow_telemetry::TelemetrySettings;

use crate::serving::{self, Termination};
use crate::settings::{self, FlagSet, SettingFlags};
use crate::up::{ServeSettings, serve};

/// The flags of `orderflow bridge`: the broker, the tables, and where the functions are.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The functions can be at any endpoint that answers POST /2015-03-31/functions/NAME/invocations: bundles under `cargo lambda watch` or
`sam local start-lambda`, on an emulator, or on AWS. Requests are signed with the AWS credentials of the environment.

Example:
  cargo lambda watch --invoke-port 9000
  orderflow bridge --broker amqp://127.0.0.1 \\
    --dynamodb-endpoint http://127.0.0.1:8000 \\
    --invoke http://127.0.0.1:9000 --function-name '{consumer}'")]
pub struct BridgeArgs {
    /// The settings that have a flag.
    #[command(flatten)]
    flags: SettingFlags<BridgeFlags>,

    /// The Lambda endpoint of all consumers, or CONSUMER=URL for that of one; repeat the flag for several. Messages of a consumer without an
    /// endpoint stay in its queue.
    #[arg(long, value_name = "[CONSUMER=]URL", required = true, value_parser = InvokeParser)]
    invoke: Vec<InvokeEndpoint>,

    /// The name of the functions; {consumer} stands for the name of the consumer, such as payment.
    #[arg(long, value_name = "NAME", default_value = "orderflow-{consumer}")]
    function_name: String,

    /// The timeout of an invocation in seconds; it must be longer than the timeout of the functions.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    call_timeout: u64,
}

/// The settings that have a flag in `orderflow bridge`.
#[derive(Debug, Clone)]
enum BridgeFlags {}

impl FlagSet for BridgeFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::Bridge)
    }
}

/// Every setting of `orderflow bridge`.
struct BridgeSettings {
    telemetry: TelemetrySettings,
    serve: ServeSettings,
    endpoint: BaseUrl,
    broker: BrokerAddress,
    prefix: String,
    retry: RetryPolicy,
    expiry: ExpirySettings,
}

impl BridgeSettings {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let endpoint = settings::aws_endpoint(reader, &DYNAMODB_ENDPOINT);
        let endpoint = reader.require(&DYNAMODB_ENDPOINT, "", endpoint);
        let broker = settings::broker(reader);
        let broker = reader.require(&BROKER, "", broker);
        Ok(Self {
            telemetry: TelemetrySettings::read(reader),
            serve: ServeSettings::read(reader),
            prefix: read_prefix(reader),
            retry: RetryPolicy::read(reader),
            expiry: ExpirySettings::read(reader),
            endpoint: endpoint?,
            broker: broker?,
        })
    }
}

/// Delivers messages until Ctrl-C or SIGTERM.
///
/// # Errors
/// If settings cannot be used or the bridge cannot start; the message says what to do.
pub fn run(args: &BridgeArgs, environment: &Snapshot) -> anyhow::Result<()> {
    let settings = read(&args.flags.over(environment), BridgeSettings::read)?;
    let _telemetry = orderflow_telemetry::init("bridge", settings.telemetry.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run_bridge(args, settings))
}

async fn run_bridge(args: &BridgeArgs, settings: BridgeSettings) -> anyhow::Result<()> {
    let serve_settings = settings.serve.clone();
    let listener = serve_settings.listen().await?;
    let system = System::open(Settings {
        store: StoreLocation::Endpoint(settings.endpoint),
        prefix: settings.prefix,
        broker: Some(BrokerLocation::RabbitMq(settings.broker)),
        parts: Parts::background(),
        functions: Functions::Invoked(invocation(args)),
        retry: settings.retry,
        expiry: settings.expiry,
        ..Settings::new(Location::Memory)
    })
    .await?;
    let termination = Termination::listen()?;
    serving::announce(listener.local_addr()?);
    serve(listener, system, &serve_settings, termination).await
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
    /// The endpoint of every consumer for which none is named.
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

/// Parses `--invoke`. The error of clap's own parser would show the value, which can contain a password.
#[derive(Debug, Clone)]
struct InvokeParser;

impl TypedValueParser for InvokeParser {
    type Value = InvokeEndpoint;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<InvokeEndpoint, clap::Error> {
        value.to_string_lossy().parse().map_err(|error: InvokeEndpointError| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("--invoke: {error}\n")).with_cmd(command)
        })
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
