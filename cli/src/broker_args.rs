//! Which RabbitMQ is meant, for every command that talks to one.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use orderflow_bridge::rabbitmq::{BrokerAddress, BrokerUri};

/// Which RabbitMQ carries the events.
#[derive(Debug, Clone, clap::Args)]
pub struct BrokerArgs {
    /// The RabbitMQ that carries events: amqp://user:password@host:5672/%2f, or amqps:// for TLS.
    #[arg(long, env = "ORDERFLOW_BROKER", hide_env_values = true, value_name = "URL", value_parser = BrokerUriParser)]
    pub broker: Option<BrokerUri>,

    /// A file with the certificates (PEM) of who signs for the broker, where the machine does not know them.
    #[arg(long, env = "ORDERFLOW_BROKER_CA", value_name = "FILE")]
    pub broker_ca: Option<PathBuf>,
}

impl BrokerArgs {
    /// The broker; none where none is named.
    ///
    /// # Errors
    /// Where the file of certificates cannot be read.
    pub(crate) fn address(&self) -> anyhow::Result<Option<BrokerAddress>> {
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .with_context(|| format!("--broker-ca {} cannot be read", file.display()))
        };
        let ca_certificates = self.broker_ca.as_ref().map(read).transpose()?;
        Ok(self.broker.clone().map(|uri| BrokerAddress { uri, ca_certificates }))
    }
}

/// Reads the broker's address. Unlike clap's own errors, those of this one do not repeat the value: it may hold a password.
#[derive(Debug, Clone)]
struct BrokerUriParser;

impl TypedValueParser for BrokerUriParser {
    type Value = BrokerUri;

    fn parse_ref(
        &self,
        command: &Command,
        _argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<BrokerUri, clap::Error> {
        let refused = |reason: String| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("--broker {reason}\n")).with_cmd(command)
        };
        let text = value.to_str().ok_or_else(|| refused("must be UTF-8".to_owned()))?;
        text.parse::<BrokerUri>().map_err(|error| refused(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        broker: BrokerArgs,
    }

    #[test]
    fn a_bad_address_is_refused_without_its_password() {
        let error = Program::try_parse_from(["x", "--broker", "amqp:shop:s3cret"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert!(text.contains("--broker must be an address") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn certificates_that_cannot_be_read_are_named() {
        let program =
            Program::try_parse_from(["x", "--broker", "amqps://b", "--broker-ca", "/nowhere/ca.pem"]);
        let error = program.unwrap().broker.address().unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
