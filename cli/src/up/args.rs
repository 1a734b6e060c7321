//! The flags of `orderflow up`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;
use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use orderflow_embedded::Location;
use orderflow_system::{BaseUrl, BrokerLocation, Part, Parts, StoreLocation};
use tokio::net::TcpListener;

use crate::broker_args::BrokerArgs;
use crate::serving;

/// The flags of `orderflow up`: where it listens, where it keeps its data, and which broker and parts it runs.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Example:
  orderflow up --port 8080 --data-dir ./data
  orderflow up --broker amqp://guest:guest@127.0.0.1:5672/%2f
  orderflow up --aws-endpoint http://127.0.0.1:4566

To run the parts in several processes, let them share a store and a broker:
  orderflow store --port 8000 --data-dir ./data
  orderflow up --only order-intake,shop-api --dynamodb-endpoint http://127.0.0.1:8000 --broker amqp://127.0.0.1
  orderflow up --only payment --port 0 --dynamodb-endpoint http://127.0.0.1:8000 --broker amqp://127.0.0.1")]
pub struct UpArgs {
    /// Where the program listens, and how it stops.
    #[command(flatten)]
    pub serve: ServeArgs,

    /// The data directory; created at the first start.
    #[arg(long, env = "ORDERFLOW_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// Keep all data in memory and ignore --data-dir: the data is lost when the program ends.
    #[arg(long, env = "ORDERFLOW_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,

    /// Keep the data at this DynamoDB endpoint instead: `orderflow store`, DynamoDB or an emulator.
    #[arg(long, env = "ORDERFLOW_DYNAMODB_ENDPOINT", value_name = "URL")]
    pub dynamodb_endpoint: Option<BaseUrl>,

    /// Use AWS or an emulator at this endpoint: tables on DynamoDB, events through SNS and SQS, whose queues this process polls. Missing
    /// tables, topic and queues are created.
    #[arg(
        long,
        env = "ORDERFLOW_AWS_ENDPOINT",
        value_name = "URL",
        conflicts_with_all = ["broker", "dynamodb_endpoint"]
    )]
    pub aws_endpoint: Option<BaseUrl>,

    /// The broker; without one, events stay in this process.
    #[command(flatten)]
    pub broker: BrokerArgs,

    /// Run only these parts, separated by commas: order-intake, shop-api, outbox-relay, order-expiry, and the consumers order-tracker,
    /// inventory-reserve, payment, notification and analytics. Without it all run. Needs --broker and --dynamodb-endpoint, or
    /// --aws-endpoint, since the parts have to share a broker and a store.
    #[arg(long, env = "ORDERFLOW_ONLY", value_name = "PART", value_delimiter = ',')]
    pub only: Vec<Part>,

    /// The currency of all prices in the shop, an ISO 4217 code.
    #[arg(long, env = "ORDERFLOW_CURRENCY", default_value = "USD")]
    pub currency: String,
}

/// Where a process listens, and how it stops.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// The port to listen on; 0 picks a free one and prints it.
    #[arg(long, env = "ORDERFLOW_PORT", default_value_t = 8080)]
    pub port: u16,

    /// The address to listen on. An address other than loopback needs --insecure, since requests are not authenticated.
    #[arg(long, env = "ORDERFLOW_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Allow an address other than loopback, although requests are not authenticated.
    #[arg(long, env = "ORDERFLOW_INSECURE", value_parser = FalseyValueParser::new())]
    pub insecure: bool,

    /// The time in seconds for batches in flight to finish after Ctrl-C or SIGTERM.
    #[arg(long, env = "ORDERFLOW_DRAIN_SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,
}

impl UpArgs {
    /// Ends the program with exit code 2 if a flag needs another that is missing.
    pub(super) fn check(&self) {
        let shared = self.broker.broker.is_some() && self.dynamodb_endpoint.is_some();
        let shared = shared || self.aws_endpoint.is_some();
        if !self.only.is_empty() && !shared {
            let message = "--only needs --broker and --dynamodb-endpoint, or --aws-endpoint: the parts have to share a broker and \
                           a store";
            crate::cli::Cli::command().error(ErrorKind::MissingRequiredArgument, message).exit();
        }
    }

    pub(super) fn parts(&self) -> Parts {
        match &self.only[..] {
            [] => Parts::all(),
            only => only.iter().copied().collect(),
        }
    }

    /// Returns the broker, or `None` for the one in this process.
    ///
    /// # Errors
    /// If the file with certificates cannot be read.
    pub(super) fn broker_location(&self) -> anyhow::Result<Option<BrokerLocation>> {
        match &self.aws_endpoint {
            Some(endpoint) => Ok(Some(BrokerLocation::Sqs(endpoint.clone()))),
            None => Ok(self.broker.address()?.map(BrokerLocation::RabbitMq)),
        }
    }

    pub(super) fn store_location(&self) -> StoreLocation {
        match (self.aws_endpoint.as_ref().or(self.dynamodb_endpoint.as_ref()), self.ephemeral) {
            (Some(endpoint), _) => StoreLocation::Endpoint(endpoint.clone()),
            (None, true) => StoreLocation::Embedded(Location::Memory),
            (None, false) => StoreLocation::Embedded(Location::Directory(self.data_dir.clone())),
        }
    }
}

impl ServeArgs {
    /// Listens on the address.
    ///
    /// # Errors
    /// If the address is not loopback and --insecure is missing, or if it cannot be bound.
    pub(crate) async fn listen(&self) -> anyhow::Result<TcpListener> {
        if !self.insecure {
            serving::require_loopback(self.host)?;
        }
        serving::listen((self.host, self.port).into()).await
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
