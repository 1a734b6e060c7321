//! Prices, payments, and messages to customers.

use super::{MILLISECONDS, programs::CHARGING};
use crate::Kind::{Duration, Folder, HttpUrl, OneOf, Share, Text, WholeNumber};
use crate::Program::{Notification, OrderIntake, Payment, Product, ShopApi, Up};
use crate::Secrecy::{Credentials, Secret};
use crate::{Section, Setting};

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
