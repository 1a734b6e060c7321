//! Where the tables are.

use super::DEFAULT_PREFIX;
use crate::Kind::{Folder, HttpUrl, OneOf, Switch, Text};
use crate::Program::{
    Analytics, AnalyticsRebuild, Bridge, Dlq, InventoryReserve, Migrate, Notification, OrderExpiry,
    OrderIntake, OrderTracker, OutboxRelay, Payment, ShopApi, Store, Up,
};
use crate::Secrecy::Credentials;
use crate::{Section, Setting};

/// The folder of the embedded store.
pub static DATA_DIR: Setting = Setting::new("ORDERFLOW_DATA_DIR", Folder, Section::Store)
    .flag("data-dir")
    .default("./data")
    .help("The folder of the embedded store, which keeps all data. The first start creates it.")
    .read_by(&[Up, Store, Migrate, AnalyticsRebuild]);

/// Whether the embedded store keeps its data in memory.
pub static EPHEMERAL: Setting = Setting::new("ORDERFLOW_EPHEMERAL", Switch, Section::Store)
    .flag("ephemeral")
    .default("false")
    .help("Keep all data in memory: it is lost when the program ends. Excludes --data-dir; a variable that names a folder is ignored.")
    .read_by(&[Up, Store]);

/// What an answered write of the embedded store survives.
pub static SYNC: Setting = Setting::new("ORDERFLOW_SYNC", OneOf(&["full", "normal"]), Section::Store)
    .default("full")
    .help(
        "What the answer to a write of the embedded store means: with full, the write survives a power cut; with normal, it survives the end of \
         the process, even by kill -9, and a power cut may cost the last commits.",
    )
    .read_by(&[Up, Store]);

/// A DynamoDB endpoint in place of the embedded store.
pub static DYNAMODB_ENDPOINT: Setting = Setting::new("ORDERFLOW_DYNAMODB_ENDPOINT", HttpUrl, Section::Store)
    .flag("dynamodb-endpoint")
    .example("http://127.0.0.1:8000")
    .help("Keep the tables behind this endpoint: `orderflow store`, or any other implementation of DynamoDB.")
    .secrecy(Credentials)
    .read_by(&[Up, Bridge, Migrate, AnalyticsRebuild]);

/// The endpoint of AWS or of an emulator.
pub static AWS_ENDPOINT: Setting = Setting::new("ORDERFLOW_AWS_ENDPOINT", HttpUrl, Section::Store)
    .flag("aws-endpoint")
    .example("http://127.0.0.1:4566")
    .help(
        "Use AWS, or an emulator of it, behind this endpoint: tables on DynamoDB, events through SNS and SQS. `up` creates missing tables, \
         topics and queues there. Excludes --broker and --dynamodb-endpoint.",
    )
    .secrecy(Credentials)
    .read_by(&[Up, Migrate, AnalyticsRebuild, Dlq]);

/// The prefix of the names of tables, topics and queues.
pub static PREFIX: Setting = Setting::new(
    "ORDERFLOW_PREFIX",
    Text { placeholder: "PREFIX", allowed: "1 to 40 letters, digits and the characters . _ -" },
    Section::Store,
)
.default(DEFAULT_PREFIX)
.help("The prefix of the names of tables, and of topics and queues on SNS and SQS.")
.read_by(&[
    Up,
    Bridge,
    Migrate,
    AnalyticsRebuild,
    Dlq,
    OrderIntake,
    ShopApi,
    OrderTracker,
    InventoryReserve,
    Payment,
    Notification,
    Analytics,
    OrderExpiry,
    OutboxRelay,
]);
