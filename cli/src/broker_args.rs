//! The flags that name a RabbitMQ, for every command that connects to one.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use orderflow_bridge::rabbitmq::{BrokerAddress, BrokerUri};

/// The RabbitMQ that carries the events.
#[derive(Debug, Clone, clap::Args)]
pub struct BrokerArgs {
    /// The URL of the RabbitMQ that carries the events: amqp://user:password@host:5672/%2f, or amqps:// for TLS.
    #[arg(long, env = "ORDERFLOW_BROKER", hide_env_values = true, value_name = "URL", value_parser = BrokerUriParser)]
    pub broker: Option<BrokerUri>,

    /// A PEM file with the certificates of the CA that signed the broker's certificate, if the machine does not trust it.
    #[arg(long, env = "ORDERFLOW_BROKER_CA", value_name = "FILE")]
    pub broker_ca: Option<PathBuf>,
}

impl BrokerArgs {
    /// Returns the address of the broker, or `None` if no flag names one.
    ///
    /// # Errors
    /// If the file with certificates cannot be read.
    pub(crate) fn address(&self) -> anyhow::Result<Option<BrokerAddress>> {
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .with_context(|| format!("--broker-ca {} cannot be read", file.display()))
        };
        let ca_certificates = self.broker_ca.as_ref().map(read).transpose()?;
        Ok(self.broker.clone().map(|uri| BrokerAddress { uri, ca_certificates }))
    }
}

/// Parses the URL of the broker. Its errors, unlike those of clap, do not repeat the value, which may contain a password.
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
    fn the_error_for_an_invalid_url_does_not_contain_the_password() {
        let error = Program::try_parse_from(["x", "--broker", "amqp:shop:s3cret"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert!(text.contains("--broker must be an address") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn the_error_names_the_certificate_file_that_cannot_be_read() {
        let program =
            Program::try_parse_from(["x", "--broker", "amqps://b", "--broker-ca", "/nowhere/ca.pem"]);
        let error = program.unwrap().broker.address().unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
