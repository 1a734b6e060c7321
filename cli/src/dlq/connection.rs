//! How the commands reach the queues: over HTTP, RabbitMQ or SQS.

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

/// The help of --broker in these commands.
const BROKER_HELP: &str = "Connect to this RabbitMQ instead of a running system: \
    amqp://user:password@host:5672/%2f, or amqps:// for TLS";

/// The flags that name a running system or its broker, and the one of them that applies.
pub(super) struct ConnectionArgs {
    flags: Flags,
    route: Route,
}

#[derive(clap::Args)]
struct Flags {
    #[command(flatten)]
    system: client::ConnectionArgs,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Use the queues of SQS at this endpoint instead of a running system. Their names begin with ORDERFLOW_PREFIX.
    #[arg(long, env = "ORDERFLOW_AWS_ENDPOINT", value_name = "URL")]
    aws_endpoint: Option<BaseUrl>,
}

/// How the queues are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    /// Over HTTP, through a running system.
    System,
    /// Directly, on RabbitMQ.
    Broker,
    /// Directly, on SQS.
    Sqs,
}

impl Route {
    /// Chooses by precedence: a flag before a variable, a variable before a default. Of several variables, the running system, which all
    /// other commands use, comes first, then RabbitMQ, then SQS.
    fn of(
        system: Option<ValueSource>,
        broker: Option<ValueSource>,
        sqs: Option<ValueSource>,
    ) -> Result<Self, clap::Error> {
        let flags =
            [system, broker, sqs].into_iter().filter(|source| *source == Some(ValueSource::CommandLine));
        if flags.count() > 1 {
            let message =
                "--url, --broker and --aws-endpoint exclude each other: each says where the queues are\n";
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
        let route = Route::of(source("url"), source("broker"), source("aws_endpoint"))?;
        Ok(Self { flags: Flags::from_arg_matches(matches)?, route })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A running command: the queues it works on, and where and how it writes.
pub(super) struct Queues<'a> {
    pub(super) admin: Box<dyn QueueAdmin>,
    pub(super) format: Format,
    pub(super) output: &'a mut Output,
    broker: Option<Arc<RabbitMq>>,
}

impl ConnectionArgs {
    /// Prepares the way to the queues. Sends nothing, except on SQS, where it looks up the queues.
    ///
    /// # Errors
    /// If the certificates cannot be read, the token cannot be a header value, the HTTP client cannot be set up, or a queue does not exist.
    pub(super) async fn open(self, output: &mut Output) -> Result<Queues<'_>, DlqError> {
        let Flags { system, broker, aws_endpoint } = self.flags;
        let format = system.format();
        match (self.route, aws_endpoint) {
            (Route::Sqs, Some(endpoint)) => Queues::at_sqs(&endpoint, format, output).await,
            (Route::Broker, _) => {
                match broker.address().map_err(|error| DlqError::Broker(format!("{error:#}")))? {
                    Some(address) => Ok(Queues::at_broker(address, format, output)),
                    None => Ok(Queues::at_system(system.open(output)?)),
                }
            }
            (Route::System | Route::Sqs, _) => Ok(Queues::at_system(system.open(output)?)),
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

    /// Writes JSON, indented.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub(super) fn write_json(&mut self, json: &str) -> Result<(), DlqError> {
        Ok(self.output.line(pretty(json))?)
    }

    /// Closes the connection to RabbitMQ, which otherwise logs a lost client.
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
    fn flags_take_precedence_over_variables_and_exclude_each_other() {
        for (system, broker, sqs, route) in [
            (DefaultValue, None, None, Route::System),
            (CommandLine, None, None, Route::System),
            (DefaultValue, Some(EnvVariable), None, Route::Broker),
            (EnvVariable, Some(EnvVariable), None, Route::System),
            (CommandLine, Some(EnvVariable), None, Route::System),
            (EnvVariable, Some(CommandLine), None, Route::Broker),
            (DefaultValue, None, Some(EnvVariable), Route::Sqs),
            (DefaultValue, Some(EnvVariable), Some(EnvVariable), Route::Broker),
            (EnvVariable, None, Some(EnvVariable), Route::System),
            (EnvVariable, Some(EnvVariable), Some(CommandLine), Route::Sqs),
            (DefaultValue, Some(CommandLine), Some(EnvVariable), Route::Broker),
        ] {
            let found = Route::of(Some(system), broker, sqs).unwrap();
            assert_eq!(found, route, "{system:?} {broker:?} {sqs:?}");
        }
        for (system, broker, sqs) in [
            (CommandLine, Some(CommandLine), None),
            (CommandLine, None, Some(CommandLine)),
            (DefaultValue, Some(CommandLine), Some(CommandLine)),
        ] {
            assert!(Route::of(Some(system), broker, sqs).is_err(), "{system:?} {broker:?} {sqs:?}");
        }
    }
}
