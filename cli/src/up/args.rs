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

/// Where the system listens, what it keeps, and what it runs on.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Example:
  orderflow up --port 8080 --data-dir ./data
  orderflow up --broker amqp://guest:guest@127.0.0.1:5672/%2f
  orderflow up --aws-endpoint http://127.0.0.1:4566

Several processes share one store and one broker, and each runs some of the parts:
  orderflow store --port 8000 --data-dir ./data
  orderflow up --only order-intake,shop-api --dynamodb-endpoint http://127.0.0.1:8000 --broker amqp://127.0.0.1
  orderflow up --only payment --port 0 --dynamodb-endpoint http://127.0.0.1:8000 --broker amqp://127.0.0.1")]
pub struct UpArgs {
    /// Where it listens, and how it ends.
    #[command(flatten)]
    pub serve: ServeArgs,

    /// The folder that everything is kept in; made at the first start.
    #[arg(long, env = "ORDERFLOW_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// Keep nothing on disk, whatever --data-dir says: all is gone when the program ends.
    #[arg(long, env = "ORDERFLOW_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,

    /// Keep everything behind this endpoint instead: `orderflow store`, or anything else that speaks DynamoDB.
    #[arg(long, env = "ORDERFLOW_DYNAMODB_ENDPOINT", value_name = "URL")]
    pub dynamodb_endpoint: Option<BaseUrl>,

    /// Keep everything at AWS or an emulator of it, behind this endpoint: tables on DynamoDB, events through SNS and SQS, polled by this
    /// process. What is missing there is made.
    #[arg(
        long,
        env = "ORDERFLOW_AWS_ENDPOINT",
        value_name = "URL",
        conflicts_with_all = ["broker", "dynamodb_endpoint"]
    )]
    pub aws_endpoint: Option<BaseUrl>,

    /// The broker; without one events stay in this process.
    #[command(flatten)]
    pub broker: BrokerArgs,

    /// Run just these parts: order-intake, shop-api, outbox-relay, order-expiry, and the consumers order-tracker, inventory-reserve, payment,
    /// notification and analytics. Needs what the other parts share: --broker and --dynamodb-endpoint, or --aws-endpoint.
    #[arg(long, env = "ORDERFLOW_ONLY", value_name = "PART", value_delimiter = ',')]
    pub only: Vec<Part>,

    /// The currency of the shop: all prices are in it.
    #[arg(long, env = "ORDERFLOW_CURRENCY", default_value = "USD")]
    pub currency: String,
}

/// Where a part listens, and how it ends.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// The port that HTTP is served on; 0 picks a free one and prints it.
    #[arg(long, env = "ORDERFLOW_PORT", default_value_t = 8080)]
    pub port: u16,

    /// The address to listen on. Another than loopback needs --insecure while nobody has to sign in.
    #[arg(long, env = "ORDERFLOW_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Listen on another address than loopback although nobody has to sign in.
    #[arg(long, env = "ORDERFLOW_INSECURE", value_parser = FalseyValueParser::new())]
    pub insecure: bool,

    /// How long what is in hand may take to finish after Ctrl-C or SIGTERM.
    #[arg(long, env = "ORDERFLOW_DRAIN_SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,
}

impl UpArgs {
    /// Ends the program where flags miss each other.
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

    /// What carries events; none carries them in this process.
    ///
    /// # Errors
    /// Where the file of certificates cannot be read.
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
    /// Listens there.
    ///
    /// # Errors
    /// Where others could reach it and nobody has to sign in, or where it cannot listen.
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
