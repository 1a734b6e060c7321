//! The settings, by subject.

mod client;
mod delivery;
mod programs;
mod runtime;
mod server;
mod shop;
mod store;

use crate::Setting;

pub use client::{TOKEN, URL};
pub use delivery::{
    BROKER, BROKER_CA, BROKER_PASSWORD_FILE, MAX_ATTEMPTS, ONLY, ORDER_EXPIRES_AFTER, ORDER_RESEND_AFTER,
    ORDER_UNKNOWN_SKU_WAIT, RETRY_BASE_MS, RETRY_CAP_MS,
};
pub use runtime::{
    AWS_ENDPOINT_URL, DEAD_LETTER_QUEUE_URL, LOG_FORMAT, OTLP_ENDPOINT, QUEUE_URL, RUST_LOG, TOPIC_ARN,
};
pub use server::{
    ALLOWED_HOSTS, AUTH, CORS_ORIGINS, DRAIN_SECONDS, GLOBAL_RATE_LIMIT, HOST, INSECURE, JWT_AUDIENCE,
    JWT_ISSUER, JWT_JWKS_URL, JWT_PUBLIC_KEY, JWT_SECRET, MAX_IN_FLIGHT, PORT, RATE_BURST, RATE_LIMIT,
    TRUSTED_PROXIES,
};
pub use shop::{
    CATALOG_CACHE_TTL, CURRENCY, MAIL_FROM, MAIL_PROVIDER, PAYMENT_LATENCY_MS, PAYMENT_PROVIDER,
    PAYMENT_SUCCESS_RATE, SMS_PROVIDER, SMTP_URL, STRIPE_API_KEY, STRIPE_API_URL, STRIPE_WEBHOOK_SECRET,
    TEMPLATES_DIR,
};
pub use store::{AWS_ENDPOINT, DATA_DIR, DYNAMODB_ENDPOINT, EPHEMERAL, PREFIX, SYNC};

/// The parts of the system, as `--only` takes them. A test of `tests/structure` compares them with the subscriptions.
pub const PARTS: &[&str] = &[
    "order-intake",
    "shop-api",
    "order-expiry",
    "outbox-relay",
    "order-tracker",
    "inventory-reserve",
    "payment",
    "notification",
    "analytics",
];

/// The prefix of names where `ORDERFLOW_PREFIX` is not set.
pub const DEFAULT_PREFIX: &str = "orderflow";

const MILLISECONDS: Option<&str> = Some("milliseconds");

/// Every setting, by section.
pub static ALL: &[&Setting] = &[
    &HOST,
    &PORT,
    &INSECURE,
    &AUTH,
    &JWT_JWKS_URL,
    &JWT_SECRET,
    &JWT_PUBLIC_KEY,
    &JWT_ISSUER,
    &JWT_AUDIENCE,
    &ALLOWED_HOSTS,
    &CORS_ORIGINS,
    &RATE_LIMIT,
    &RATE_BURST,
    &GLOBAL_RATE_LIMIT,
    &TRUSTED_PROXIES,
    &MAX_IN_FLIGHT,
    &DRAIN_SECONDS,
    &DATA_DIR,
    &EPHEMERAL,
    &SYNC,
    &DYNAMODB_ENDPOINT,
    &AWS_ENDPOINT,
    &PREFIX,
    &BROKER,
    &BROKER_PASSWORD_FILE,
    &BROKER_CA,
    &ONLY,
    &MAX_ATTEMPTS,
    &RETRY_BASE_MS,
    &RETRY_CAP_MS,
    &ORDER_RESEND_AFTER,
    &ORDER_EXPIRES_AFTER,
    &ORDER_UNKNOWN_SKU_WAIT,
    &CURRENCY,
    &CATALOG_CACHE_TTL,
    &PAYMENT_PROVIDER,
    &STRIPE_API_KEY,
    &STRIPE_API_URL,
    &STRIPE_WEBHOOK_SECRET,
    &PAYMENT_SUCCESS_RATE,
    &PAYMENT_LATENCY_MS,
    &MAIL_PROVIDER,
    &SMTP_URL,
    &MAIL_FROM,
    &SMS_PROVIDER,
    &TEMPLATES_DIR,
    &URL,
    &TOKEN,
    &LOG_FORMAT,
    &RUST_LOG,
    &OTLP_ENDPOINT,
    &TOPIC_ARN,
    &QUEUE_URL,
    &DEAD_LETTER_QUEUE_URL,
    &AWS_ENDPOINT_URL,
];

/// Variables that libraries read from the environment themselves, and that `.env` may set: those of the AWS SDK, and those of OpenTelemetry.
/// None of them names a program or a file.
pub const LIBRARIES: [&str; 13] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
];

/// Variables of the scripts, the tests and `cargo xtask`. Programs ignore them without a warning.
pub const DEVELOPMENT: [&str; 20] = [
    "ORDERFLOW_AIOSMTPD",
    "ORDERFLOW_BUNDLES",
    "ORDERFLOW_CADDY",
    "ORDERFLOW_BIN",
    "ORDERFLOW_NPM",
    "ORDERFLOW_CHROMEDRIVER",
    "ORDERFLOW_COMPOSE_OTLP_ENDPOINT",
    "ORDERFLOW_CONTRACT_SECONDS",
    "ORDERFLOW_LOCALSTRIPE",
    "ORDERFLOW_MAILED_ORDERS",
    "ORDERFLOW_MINISTACK",
    "ORDERFLOW_PARAMETERS",
    "ORDERFLOW_RABBITMQ",
    "ORDERFLOW_RIE",
    "ORDERFLOW_SCHEMATHESIS",
    "ORDERFLOW_STRESS_MESSAGES",
    "ORDERFLOW_STRESS_SEED",
    "ORDERFLOW_TOOLS_DIR",
    "ORDERFLOW_VANISHING_RATE",
    "ORDERFLOW_VANISHING_ROUNDS",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Section;

    #[test]
    fn no_variable_is_declared_twice() {
        let names: BTreeSet<&str> = ALL.iter().map(|setting| setting.variable).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn settings_stand_in_the_order_of_their_sections() {
        assert!(ALL.is_sorted_by_key(|setting| setting.section));
        let sections: BTreeSet<Section> = ALL.iter().map(|setting| setting.section).collect();
        assert_eq!(sections.len(), Section::ALL.len());
    }

    #[test]
    fn no_url_is_shown_whole() {
        for setting in ALL.iter().filter(|setting| setting.kind.placeholder() == "URL") {
            assert_ne!(setting.secrecy, crate::Secrecy::Public, "{}", setting.variable);
        }
    }

    #[test]
    fn every_setting_has_help_and_a_reader() {
        for setting in ALL {
            assert!(setting.help.ends_with('.'), "{}", setting.variable);
            assert!(!setting.read_by.is_empty(), "{}", setting.variable);
        }
    }
}
