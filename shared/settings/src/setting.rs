//! The fields of a declaration.

use std::borrow::Cow;

/// One setting, as declared in [`declared`](crate::declared).
#[derive(Debug)]
pub struct Setting {
    /// The environment variable.
    pub variable: &'static str,
    /// The former name of the variable. A program warns if it is still set.
    pub former_variable: Option<&'static str>,
    /// The command-line flag without its dashes.
    pub flag: Option<&'static str>,
    /// Which values are allowed.
    pub kind: Kind,
    /// The value that applies if none is given.
    pub default: Option<&'static str>,
    /// A value to show in examples of settings without a default.
    pub example: Option<&'static str>,
    /// The purpose of the setting, in sentences for `--help`, `.env.example` and the reference page.
    pub help: &'static str,
    /// The group that it is listed in.
    pub section: Section,
    /// Whether errors may show the value.
    pub secrecy: Secrecy,
    /// The programs that read it.
    pub read_by: &'static [Program],
}

/// Which values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Switch,
    /// A TCP port.
    Port,
    /// An IPv4 or IPv6 address.
    IpAddress,
    /// A whole number of at least `min`.
    WholeNumber {
        /// The least value.
        min: u64,
        /// What is counted, such as `milliseconds`.
        unit: Option<&'static str>,
    },
    /// A number from 0 to 1.
    Share,
    /// A time with its unit.
    Duration,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, separated by commas.
    SomeOf(&'static [&'static str]),
    /// A URL that begins with `http://` or `https://`.
    HttpUrl,
    /// The path of a file.
    File,
    /// The path of a folder.
    Folder,
    /// Text of another form.
    Text {
        /// The word that stands for the value in `--help`, such as `URL`.
        placeholder: &'static str,
        /// Completes the sentence "the value is not ...".
        allowed: &'static str,
    },
}

/// How much of a setting's value errors and `--help` may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// The whole value.
    Public,
    /// Everything except the user name, the password, the query and the fragment of a URL.
    Credentials,
    /// Nothing.
    Secret,
}

/// A group of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Where the program listens.
    Server,
    /// Where tables are kept.
    Store,
    /// What carries events.
    Broker,
    /// Retries and deadlines.
    Processing,
    /// The shop.
    Shop,
    /// The payment provider.
    Payments,
    /// E-mail and SMS.
    Messages,
    /// Client commands.
    Client,
    /// Logs and traces.
    Telemetry,
    /// Functions on AWS Lambda.
    Functions,
}

impl Section {
    /// Every section, in the order in which they are listed.
    pub const ALL: [Self; 10] = [
        Self::Server,
        Self::Store,
        Self::Broker,
        Self::Processing,
        Self::Shop,
        Self::Payments,
        Self::Messages,
        Self::Client,
        Self::Telemetry,
        Self::Functions,
    ];

    /// Returns the heading of the section.
    pub fn title(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Store => "Tables",
            Self::Broker => "Broker and parts",
            Self::Processing => "Retries and deadlines",
            Self::Shop => "Shop",
            Self::Payments => "Payments",
            Self::Messages => "Messages to customers",
            Self::Client => "Client commands",
            Self::Telemetry => "Logs and traces",
            Self::Functions => "Functions on AWS Lambda",
        }
    }
}

/// A program that reads settings: a command of `orderflow`, or a bundle for AWS Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// `orderflow up`.
    Up,
    /// `orderflow store`.
    Store,
    /// `orderflow bridge`.
    Bridge,
    /// `orderflow migrate`.
    Migrate,
    /// `orderflow analytics rebuild`.
    AnalyticsRebuild,
    /// `orderflow dlq`.
    Dlq,
    /// The commands that call a running system over HTTP.
    Client,
    /// `orderflow product`.
    Product,
    /// The bundle `order-intake`.
    OrderIntake,
    /// The bundle `shop-api`.
    ShopApi,
    /// The bundle `order-tracker`.
    OrderTracker,
    /// The bundle `inventory-reserve`.
    InventoryReserve,
    /// The bundle `payment`.
    Payment,
    /// The bundle `notification`.
    Notification,
    /// The bundle `analytics`.
    Analytics,
    /// The bundle `order-expiry`.
    OrderExpiry,
    /// The bundle `outbox-relay`.
    OutboxRelay,
}

impl Program {
    /// The bundles.
    pub const BUNDLES: [Self; 9] = [
        Self::OrderIntake,
        Self::ShopApi,
        Self::OrderTracker,
        Self::InventoryReserve,
        Self::Payment,
        Self::Notification,
        Self::Analytics,
        Self::OrderExpiry,
        Self::OutboxRelay,
    ];

    /// Returns the command of `orderflow`, or the name of the bundle.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Store => "store",
            Self::Bridge => "bridge",
            Self::Migrate => "migrate",
            Self::AnalyticsRebuild => "analytics rebuild",
            Self::Dlq => "dlq",
            Self::Client => "client commands",
            Self::Product => "product",
            Self::OrderIntake => "order-intake",
            Self::ShopApi => "shop-api",
            Self::OrderTracker => "order-tracker",
            Self::InventoryReserve => "inventory-reserve",
            Self::Payment => "payment",
            Self::Notification => "notification",
            Self::Analytics => "analytics",
            Self::OrderExpiry => "order-expiry",
            Self::OutboxRelay => "outbox-relay",
        }
    }

    /// Returns whether the program is a bundle.
    pub fn is_bundle(self) -> bool {
        Self::BUNDLES.contains(&self)
    }
}

impl Kind {
    /// Returns the end of the sentence "the value is not ...".
    pub fn allowed(self) -> Cow<'static, str> {
        match self {
            Self::Switch => "one of true, false, yes, no, on, off, 1, 0".into(),
            Self::Port => "a port number (0 to 65535)".into(),
            Self::IpAddress => "an IP address such as 127.0.0.1".into(),
            Self::WholeNumber { min: 0, unit: None } => "a whole number".into(),
            Self::WholeNumber { min: 0, unit: Some(unit) } => format!("a whole number of {unit}").into(),
            Self::WholeNumber { min, unit: None } => format!("a whole number of at least {min}").into(),
            Self::WholeNumber { min, unit: Some(unit) } => {
                format!("a whole number of {unit}, at least {min}").into()
            }
            Self::Share => "a number from 0 to 1".into(),
            Self::Duration => "a time with its unit, such as 500ms, 30s or 5m".into(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")).into(),
            Self::SomeOf(words) => {
                format!("a list of some of {}, separated by commas", words.join(", ")).into()
            }
            Self::HttpUrl => "a URL that begins with http:// or https://".into(),
            Self::File => "the path of a file".into(),
            Self::Folder => "the path of a folder".into(),
            Self::Text { allowed, .. } => allowed.into(),
        }
    }

    /// Returns the word that stands for a value in `--help`.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Switch => "BOOLEAN",
            Self::Port => "PORT",
            Self::IpAddress => "ADDRESS",
            Self::WholeNumber { unit: Some("seconds"), .. } => "SECONDS",
            Self::WholeNumber { unit: Some("milliseconds"), .. } => "MILLISECONDS",
            Self::WholeNumber { .. } | Self::Share => "NUMBER",
            Self::Duration => "DURATION",
            Self::OneOf(_) => "WORD",
            Self::SomeOf(_) => "LIST",
            Self::HttpUrl => "URL",
            Self::File => "FILE",
            Self::Folder => "FOLDER",
            Self::Text { placeholder, .. } => placeholder,
        }
    }
}

impl Setting {
    /// Declares a public setting without flag and default.
    pub(crate) const fn new(variable: &'static str, kind: Kind, section: Section) -> Self {
        Self {
            variable,
            former_variable: None,
            flag: None,
            kind,
            default: None,
            example: None,
            help: "",
            section,
            secrecy: Secrecy::Public,
            read_by: &[],
        }
    }

    pub(crate) const fn former_variable(mut self, variable: &'static str) -> Self {
        self.former_variable = Some(variable);
        self
    }

    pub(crate) const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    pub(crate) const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    pub(crate) const fn example(mut self, value: &'static str) -> Self {
        self.example = Some(value);
        self
    }

    pub(crate) const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    pub(crate) const fn secrecy(mut self, secrecy: Secrecy) -> Self {
        self.secrecy = secrecy;
        self
    }

    pub(crate) const fn read_by(mut self, programs: &'static [Program]) -> Self {
        self.read_by = programs;
        self
    }

    /// Returns whether this program reads the setting.
    pub fn is_read_by(&self, program: Program) -> bool {
        self.read_by.contains(&program)
    }
}
