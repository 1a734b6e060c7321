//! The broker, and how messages and orders are processed.

use super::{MILLISECONDS, PARTS, programs::DELIVERING};
use crate::Kind::{Duration, File, SomeOf, Text, WholeNumber};
use crate::Program::{Bridge, Dlq, InventoryReserve, OrderExpiry, Up};
use crate::Secrecy::Credentials;
use crate::{Section, Setting};

/// The RabbitMQ that carries events.
pub static BROKER: Setting = Setting::new(
    "ORDERFLOW_BROKER",
    Text { placeholder: "URL", allowed: "a URL such as amqp://user:password@host:5672/%2f, or amqps:// for TLS" },
    Section::Broker,
)
.flag("broker")
.example("amqp://guest:guest@127.0.0.1:5672/%2f")
.help("The RabbitMQ that carries events: amqp://user:password@host:5672/%2f, or amqps:// for TLS. Without one, events stay in the process.")
.secrecy(Credentials)
.read_by(&[Up, Bridge, Dlq]);

/// The file with the password of the broker.
pub static BROKER_PASSWORD_FILE: Setting =
    Setting::new("ORDERFLOW_BROKER_PASSWORD_FILE", File, Section::Broker)
        .flag("broker-password-file")
        .example("/run/secrets/rabbitmq")
        .help("A file whose text is the password for the broker. It replaces the one in ORDERFLOW_BROKER.")
        .read_by(&[Up, Bridge, Dlq]);

/// Certificates to trust for the broker.
pub static BROKER_CA: Setting = Setting::new("ORDERFLOW_BROKER_CA", File, Section::Broker)
    .flag("broker-ca")
    .example("/etc/ssl/broker.pem")
    .help("A file of CA certificates (PEM) to trust for the broker, in addition to those of the machine.")
    .read_by(&[Up, Bridge, Dlq]);

/// The parts that the process runs.
pub static ONLY: Setting = Setting::new("ORDERFLOW_ONLY", SomeOf(PARTS), Section::Broker)
    .flag("only")
    .example("order-intake,shop-api")
    .help(
        "Run only these parts, separated by commas: order-intake, shop-api, outbox-relay, order-expiry, and the consumers order-tracker, \
         inventory-reserve, payment, notification and analytics. Without it, all run. Needs --broker and --dynamodb-endpoint, or \
         --aws-endpoint, because the parts have to share a broker and a store.",
    )
    .read_by(&[Up]);

/// Attempts of a delivery before it is dead-lettered.
pub static MAX_ATTEMPTS: Setting =
    Setting::new("ORDERFLOW_MAX_ATTEMPTS", WholeNumber { min: 1, unit: None }, Section::Processing)
        .default("12")
        .help("How many attempts an event gets before it is dead-lettered. It is never dead-lettered within ten minutes of the first.")
        .read_by(DELIVERING);

/// The delay before the first retry.
pub static RETRY_BASE_MS: Setting =
    Setting::new("ORDERFLOW_RETRY_BASE_MS", WholeNumber { min: 1, unit: MILLISECONDS }, Section::Processing)
        .default("200")
        .help("The delay before the first retry. It doubles with each attempt, with random jitter.")
        .read_by(DELIVERING);

/// The longest delay before a retry.
pub static RETRY_CAP_MS: Setting =
    Setting::new("ORDERFLOW_RETRY_CAP_MS", WholeNumber { min: 1, unit: MILLISECONDS }, Section::Processing)
        .default("120000")
        .help("The longest delay before a retry.")
        .read_by(DELIVERING);

/// The time without progress after which the event of an open order is sent again.
pub static ORDER_RESEND_AFTER: Setting = Setting::new("ORDER_RESEND_AFTER", Duration, Section::Processing)
    .former_variable("ORDER_REDRIVE_AFTER")
    .default("2m")
    .help("How long an open order makes no progress before its last event is sent again. Doubles each time.")
    .read_by(&[Up, Bridge, OrderExpiry]);

/// The age at which an undecided order is cancelled.
pub static ORDER_EXPIRES_AFTER: Setting = Setting::new("ORDER_EXPIRES_AFTER", Duration, Section::Processing)
    .default("30m")
    .help("The age at which an undecided order is cancelled with the reason `expired`.")
    .read_by(&[Up, Bridge, OrderExpiry]);

/// How long an order waits for an unknown SKU.
pub static ORDER_UNKNOWN_SKU_WAIT: Setting =
    Setting::new("ORDER_UNKNOWN_SKU_WAIT", Duration, Section::Processing)
        .default("30s")
        .help("How long an order waits for a product whose `product.created` event has not arrived yet.")
        .read_by(&[Up, InventoryReserve]);
