//! The settings.

use crate::Kind::{
    self, Duration, File, Folder, HttpUrl, IpAddress, OneOf, Port, Share, SomeOf, Switch, Text, WholeNumber,
};
use crate::Program::{
    self, Analytics, AnalyticsRebuild, Bridge, Client, Dlq, InventoryReserve, Migrate, Notification,
    OrderExpiry, OrderIntake, OrderTracker, OutboxRelay, Payment, Product, ShopApi, Store, Up,
};
use crate::Secrecy::{Credentials, Secret};
use crate::{Section, Setting};

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

/// Every bundle, and every command that writes logs.
const LOGGING: &[Program] = &[
    Up,
    Store,
    Bridge,
    Migrate,
    AnalyticsRebuild,
    OrderIntake,
    ShopApi,
    OrderTracker,
    InventoryReserve,
    Payment,
    Notification,
    Analytics,
    OrderExpiry,
    OutboxRelay,
];

/// Every bundle.
const BUNDLES: &[Program] = &Program::BUNDLES;

/// Every bundle that a queue triggers.
const QUEUE_BUNDLES: &[Program] = &[OrderTracker, InventoryReserve, Payment, Notification, Analytics];

/// The programs that deliver messages, and every bundle that a queue triggers.
const DELIVERING: &[Program] =
    &[Up, Bridge, OrderTracker, InventoryReserve, Payment, Notification, Analytics];

/// The programs that call the payment provider.
const CHARGING: &[Program] = &[Up, ShopApi, Payment];

/// The programs that serve the API.
const AUTHENTICATING: &[Program] = &[Up, OrderIntake, ShopApi];

const MILLISECONDS: Option<&str> = Some("milliseconds");

/// A number of requests.
const RATE: Kind = Text { placeholder: "NUMBER", allowed: "a whole number from 1 to 1000000" };

/// The address to listen on.
pub static HOST: Setting = Setting::new("ORDERFLOW_HOST", IpAddress, Section::Server)
    .flag("host")
    .default("127.0.0.1")
    .help("The address to listen on. Any other than a loopback address needs ORDERFLOW_AUTH=jwt (`orderflow up` only) or --insecure.")
    .read_by(&[Up, Store, Bridge]);

/// The port to listen on.
pub static PORT: Setting = Setting::new("ORDERFLOW_PORT", Port, Section::Server)
    .flag("port")
    .default("8080")
    .help("The port that HTTP is served on; 0 picks a free one. `orderflow store` takes only the flag, with the default 8000.")
    .read_by(&[Up, Bridge]);

/// Whether addresses that others can reach are allowed.
pub static INSECURE: Setting = Setting::new("ORDERFLOW_INSECURE", Switch, Section::Server)
    .flag("insecure")
    .default("false")
    .help("Listen on an address that other machines can reach, although callers are not authenticated.")
    .read_by(&[Up, Store, Bridge]);

/// Whether callers are authenticated.
pub static AUTH: Setting = Setting::new("ORDERFLOW_AUTH", OneOf(&["none", "jwt"]), Section::Server)
    .default("none")
    .help(
        "Who may call the HTTP API: with `none` everyone that reaches the address, with `jwt` callers with a bearer token. `jwt` needs \
         JWT_ISSUER, JWT_AUDIENCE, and exactly one of JWT_JWKS_URL, JWT_SECRET and JWT_PUBLIC_KEY.",
    )
    .read_by(AUTHENTICATING);

/// Where the keys of the issuer of tokens are fetched.
pub static JWT_JWKS_URL: Setting = Setting::new("JWT_JWKS_URL", HttpUrl, Section::Server)
    .example("https://login.example.com/.well-known/jwks.json")
    .help(
        "Where the public keys of the issuer of tokens are fetched: the URL of its JSON Web Key Set, or of its discovery document, which \
         ends with /.well-known/openid-configuration. https, unless the host is a loopback address.",
    )
    .secrecy(Credentials)
    .read_by(AUTHENTICATING);

/// The secret that tokens are signed with.
pub static JWT_SECRET: Setting = Setting::new(
    "JWT_SECRET",
    Text { placeholder: "SECRET", allowed: "a secret of at least 32 bytes" },
    Section::Server,
)
.help("The secret that tokens are signed with by HS256.")
.secrecy(Secret)
.read_by(AUTHENTICATING);

/// The public key of the issuer of tokens.
pub static JWT_PUBLIC_KEY: Setting = Setting::new(
    "JWT_PUBLIC_KEY",
    Text { placeholder: "PEM", allowed: "a public key in PEM, of RSA or of the curve P-256" },
    Section::Server,
)
.help(
    "The public key of the issuer of tokens, in PEM; \\n may stand for the ends of lines. An RSA key accepts RS256 only, a key of P-256 \
     accepts ES256 only.",
)
.read_by(AUTHENTICATING);

/// The issuer of tokens.
pub static JWT_ISSUER: Setting = Setting::new(
    "JWT_ISSUER",
    Text { placeholder: "ISSUER", allowed: "the issuer of tokens, without spaces" },
    Section::Server,
)
.help("The claim `iss` that tokens must have. Required by ORDERFLOW_AUTH=jwt.")
.read_by(AUTHENTICATING);

/// The audience of tokens.
pub static JWT_AUDIENCE: Setting = Setting::new(
    "JWT_AUDIENCE",
    Text { placeholder: "AUDIENCE", allowed: "the audience of tokens, without spaces" },
    Section::Server,
)
.help("The claim `aud` that tokens must have. Required by ORDERFLOW_AUTH=jwt.")
.read_by(AUTHENTICATING);

/// The hosts that a listener answers to.
pub static ALLOWED_HOSTS: Setting = Setting::new(
    "ORDERFLOW_ALLOWED_HOSTS",
    Text { placeholder: "HOSTS", allowed: "host names or IP addresses without ports, separated by commas" },
    Section::Server,
)
.example("shop.example.com,10.0.0.7")
.help("The names under which clients address the server, beside loopback and the address of --host. Requests with another Host are refused.")
.read_by(&[Up, Store, Bridge]);

/// The origins whose pages may call the API.
pub static CORS_ORIGINS: Setting = Setting::new(
    "ORDERFLOW_CORS_ORIGINS",
    Text { placeholder: "ORIGINS", allowed: "origins such as https://shop.example.com, separated by commas" },
    Section::Server,
)
.example("https://shop.example.com,http://localhost:3000")
.help("The origins whose web pages may call the HTTP API and read its responses (CORS). Without it, only pages of the server itself can.")
.read_by(&[Up]);

/// How many requests per second a caller may send.
pub static RATE_LIMIT: Setting = Setting::new("ORDERFLOW_RATE_LIMIT", RATE, Section::Server)
    .example("20")
    .help(
        "How many requests per second each caller may send in the long run: the subject of a token, else an address. More are answered 429. \
         Without it, callers are not limited. `/health` is not counted.",
    )
    .read_by(&[Up]);

/// How many requests a caller may send at once.
pub static RATE_BURST: Setting = Setting::new("ORDERFLOW_RATE_BURST", RATE, Section::Server)
    .example("40")
    .help("How many requests each caller may send at once. Without it, twice ORDERFLOW_RATE_LIMIT.")
    .read_by(&[Up]);

/// How many requests per second all callers may send.
pub static GLOBAL_RATE_LIMIT: Setting =
    Setting::new("ORDERFLOW_GLOBAL_RATE_LIMIT", RATE, Section::Server)
        .example("500")
        .help(
            "How many requests per second all callers together may send in the long run, and twice as many at once. Without it, there is no \
             such limit.",
        )
        .read_by(&[Up]);

/// The proxies whose `X-Forwarded-For` counts.
pub static TRUSTED_PROXIES: Setting = Setting::new(
    "ORDERFLOW_TRUSTED_PROXIES",
    Text { placeholder: "NETWORKS", allowed: "a list of IP addresses and networks, such as 127.0.0.1,10.0.0.0/8" },
    Section::Server,
)
.example("127.0.0.1,10.0.0.0/8")
.help(
    "The addresses of proxies in front of the program, separated by commas. Only their X-Forwarded-For is believed; the address of a caller \
     is the last one in it that is not of such a proxy.",
)
.read_by(&[Up]);

/// How many requests are handled at the same time.
pub static MAX_IN_FLIGHT: Setting =
    Setting::new("ORDERFLOW_MAX_IN_FLIGHT", WholeNumber { min: 1, unit: None }, Section::Server)
        .default("1024")
        .help(
            "How many requests of the API are handled at the same time. More are answered 503 at once, since they would not be answered in \
             time.",
        )
        .read_by(&[Up]);

/// How long running work may take to finish after a signal.
pub static DRAIN_SECONDS: Setting =
    Setting::new("ORDERFLOW_DRAIN_SECONDS", WholeNumber { min: 0, unit: Some("seconds") }, Section::Server)
        .flag("drain-seconds")
        .default("10")
        .help("How long messages in flight may take to finish after Ctrl-C or SIGTERM.")
        .read_by(&[Up, Bridge]);

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
    .help("Keep all data in memory, whatever --data-dir says: it is lost when the program ends.")
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

/// The currency of all prices.
pub static CURRENCY: Setting = Setting::new(
    "ORDERFLOW_CURRENCY",
    Text { placeholder: "CURRENCY", allowed: "the ISO 4217 code of a currency, such as EUR" },
    Section::Shop,
)
.flag("currency")
.default("USD")
.help("The currency of the shop by its ISO 4217 code. All prices are in it.")
.read_by(&[Up, Product, ShopApi]);

/// How long products are cached.
pub static CATALOG_CACHE_TTL: Setting = Setting::new("CATALOG_CACHE_TTL", Duration, Section::Shop)
    .default("5s")
    .help("How long a product is cached, at most a day. A change by another process is visible after that time; 0s turns the cache off.")
    .read_by(&[Up, OrderIntake, ShopApi]);

/// The payment provider.
pub static PAYMENT_PROVIDER: Setting =
    Setting::new("PAYMENT_PROVIDER", OneOf(&["simulated", "stripe"]), Section::Payments)
        .default("simulated")
        .help("The payment provider. `stripe` needs STRIPE_API_KEY.")
        .read_by(&[Up, OrderIntake, ShopApi, Payment]);

/// The key of Stripe's API.
pub static STRIPE_API_KEY: Setting = Setting::new(
    "STRIPE_API_KEY",
    Text { placeholder: "KEY", allowed: "a secret key of Stripe's API: visible ASCII characters" },
    Section::Payments,
)
.help("The secret key of Stripe's API.")
.secrecy(Secret)
.read_by(CHARGING);

/// The address of Stripe's API.
pub static STRIPE_API_URL: Setting = Setting::new("STRIPE_API_URL", HttpUrl, Section::Payments)
    .default("https://api.stripe.com")
    .help("The address of Stripe's API, without /v1.")
    .secrecy(Credentials)
    .read_by(CHARGING);

/// The secret of Stripe's webhook.
pub static STRIPE_WEBHOOK_SECRET: Setting = Setting::new(
    "STRIPE_WEBHOOK_SECRET",
    Text {
        placeholder: "SECRET",
        allowed: "the signing secret of a webhook endpoint at Stripe, which begins with whsec_",
    },
    Section::Payments,
)
.help("The signing secret of the webhook at Stripe. With it, POST /webhooks/stripe receives Stripe's events.")
.secrecy(Secret)
.read_by(&[Up, ShopApi]);

/// The share of charges that the simulated provider accepts.
pub static PAYMENT_SUCCESS_RATE: Setting = Setting::new("PAYMENT_SUCCESS_RATE", Share, Section::Payments)
    .default("1")
    .help("The share of charges that the simulated payment provider accepts.")
    .read_by(CHARGING);

/// How long the simulated provider takes.
pub static PAYMENT_LATENCY_MS: Setting =
    Setting::new("PAYMENT_LATENCY_MS", WholeNumber { min: 0, unit: MILLISECONDS }, Section::Payments)
        .default("0")
        .help("How long each call to the simulated payment provider takes.")
        .read_by(CHARGING);

/// The provider of e-mail.
pub static MAIL_PROVIDER: Setting = Setting::new("MAIL_PROVIDER", OneOf(&["smtp", "ses", "log"]), Section::Messages)
    .example("smtp")
    .help(
        "The provider of e-mail: an SMTP server, Amazon SES, or `log`, which only logs messages. Without it, `smtp` where \
         SMTP_URL is set, otherwise `log`.",
    )
    .read_by(&[Up, Notification]);

/// The server for e-mail.
pub static SMTP_URL: Setting = Setting::new(
    "SMTP_URL",
    Text {
        placeholder: "URL",
        allowed: "a URL such as smtps://user:password@mail.example.com or smtp://host:port?tls=required",
    },
    Section::Messages,
)
.example("smtp://127.0.0.1:1025")
.help("The SMTP server: smtps://user:password@host, or smtp://host:port, with ?tls=required for STARTTLS.")
.secrecy(Credentials)
.read_by(&[Up, Notification]);

/// The sender of e-mail.
pub static MAIL_FROM: Setting = Setting::new(
    "MAIL_FROM",
    Text { placeholder: "ADDRESS", allowed: "an address such as Shop <orders@example.com>" },
    Section::Messages,
)
.default("Orderflow <orders@localhost>")
.help("The sender of e-mail. Its domain is in each Message-ID. MAIL_PROVIDER=ses needs it, and SES sets its own Message-ID.")
.read_by(&[Up, Notification]);

/// The provider of SMS.
pub static SMS_PROVIDER: Setting = Setting::new("SMS_PROVIDER", OneOf(&["sns", "log"]), Section::Messages)
    .default("log")
    .help("The provider of SMS: Amazon SNS, or `log`, which only logs messages.")
    .read_by(&[Up, Notification]);

/// The folder of message templates.
pub static TEMPLATES_DIR: Setting = Setting::new("TEMPLATES_DIR", Folder, Section::Messages)
    .example("./templates")
    .help("A folder whose files NAME.email.txt and NAME.sms.txt replace the built-in templates.")
    .read_by(&[Up, ShopApi, Notification]);

/// The address of a running system.
pub static URL: Setting = Setting::new("ORDERFLOW_URL", HttpUrl, Section::Client)
    .flag("url")
    .default("http://127.0.0.1:8080")
    .help("The address of the running system.")
    .secrecy(Credentials)
    .read_by(&[Client, Dlq]);

/// The token that client commands authenticate with.
pub static TOKEN: Setting = Setting::new(
    "ORDERFLOW_TOKEN",
    Text { placeholder: "TOKEN", allowed: "a token that an HTTP header can carry: visible ASCII characters" },
    Section::Client,
)
.flag("token")
.help("The token to authenticate with, sent as `Authorization: Bearer`. Prefer the variable: other users can see the flags of a process.")
.secrecy(Secret)
.read_by(&[Client, Dlq]);

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
pub const DEVELOPMENT: [&str; 15] = [
    "ORDERFLOW_AIOSMTPD",
    "ORDERFLOW_BUNDLES",
    "ORDERFLOW_CADDY",
    "ORDERFLOW_CHROMEDRIVER",
    "ORDERFLOW_COMPOSE_OTLP_ENDPOINT",
    "ORDERFLOW_CONTRACT_SECONDS",
    "ORDERFLOW_LOCALSTRIPE",
    "ORDERFLOW_MINISTACK",
    "ORDERFLOW_PARAMETERS",
    "ORDERFLOW_RABBITMQ",
    "ORDERFLOW_RIE",
    "ORDERFLOW_SCHEMATHESIS",
    "ORDERFLOW_STRESS_MESSAGES",
    "ORDERFLOW_STRESS_SEED",
    "ORDERFLOW_TOOLS_DIR",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
