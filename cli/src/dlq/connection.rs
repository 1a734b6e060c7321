//! Where the queues are.

use std::sync::Arc;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, FromArgMatches};
use orderflow_bridge::rabbitmq::{BrokerAddress, RabbitAdmin, RabbitMq};
use orderflow_bridge::sdk_config;
use orderflow_messaging::QueueAdmin;
use orderflow_sqs::{Sqs, SqsAdmin, SqsNames};
use orderflow_store::DEFAULT_PREFIX;
use orderflow_system::BaseUrl;

use super::DlqError;
use super::http_admin::HttpAdmin;
use crate::broker_args::BrokerArgs;
use crate::client;
use crate::client::Output;
use crate::client::output::json_text::pretty;
use crate::client::session::{Format, Session};

/// What --broker is for here.
const BROKER_HELP: &str = "Go straight at this RabbitMQ, also while the system is down: \
    amqp://user:password@host:5672/%2f, or amqps:// for TLS";

/// A running system, or what carries its events.
pub(super) struct ConnectionArgs {
    flags: Flags,
    way: Way,
}

#[derive(clap::Args)]
struct Flags {
    #[command(flatten)]
    system: client::ConnectionArgs,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Go straight at the queues of SQS behind this endpoint, also while the system is down. ORDERFLOW_PREFIX says how their names begin.
    #[arg(long, env = "ORDERFLOW_AWS_ENDPOINT", value_name = "URL")]
    aws_endpoint: Option<BaseUrl>,
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A running system.
    System,
    /// A RabbitMQ.
    Broker,
    /// The queues of SQS.
    Sqs,
}

impl Way {
    /// The one that is named closer by: a flag goes before the environment, the environment before a default. Where the environment
    /// names several, the first of the system, where all other commands go, the RabbitMQ and the queues of SQS.
    fn of(
        system: Option<ValueSource>,
        broker: Option<ValueSource>,
        sqs: Option<ValueSource>,
    ) -> Result<Self, clap::Error> {
        let flags =
            [system, broker, sqs].into_iter().filter(|source| *source == Some(ValueSource::CommandLine));
        if flags.count() > 1 {
            let message =
                "--url, --broker and --aws-endpoint are different ways to the queues: give one of them\n";
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, message));
        }
        Ok(if sqs > system && sqs > broker {
            Self::Sqs
        } else if broker > system {
            Self::Broker
        } else {
            Self::System
        })
    }
}

impl Args for ConnectionArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let global = |argument: Arg| argument.global(true).help_heading("Connection");
        Flags::augment_args(command)
            .mut_arg("broker", |broker| global(broker).help(BROKER_HELP))
            .mut_arg("broker_ca", global)
            .mut_arg("aws_endpoint", global)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConnectionArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let source = |name| matches.value_source(name);
        let way = Way::of(source("url"), source("broker"), source("aws_endpoint"))?;
        Ok(Self { flags: Flags::from_arg_matches(matches)?, way })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A command at work: whom it asks and where it writes.
pub(super) struct Queues<'a> {
    pub(super) admin: Box<dyn QueueAdmin>,
    pub(super) format: Format,
    pub(super) output: &'a mut Output,
    broker: Option<Arc<RabbitMq>>,
}

impl ConnectionArgs {
    /// Begins. Nothing is sent yet, but for finding the queues of SQS.
    ///
    /// # Errors
    /// Where the certificates cannot be read, the token cannot be sent, no HTTP client can be made, or the queues are not found.
    pub(super) async fn open(self, output: &mut Output) -> Result<Queues<'_>, DlqError> {
        let Flags { system, broker, aws_endpoint } = self.flags;
        let format = system.format();
        match (self.way, aws_endpoint) {
            (Way::Sqs, Some(endpoint)) => Queues::at_sqs(&endpoint, format, output).await,
            (Way::Broker, _) => {
                match broker.address().map_err(|error| DlqError::Broker(format!("{error:#}")))? {
                    Some(address) => Ok(Queues::at_broker(address, format, output)),
                    None => Ok(Queues::at_system(system.open(output)?)),
                }
            }
            (Way::System | Way::Sqs, _) => Ok(Queues::at_system(system.open(output)?)),
        }
    }
}

impl<'a> Queues<'a> {
    fn at_system(session: Session<'a>) -> Self {
        let Session { api, format, output } = session;
        Self { admin: Box::new(HttpAdmin::new(api)), format, output, broker: None }
    }

    fn at_broker(address: BrokerAddress, format: Format, output: &'a mut Output) -> Self {
        let broker = RabbitMq::new(address);
        Self { admin: Box::new(RabbitAdmin::new(broker.clone())), format, output, broker: Some(broker) }
    }

    async fn at_sqs(endpoint: &BaseUrl, format: Format, output: &'a mut Output) -> Result<Self, DlqError> {
        let prefix = std::env::var("ORDERFLOW_PREFIX").unwrap_or_else(|_| DEFAULT_PREFIX.to_owned());
        let config = sdk_config(Some(&endpoint.to_string())).await;
        let found = Sqs::find(&config, SqsNames::new(prefix)).await;
        let queues = Arc::new(found.map_err(|error| DlqError::Queues(error.to_string()))?);
        Ok(Self { admin: Box::new(SqsAdmin::new(queues)), format, output, broker: None })
    }

    /// Writes a JSON text, laid out for reading.
    ///
    /// # Errors
    /// Where the output does.
    pub(super) fn write_json(&mut self, json: &str) -> Result<(), DlqError> {
        Ok(self.output.line(pretty(json))?)
    }

    /// Says good-bye, so that the broker does not log a lost client.
    pub(super) async fn close(self) {
        if let Some(broker) = self.broker {
            broker.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use ValueSource::{CommandLine, DefaultValue, EnvVariable};

    use super::*;

    #[test]
    fn the_way_that_is_named_closer_by_is_taken() {
        for (system, broker, sqs, way) in [
            (DefaultValue, None, None, Way::System),
            (CommandLine, None, None, Way::System),
            (DefaultValue, Some(EnvVariable), None, Way::Broker),
            (EnvVariable, Some(EnvVariable), None, Way::System),
            (CommandLine, Some(EnvVariable), None, Way::System),
            (EnvVariable, Some(CommandLine), None, Way::Broker),
            (DefaultValue, None, Some(EnvVariable), Way::Sqs),
            (DefaultValue, Some(EnvVariable), Some(EnvVariable), Way::Broker),
            (EnvVariable, None, Some(EnvVariable), Way::System),
            (EnvVariable, Some(EnvVariable), Some(CommandLine), Way::Sqs),
            (DefaultValue, Some(CommandLine), Some(EnvVariable), Way::Broker),
        ] {
            let found = Way::of(Some(system), broker, sqs).unwrap();
            assert_eq!(found, way, "{system:?} {broker:?} {sqs:?}");
        }
        for (system, broker, sqs) in [
            (CommandLine, Some(CommandLine), None),
            (CommandLine, None, Some(CommandLine)),
            (DefaultValue, Some(CommandLine), Some(CommandLine)),
        ] {
            assert!(Way::of(Some(system), broker, sqs).is_err(), "{system:?} {broker:?} {sqs:?}");
        }
    }
}
