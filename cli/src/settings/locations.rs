//! The settings that locate the tables and the broker.

use std::fs;
use std::path::PathBuf;

use orderflow_bridge::rabbitmq::{BrokerAddress, BrokerUri};
use orderflow_engine::{Location, SyncMode};
use orderflow_settings::declared::{
    AWS_ENDPOINT, AWS_ENDPOINT_URL, BROKER, BROKER_CA, BROKER_PASSWORD_FILE, DATA_DIR, DYNAMODB_ENDPOINT,
    EPHEMERAL, SYNC,
};
use orderflow_settings::{NotAllowed, Reader, Refused, Setting, Source};
use orderflow_store::read_prefix;
use orderflow_system::{BaseUrl, BaseUrlError, EmbeddedStore, StoreLocation};

/// Reads a setting that is a base URL.
pub(crate) fn base_url(reader: &mut Reader<'_>, setting: &'static Setting) -> Option<BaseUrl> {
    let url = reader.optional(setting, parse_base_url)?;
    url.map_err(|error| reader.refuse_because(setting, format!("it {error}"))).ok()
}

/// Reads the endpoint of services of AWS, which receives the credentials of AWS.
pub(crate) fn aws_endpoint(reader: &mut Reader<'_>, setting: &'static Setting) -> Option<BaseUrl> {
    let url = base_url(reader, setting)?;
    protect_credentials(reader, setting);
    Some(url)
}

/// Refuses to send credentials of AWS, such as a session token, over plain HTTP to another host that only a file `.env` names in this setting or in
/// the SDK's own.
pub(crate) fn protect_credentials(reader: &mut Reader<'_>, endpoint: &'static Setting) {
    for setting in [endpoint, &AWS_ENDPOINT_URL] {
        if reader.snapshot().is_unencrypted_in_file(setting) {
            let _refused = reader.conflict([setting], |[name]| {
                format!(
                    "credentials of AWS are not sent over plain HTTP to another host, because {name} comes from a file: use https://, or set {} in the environment",
                    setting.variable
                )
            });
        }
    }
}

/// Reads a setting that is a base URL and has a default.
///
/// # Errors
/// [`Refused`] if the URL has parts that a base URL must not have.
pub(crate) fn base_url_or_default(
    reader: &mut Reader<'_>,
    setting: &'static Setting,
) -> Result<BaseUrl, Refused> {
    reader
        .value(setting, parse_base_url)
        .map_err(|error| reader.refuse_because(setting, format!("it {error}")))
}

/// Parses a base URL. The inner error is that of an HTTP URL with parts that a base URL must not have.
fn parse_base_url(text: &str) -> Result<Result<BaseUrl, BaseUrlError>, NotAllowed> {
    match text.parse() {
        Err(BaseUrlError::Unreadable | BaseUrlError::Scheme) => Err(NotAllowed),
        parsed => Ok(parsed),
    }
}

/// Reads the address of the RabbitMQ that carries the events, if a setting names one.
pub(crate) fn broker(reader: &mut Reader<'_>) -> Option<BrokerAddress> {
    // The declaration says what is allowed; the reason of the parser says it again, or quotes a part that may be secret.
    let uri = reader.optional(&BROKER, |text| text.trim().parse::<BrokerUri>().map_err(|_| NotAllowed));
    let ca_certificates = reader.content(&BROKER_CA, |path| fs::read_to_string(path));
    let password = reader.content(&BROKER_PASSWORD_FILE, |path| fs::read_to_string(path));
    for needs_broker in [&BROKER_CA, &BROKER_PASSWORD_FILE] {
        if reader.is_given(needs_broker) && !reader.is_given(&BROKER) {
            let _refused = reader.conflict([needs_broker, &BROKER], |[given, broker]| {
                format!("{given} needs {broker}: without it no broker is used")
            });
        }
    }
    let uri = match password {
        // A file ends with a line break.
        Some(password) => {
            if reader.snapshot().is_unencrypted_in_file(&BROKER) {
                let _refused = reader.conflict([&BROKER_PASSWORD_FILE, &BROKER], |[password, broker]| {
                    format!(
                        "{password} is not sent over plain AMQP to another host, because {broker} comes from a file: use amqps://, or set it in the environment"
                    )
                });
            }
            uri?.with_password(password.trim_end_matches(['\r', '\n']))
        }
        None => uri?,
    };
    Some(BrokerAddress { uri, ca_certificates })
}

/// Reads the location of the tables: an endpoint, the data directory, or memory.
pub(crate) fn store(reader: &mut Reader<'_>) -> StoreLocation {
    reader.exclude(&AWS_ENDPOINT, &DYNAMODB_ENDPOINT);
    let aws = aws_endpoint(reader, &AWS_ENDPOINT);
    let dynamodb = aws_endpoint(reader, &DYNAMODB_ENDPOINT);
    let embedded = embedded(reader);
    for endpoint in [&AWS_ENDPOINT, &DYNAMODB_ENDPOINT] {
        refuse_unused(reader, &DATA_DIR, endpoint);
        refuse_unused(reader, &EPHEMERAL, endpoint);
    }
    aws.or(dynamodb).map_or(StoreLocation::Embedded(embedded), StoreLocation::Endpoint)
}

/// Reads where the embedded store keeps its data, the data directory or memory, and what an answered write survives.
pub(crate) fn embedded(reader: &mut Reader<'_>) -> EmbeddedStore {
    let folder = data_dir(reader);
    let is_in_memory = reader.switch(&EPHEMERAL);
    if is_in_memory {
        refuse_unused(reader, &DATA_DIR, &EPHEMERAL);
    }
    let location = if is_in_memory { Location::Memory } else { Location::Directory(folder) };
    let sync = match reader.one_of(&SYNC) {
        Some("normal") => SyncMode::Normal,
        _ => SyncMode::Full,
    };
    EmbeddedStore { location, sync }
}

/// Refuses a flag that another setting makes useless: a folder that is named on the command line and stays empty would be a surprise. A variable
/// may remain set, as that of the container image does.
fn refuse_unused(reader: &mut Reader<'_>, unused: &'static Setting, because_of: &'static Setting) {
    let is_flag = reader.snapshot().source(unused) == Source::Flag;
    if is_flag && reader.snapshot().source(because_of) != Source::Default {
        let _refused = reader.conflict([unused, because_of], |[unused, because_of]| {
            format!("{unused} has no effect with {because_of}: give only one of them")
        });
    }
}

/// Reads the data directory. Its path has to be UTF-8, which SQLite requires.
fn data_dir(reader: &mut Reader<'_>) -> PathBuf {
    reader.value(&DATA_DIR, |text| Ok::<_, NotAllowed>(PathBuf::from(text)))
}

/// Reads the location of existing tables, and the prefix of their names. It ignores memory, whose tables end with the program.
pub(crate) fn tables(reader: &mut Reader<'_>) -> (StoreLocation, String) {
    reader.exclude(&AWS_ENDPOINT, &DYNAMODB_ENDPOINT);
    let aws = aws_endpoint(reader, &AWS_ENDPOINT);
    let dynamodb = aws_endpoint(reader, &DYNAMODB_ENDPOINT);
    let folder = data_dir(reader);
    refuse_unused(reader, &DATA_DIR, &AWS_ENDPOINT);
    refuse_unused(reader, &DATA_DIR, &DYNAMODB_ENDPOINT);
    let embedded = StoreLocation::Embedded(Location::Directory(folder).into());
    (aws.or(dynamodb).map_or(embedded, StoreLocation::Endpoint), read_prefix(reader))
}

#[cfg(test)]
mod tests {
    use orderflow_settings::{Snapshot, read};

    use super::*;

    fn refusal<T>(snapshot: &Snapshot, settings: impl FnOnce(&mut Reader<'_>) -> T) -> String {
        read(snapshot, |reader| Ok(settings(reader))).err().unwrap().to_string()
    }

    #[test]
    fn a_bad_address_is_refused_without_its_password() {
        for address in ["amqp:shop:s3cret", "http://shop:s3cret@h", "amqp://shop:s3cret@h:x"] {
            let error = refusal(&Snapshot::default().with_flag(&BROKER, address), broker);
            assert!(error.starts_with("--broker: ") && error.contains("is not a URL such as"), "{error}");
            assert!(error.ends_with("or amqps:// for TLS"), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_flag_that_would_have_no_effect_is_refused() {
        let folder = Snapshot::default().with_flag(&DATA_DIR, "/data");
        for other in [&EPHEMERAL, &DYNAMODB_ENDPOINT, &AWS_ENDPOINT] {
            let value = if std::ptr::eq(other, &EPHEMERAL) { "true" } else { "http://127.0.0.1:8000" };
            let text = refusal(&folder.clone().with_flag(other, value), store);
            let flag = other.flag.unwrap();
            assert_eq!(text, format!("--data-dir has no effect with --{flag}: give only one of them"));
        }
        let ephemeral = Snapshot::default().with_flag(&EPHEMERAL, "true");
        let text = refusal(&ephemeral.with_flag(&DYNAMODB_ENDPOINT, "http://127.0.0.1:8000"), store);
        assert_eq!(text, "--ephemeral has no effect with --dynamodb-endpoint: give only one of them");
        // The container image sets the variable.
        let variables = Snapshot::from_variables([("ORDERFLOW_DATA_DIR", "/data")]);
        let read_with = |flags: Snapshot| read(&flags, |reader| Ok(store(reader))).is_ok();
        assert!(read_with(variables.with_flag(&EPHEMERAL, "true")));
        assert!(read_with(folder.with_flag(&EPHEMERAL, "false")));
    }

    #[test]
    fn certificates_that_cannot_be_read_are_named() {
        let flags = Snapshot::default().with_flag(&BROKER, "amqps://b");
        let error = refusal(&flags.with_flag(&BROKER_CA, "/nowhere/ca.pem"), broker);
        assert!(error.starts_with(r#"--broker-ca: "/nowhere/ca.pem" cannot be read: "#), "{error}");
    }

    #[test]
    fn a_setting_of_the_broker_without_the_broker_is_refused() {
        let text = refusal(&Snapshot::default().with_flag(&BROKER_CA, "/dev/null"), broker);
        assert_eq!(text, "--broker-ca needs --broker or ORDERFLOW_BROKER: without it no broker is used");
    }

    #[test]
    fn the_password_of_the_broker_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "p@ss/word \n").unwrap();
        let flags =
            Snapshot::default().with_flag(&BROKER, "amqp://shop@b").with_flag(&BROKER_PASSWORD_FILE, &file);
        let address = read(&flags, |reader| Ok(broker(reader))).unwrap().unwrap();
        assert!(address.uri.has_credentials("shop", "p@ss/word "));
        let missing =
            Snapshot::default().with_flag(&BROKER, "amqp://b").with_flag(&BROKER_PASSWORD_FILE, "/nowhere");
        assert!(
            refusal(&missing, broker).starts_with("--broker-password-file: \"/nowhere\" cannot be read: ")
        );
    }

    #[test]
    fn an_endpoint_with_a_password_is_refused_without_showing_it() {
        let flags = Snapshot::default().with_flag(&DYNAMODB_ENDPOINT, "http://user:s3cret@h");
        let expected = "--dynamodb-endpoint: \"http://***@h\" cannot be used: it must not contain a user name, password, query or fragment";
        assert_eq!(refusal(&flags, store), expected);
    }

    #[test]
    fn endpoints_that_exclude_each_other_are_named_as_given() {
        let environment = Snapshot::from_variables([(AWS_ENDPOINT.variable, "http://a")]);
        let error = refusal(&environment.with_flag(&DYNAMODB_ENDPOINT, "http://b"), store);
        let expected =
            "ORDERFLOW_AWS_ENDPOINT and --dynamodb-endpoint exclude each other: give only one of them";
        assert_eq!(error, expected);
    }
}
