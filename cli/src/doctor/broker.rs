//! The broker outside of the process.

use orderflow_bridge::rabbitmq::{BrokerProbe, Permission, RabbitError, probe};
use orderflow_bridge::sdk_config;
use orderflow_sqs::{Sqs, SqsNames};
use orderflow_system::{BaseUrl, BrokerLocation};

use super::check::Check;

const RABBITMQ: &str = "rabbitmq";
const SQS: &str = "sqs";

/// The oldest RabbitMQ with everything that the program uses, as its major and minor version.
const OLDEST: (u32, u32) = (3, 10);

/// Checks the broker, if the settings name one.
pub(super) async fn check(broker: Option<&BrokerLocation>, prefix: &str) -> Vec<Check> {
    match broker {
        None => Vec::new(),
        Some(BrokerLocation::RabbitMq(address)) => match probe(address).await {
            Ok(probe) => probed(&address.uri.to_string(), &probe),
            Err(error) => vec![Check::failed(RABBITMQ, error.to_string(), advice(&error))],
        },
        Some(BrokerLocation::Sqs(endpoint)) => vec![queues(endpoint, prefix).await],
    }
}

fn advice(error: &RabbitError) -> &'static str {
    match error {
        RabbitError::Unreachable { reason, .. } if reason.contains("ACCESS_REFUSED") => {
            "correct user name and password in --broker, or create the account: `rabbitmqctl add_user`"
        }
        RabbitError::Unreachable { reason, .. } if reason.contains("vhost") => {
            "correct the virtual host at the end of --broker, or create it: `rabbitmqctl add_vhost`"
        }
        _ => "start one, for example `docker run --rm -p 5672:5672 rabbitmq:4`, or correct --broker",
    }
}

fn probed(broker: &str, probe: &BrokerProbe) -> Vec<Check> {
    vec![version(broker, probe.version.as_deref()), permissions(probe)]
}

fn version(broker: &str, version: Option<&str>) -> Check {
    let Some(version) = version else {
        return Check::ok(RABBITMQ, format!("{broker} answers; it names no version"));
    };
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let found = format!("{broker} is RabbitMQ {version}");
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST => {
            let (major, minor) = OLDEST;
            Check::failed(RABBITMQ, found, format!("use RabbitMQ {major}.{minor} or later"))
        }
        _ => Check::ok(RABBITMQ, found),
    }
}

/// An account that may not declare works where everything is declared already.
fn permissions(probe: &BrokerProbe) -> Check {
    const NAME: &str = "permissions";
    let needed = probe
        .lacking
        .iter()
        .filter(|refusal| refusal.permission != Permission::Configure || !probe.missing.is_empty());
    let needed: Vec<String> = needed.map(ToString::to_string).collect();
    if !needed.is_empty() {
        return Check::failed(
            NAME,
            format!("the account lacks {}", needed.join("; ")),
            "give it with `rabbitmqctl set_permissions`; docs/guides/rabbitmq.md lists what is needed",
        );
    }
    let missing = probe.missing.len();
    Check::ok(
        NAME,
        match (missing, probe.lacking.is_empty()) {
            (0, true) => "the account may declare, publish and read; everything is declared".to_owned(),
            (0, false) => "the account may publish and read; everything is declared".to_owned(),
            _ => format!(
                "the account may declare, publish and read; the start declares {missing} exchanges and queues"
            ),
        },
    )
}

async fn queues(endpoint: &BaseUrl, prefix: &str) -> Check {
    let config = sdk_config(Some(&endpoint.to_string())).await;
    match Sqs::find(&config, SqsNames::new(prefix.to_owned())).await {
        Ok(_) => Check::ok(SQS, format!("{endpoint} has the queues of {prefix}")),
        Err(error) => {
            let text = error.to_string();
            if ["NonExistentQueue", "QueueDoesNotExist", "does not exist"]
                .iter()
                .any(|word| text.contains(word))
            {
                return Check::ok(
                    SQS,
                    format!("{endpoint} answers; the start creates the queues of {prefix}"),
                );
            }
            let advice = "start the emulator, for example `docker compose --profile ministack up`, or correct --aws-endpoint and the credentials of AWS";
            Check::failed(SQS, format!("{endpoint}: {text}"), advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use orderflow_bridge::rabbitmq::Refusal;

    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn a_broker_that_is_too_old_is_refused() {
        for (found, state) in [
            (Some("3.9.29"), State::Failed),
            (Some("3.10.8"), State::Ok),
            (Some("4.1.0"), State::Ok),
            (Some("weekly"), State::Ok),
            (None, State::Ok),
        ] {
            assert_eq!(version("h:1", found).state, state, "{found:?}");
        }
    }

    #[test]
    fn a_permission_to_declare_is_needed_only_while_something_is_missing() {
        let configure = Refusal { permission: Permission::Configure, resource: "queue 'q'".to_owned() };
        let write = Refusal { permission: Permission::Write, resource: "exchange 'e'".to_owned() };
        let state = |lacking: &[&Refusal], missing: &[&str]| {
            let lacking = lacking.iter().map(|&refusal| refusal.clone()).collect();
            let missing = missing.iter().map(|&name| name.to_owned()).collect();
            permissions(&BrokerProbe { version: None, lacking, missing }).state
        };
        assert_eq!(state(&[&configure], &[]), State::Ok);
        assert_eq!(state(&[&configure], &["orderflow.events"]), State::Failed);
        assert_eq!(state(&[&write], &[]), State::Failed);
        assert_eq!(state(&[], &["orderflow.events"]), State::Ok);
    }
}
