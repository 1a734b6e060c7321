//! How the commands reach the queues: over HTTP, RabbitMQ or SQS.

use std::sync::Arc;

use clap::Arg;
use orderflow_bridge::rabbitmq::{BrokerAddress, RabbitAdmin, RabbitMq};
use orderflow_bridge::sdk_config;
use orderflow_messaging::QueueAdmin;
use orderflow_settings::declared::{AWS_ENDPOINT, BROKER, URL};
use orderflow_settings::{Program, Reader, Refused, Setting, Snapshot, Source, read};
use orderflow_sqs::{Sqs, SqsAdmin, SqsNames};
use orderflow_store::read_prefix;
use orderflow_system::BaseUrl;

use super::DlqError;
use super::http_admin::HttpAdmin;
use crate::client::output::json_text::pretty;
use crate::client::session::{ConnectionSettings, Format, Session};
use crate::client::{ClientError, Output};
use crate::settings::{self, FlagSet, SettingFlags};

const BROKER_HELP: &str = "Connect to this RabbitMQ instead of a running system: amqp://user:password@host:5672/%2f, or amqps:// for TLS \
    [env: ORDERFLOW_BROKER=]";
const AWS_ENDPOINT_HELP: &str = "Use the queues of SQS at this endpoint instead of a running system. Their names begin with \
    ORDERFLOW_PREFIX [env: ORDERFLOW_AWS_ENDPOINT=]";

/// The flags that name a running system or its broker.
#[derive(clap::Args)]
pub(super) struct QueueConnectionArgs {
    #[command(flatten)]
    flags: SettingFlags<DlqFlags>,

    /// Print the server's JSON instead of a table.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

enum DlqFlags {}

impl FlagSet for DlqFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::Dlq)
    }

    fn adapt(flag: Arg) -> Arg {
        let flag = match flag.get_id().as_str() {
            "broker" => flag.help(BROKER_HELP),
            "aws-endpoint" => flag.help(AWS_ENDPOINT_HELP),
            _ => flag,
        };
        flag.global(true).help_heading("Connection")
    }
}

/// How the queues are reached.
enum Route {
    /// Over HTTP, through a running system.
    System(ConnectionSettings),
    /// Directly, on RabbitMQ.
    RabbitMq(BrokerAddress),
    /// Directly, on SQS at an endpoint, with the prefix of the names of the queues.
    Sqs(BaseUrl, String),
}

impl Route {
    /// Chooses by precedence: a flag before the environment, the environment before `.env`, and that before a default. Of several settings
    /// from one source, the running system, which all other commands use, comes first, then RabbitMQ, then SQS.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let settings = [&URL, &BROKER, &AWS_ENDPOINT];
        let flags = settings.iter().filter(|setting| reader.snapshot().source(setting) == Source::Flag);
        if flags.count() > 1 {
            let text =
                "--url, --broker and --aws-endpoint exclude each other: each says where the queues are";
            return Err(reader.conflict(settings, |_| text.to_owned()));
        }
        let [system, broker, sqs] = settings.map(|setting| reader.snapshot().source(setting).precedence());
        let connection = ConnectionSettings::read(reader);
        let rabbitmq = settings::broker(reader);
        let endpoint = settings::base_url(reader, &AWS_ENDPOINT);
        let prefix = read_prefix(reader);
        if sqs > system && sqs > broker {
            settings::protect_credentials(reader, &AWS_ENDPOINT);
            Ok(Self::Sqs(reader.require(&AWS_ENDPOINT, "", endpoint)?, prefix))
        } else if broker > system {
            Ok(Self::RabbitMq(reader.require(&BROKER, "", rabbitmq)?))
        } else {
            Ok(Self::System(connection?.protect_token(reader)?))
        }
    }
}

/// A running command: the queues it works on, and where and how it writes.
pub(super) struct Queues<'a> {
    pub(super) admin: Box<dyn QueueAdmin>,
    pub(super) format: Format,
    pub(super) output: &'a mut Output,
    broker: Option<Arc<RabbitMq>>,
    /// The address of the queues, unless a running system was asked; without a password.
    place: Option<String>,
}

impl QueueConnectionArgs {
    /// Prepares the way to the queues. Sends nothing, except on SQS, where it looks up the queues.
    ///
    /// # Errors
    /// If settings cannot be used, the HTTP client cannot be set up, or a queue does not exist.
    pub(super) async fn open<'a>(
        self,
        environment: &'a Snapshot,
        output: &'a mut Output,
    ) -> Result<Queues<'a>, DlqError> {
        let format = if self.json { Format::Json } else { Format::Table };
        match read(&self.flags.over(environment), Route::read).map_err(ClientError::from)? {
            Route::System(settings) => {
                Ok(Queues::at_system(Session::open(settings, format, environment, output)?))
            }
            Route::RabbitMq(address) => Ok(Queues::at_broker(address, format, output)),
            Route::Sqs(endpoint, prefix) => Queues::at_sqs(&endpoint, prefix, format, output).await,
        }
    }
}

impl<'a> Queues<'a> {
    fn at_system(session: Session<'a>) -> Self {
        let Session { api, format, output, .. } = session;
        Self { admin: Box::new(HttpAdmin::new(api)), format, output, broker: None, place: None }
    }

    fn at_broker(address: BrokerAddress, format: Format, output: &'a mut Output) -> Self {
        let place = Some(address.uri.to_string());
        let broker = RabbitMq::new(address);
        Self {
            admin: Box::new(RabbitAdmin::new(broker.clone())),
            format,
            output,
            broker: Some(broker),
            place,
        }
    }

    async fn at_sqs(
        endpoint: &BaseUrl,
        prefix: String,
        format: Format,
        output: &'a mut Output,
    ) -> Result<Self, DlqError> {
        let config = sdk_config(Some(&endpoint.to_string())).await;
        let found = Sqs::find(&config, SqsNames::new(prefix)).await;
        let queues = Arc::new(found.map_err(|error| {
            DlqError::Queues(format!("the queues at {endpoint} cannot be found: {error}"))
        })?);
        let place = Some(endpoint.to_string());
        Ok(Self { admin: Box::new(SqsAdmin::new(queues)), format, output, broker: None, place })
    }

    /// Writes JSON, indented.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub(super) fn write_json(&mut self, json: &str) -> Result<(), DlqError> {
        Ok(self.output.json(&pretty(json))?)
    }

    /// Returns the address of the queues, if the command works on them without a running system.
    pub(super) fn reached_directly(&self) -> Option<&str> {
        self.place.as_deref()
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
    use orderflow_settings::SettingsError;

    use super::*;

    const VALUES: [(&Setting, &str); 3] =
        [(&URL, "http://s"), (&BROKER, "amqp://b"), (&AWS_ENDPOINT, "http://a")];

    /// Reads the route from the settings of the system, of the broker and of SQS, each from the source that its letter stands for: `-` none,
    /// `e` the environment, `f` a flag.
    fn route(sources: &str) -> Result<&'static str, SettingsError> {
        let of =
            |letter: char| VALUES.iter().zip(sources.chars()).filter(move |(_, source)| *source == letter);
        let environment = of('e').map(|((setting, value), _)| (setting.variable, *value));
        let environment = Snapshot::from_variables(environment);
        let snapshot =
            of('f').fold(environment, |snapshot, ((setting, value), _)| snapshot.with_flag(setting, *value));
        read(&snapshot, Route::read).map(|route| match route {
            Route::System(_) => "system",
            Route::RabbitMq(_) => "rabbitmq",
            Route::Sqs(..) => "sqs",
        })
    }

    #[test]
    fn flags_take_precedence_over_variables_and_exclude_each_other() {
        for (sources, expected) in [
            ("---", "system"),
            ("f--", "system"),
            ("-e-", "rabbitmq"),
            ("ee-", "system"),
            ("fe-", "system"),
            ("ef-", "rabbitmq"),
            ("--e", "sqs"),
            ("-ee", "rabbitmq"),
            ("e-e", "system"),
            ("eef", "sqs"),
            ("-fe", "rabbitmq"),
        ] {
            assert_eq!(route(sources), Ok(expected), "{sources}");
        }
        for sources in ["ff-", "f-f", "-ff"] {
            assert!(route(sources).is_err(), "{sources}");
        }
    }
}
