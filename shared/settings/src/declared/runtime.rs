//! Logs and traces, and what a deployment gives to its functions.

use super::programs::{BUNDLES, LOGGING, QUEUE_BUNDLES};
use crate::Kind::{HttpUrl, OneOf, Text};
use crate::Program::{Analytics, InventoryReserve, Notification, OrderTracker, OutboxRelay, Payment};
use crate::Secrecy::Credentials;
use crate::{Section, Setting};

/// The form of log lines.
pub static LOG_FORMAT: Setting = Setting::new("LOG_FORMAT", OneOf(&["json", "pretty"]), Section::Telemetry)
    .example("json")
    .help("The form of log lines. Without it, `pretty` on a terminal, otherwise `json`.")
    .read_by(LOGGING);

/// The log levels.
pub static RUST_LOG: Setting = Setting::new(
    "RUST_LOG",
    Text {
        placeholder: "LEVELS",
        allowed: "a level (off, error, warn, info, debug, trace) or a list of levels and target=level, such as \
                  info,orderflow_http=debug",
    },
    Section::Telemetry,
)
.default("info")
.help("Which events are logged: a level, or a list such as info,orderflow_http=debug.")
.read_by(LOGGING);

/// The collector of spans.
pub static OTLP_ENDPOINT: Setting = Setting::new("OTEL_EXPORTER_OTLP_ENDPOINT", HttpUrl, Section::Telemetry)
    .example("http://127.0.0.1:4318")
    .help("The collector that spans are sent to by OTLP over HTTP, without /v1/traces. Without it, no spans are made.")
    .secrecy(Credentials)
    .read_by(LOGGING);

/// The topic that events are published to.
pub static TOPIC_ARN: Setting = Setting::new(
    "TOPIC_ARN",
    Text { placeholder: "ARN", allowed: "the ARN of an SNS topic, arn:..." },
    Section::Functions,
)
.example("arn:aws:sns:eu-central-1:123456789012:orderflow-events")
.help("The SNS topic that events are published to. Required.")
.read_by(&[OutboxRelay]);

/// The queue that triggers the function.
pub static QUEUE_URL: Setting = Setting::new("QUEUE_URL", HttpUrl, Section::Functions)
    .example("https://sqs.eu-central-1.amazonaws.com/123456789012/orderflow-payment")
    .help("The SQS queue that triggers the function. Needs DEAD_LETTER_QUEUE_URL. Under `orderflow bridge` there is none.")
    .secrecy(Credentials)
    .read_by(QUEUE_BUNDLES);

/// The queue of dead letters.
pub static DEAD_LETTER_QUEUE_URL: Setting = Setting::new(
    "DEAD_LETTER_QUEUE_URL",
    HttpUrl,
    Section::Functions,
)
.example("https://sqs.eu-central-1.amazonaws.com/123456789012/orderflow-payment-dlq")
.help("The SQS queue that dead letters are sent to. Required by `outbox-relay`, and where QUEUE_URL is set.")
.secrecy(Credentials)
.read_by(&[OrderTracker, InventoryReserve, Payment, Notification, Analytics, OutboxRelay]);

/// The endpoint of an emulator of AWS.
pub static AWS_ENDPOINT_URL: Setting = Setting::new("AWS_ENDPOINT_URL", HttpUrl, Section::Functions)
    .example("http://127.0.0.1:4566")
    .help(
        "The endpoint of an emulator of AWS. AWS_ENDPOINT_URL_DYNAMODB and so on set that of one service. Of the other variables of the \
         AWS SDK, functions read those of the region and of the credentials.",
    )
    .secrecy(Credentials)
    .read_by(BUNDLES);
