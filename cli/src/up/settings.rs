//! The settings of `orderflow up`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use orderflow_auth::Access;
use orderflow_bridge::sdk_config;
use orderflow_catalog::CatalogSettings;
use orderflow_domain::Currency;
use orderflow_http::{AllowedHosts, CorsOrigins, Guard};
use orderflow_inventory::InventorySettings;
use orderflow_messaging::RetryPolicy;
use orderflow_notifications::{ProviderSettings, Templates};
use orderflow_orders::ExpirySettings;
use orderflow_payments::{PaymentProvider, WebhookSecret};
use orderflow_server::RateLimits;
use orderflow_settings::declared::{
    ALLOWED_HOSTS, AUTH, AWS_ENDPOINT, BROKER, CORS_ORIGINS, CURRENCY, DRAIN_SECONDS, DYNAMODB_ENDPOINT,
    GLOBAL_RATE_LIMIT, HOST, INSECURE, JWT_AUDIENCE, JWT_ISSUER, JWT_JWKS_URL, JWT_PUBLIC_KEY, JWT_SECRET,
    MAX_IN_FLIGHT, ONLY, PORT, RATE_BURST, RATE_LIMIT,
};
use orderflow_settings::{NotAllowed, Program, Reader, Refused, Setting};
use orderflow_store::read_prefix;
use orderflow_system::{BrokerLocation, Functions, Part, Parts, Settings, StoreLocation};
use orderflow_telemetry::TelemetrySettings;
use tokio::net::TcpListener;

use crate::serving;
use crate::settings::{self, FlagSet, SettingFlags};

/// The flags of `orderflow up`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Example:
  orderflow up --port 8080 --data-dir ./data
  orderflow up --broker amqp://guest:guest@127.0.0.1:5672/%2f
  orderflow up --aws-endpoint http://127.0.0.1:4566

To run the parts in several processes, let them share a store and a broker:
  orderflow store --port 8000 --data-dir ./data
  orderflow up --only order-intake,shop-api \\
    --dynamodb-endpoint http://127.0.0.1:8000 --broker amqp://127.0.0.1
  orderflow up --only payment --port 0 \\
    --dynamodb-endpoint http://127.0.0.1:8000 --broker amqp://127.0.0.1")]
pub struct UpArgs {
    /// The settings that have a flag.
    #[command(flatten)]
    pub flags: SettingFlags<UpFlags>,
}

/// The settings that have a flag in `orderflow up`.
pub enum UpFlags {}

impl FlagSet for UpFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::Up)
    }
}

/// Where a command listens, and how long it takes to stop.
#[derive(Debug, Clone)]
pub struct ServeSettings {
    /// The address.
    pub host: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// The requests that the server answers.
    pub guard: Guard,
    /// The time for batches in flight to finish after a signal.
    pub drain: Duration,
    /// Who may call the routes.
    pub access: Access,
    /// How many requests callers may send.
    pub rate_limits: RateLimits,
    /// How many requests of the API are handled at the same time.
    pub max_in_flight: usize,
}

impl ServeSettings {
    /// Reads the settings of a command that authenticates no callers. An address that other machines can reach needs `--insecure`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let host = host(reader, OPEN_ADDRESS);
        refuse_protection(reader);
        Self::listening_on(host, CorsOrigins::default(), reader)
    }

    /// Reads the settings of a command that authenticates callers. An address that other machines can reach needs authentication or
    /// `--insecure`.
    ///
    /// # Errors
    /// [`Refused`] if callers are to be authenticated and a setting for it cannot be used.
    pub fn read_with_access(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let access = Access::read(reader);
        let is_open = access.as_ref().is_ok_and(Access::is_open);
        let host = if is_open {
            host(
                reader,
                "set ORDERFLOW_AUTH=jwt, listen on a loopback address, or give --insecure if a firewall protects the port",
            )
        } else {
            // Decides nothing here. It is read so that a value that cannot be used is reported.
            reader.switch(&INSECURE);
            reader.ip_address(&HOST)
        };
        let origins = reader.optional(&CORS_ORIGINS, CorsOrigins::parse).unwrap_or_default();
        let (rate_limits, max_in_flight) = (RateLimits::read(reader), reader.whole_number(&MAX_IN_FLIGHT));
        let settings = Self::listening_on(host, origins, reader);
        Ok(Self { access: access?, rate_limits, max_in_flight, ..settings })
    }

    fn listening_on(host: IpAddr, origins: CorsOrigins, reader: &mut Reader<'_>) -> Self {
        Self {
            host,
            port: reader.port(&PORT),
            guard: Guard::new(allowed_hosts(reader, host), origins),
            drain: reader.seconds(&DRAIN_SECONDS),
            access: Access::default(),
            rate_limits: RateLimits::default(),
            max_in_flight: usize::MAX,
        }
    }

    /// Listens on the address.
    ///
    /// # Errors
    /// Names the address and what to do.
    pub(crate) async fn listen(&self) -> anyhow::Result<TcpListener> {
        serving::listen((self.host, self.port).into()).await
    }
}

/// What to do about an address that other machines can reach, if the command cannot authenticate callers.
pub(crate) const OPEN_ADDRESS: &str =
    "listen on a loopback address, or give --insecure if a firewall protects the port";

/// Reads the address to listen on, for callers that are not authenticated. A refusal gives the advice.
pub(crate) fn host(reader: &mut Reader<'_>, advice: &str) -> IpAddr {
    let (host, insecure) = (reader.ip_address(&HOST), reader.switch(&INSECURE));
    if !host.is_loopback() && !insecure {
        let _refused = reader.conflict([&HOST], |[name]| {
            format!("{name}: other machines can reach {host}, and callers are not authenticated: {advice}")
        });
    }
    host
}

/// What asks for tokens or limits, besides [`AUTH`].
const PROTECTION: [&Setting; 9] = [
    &JWT_ISSUER,
    &JWT_AUDIENCE,
    &JWT_JWKS_URL,
    &JWT_SECRET,
    &JWT_PUBLIC_KEY,
    &RATE_LIMIT,
    &RATE_BURST,
    &GLOBAL_RATE_LIMIT,
    &MAX_IN_FLIGHT,
];

/// Refuses settings that ask for a protection that the command does not have: it authenticates no callers and limits no requests.
pub(crate) fn refuse_protection(reader: &mut Reader<'_>) {
    let auth = reader.snapshot().variable(AUTH.variable).map(|text| text.to_string_lossy().trim().to_owned());
    let asks_for_tokens = auth.is_some_and(|auth| auth != "none");
    let settings = asks_for_tokens.then_some(&AUTH).into_iter().chain(PROTECTION);
    reader.refuse_given(settings, |name| {
        format!("{name}: this command authenticates no callers and limits no requests; unset it, and protect the address in another way")
    });
}

/// Reads the names that a listener at this address answers to.
pub(crate) fn allowed_hosts(reader: &mut Reader<'_>, address: IpAddr) -> AllowedHosts {
    reader.optional(&ALLOWED_HOSTS, AllowedHosts::parse).unwrap_or_default().with_listener(address)
}

/// Every setting of `orderflow up`.
pub struct UpSettings {
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// The address to listen on, and the drain time.
    pub serve: ServeSettings,
    /// The location of the tables.
    pub store: StoreLocation,
    /// The broker outside this process; `None` for the one in this process.
    pub broker: Option<BrokerLocation>,
    /// The parts that `--only` names; empty to run all.
    pub only: Vec<Part>,
    prefix: String,
    retry: RetryPolicy,
    catalog: CatalogSettings,
    inventory: InventorySettings,
    expiry: ExpirySettings,
    payment: PaymentProvider,
    webhook_secret: Option<WebhookSecret>,
    providers: ProviderSettings,
    templates: Templates,
    currency: Currency,
}

impl UpSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Refused`] if a provider lacks a setting.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let payment = PaymentProvider::read(reader);
        let webhook_secret = PaymentProvider::read_webhook_secret(reader);
        let serve = ServeSettings::read_with_access(reader);
        let providers = ProviderSettings::read(reader);
        let currency = currency(reader, payment.as_ref().ok());
        Ok(Self {
            telemetry: TelemetrySettings::read(reader),
            store: settings::store(reader),
            broker: broker(reader),
            only: only(reader),
            prefix: read_prefix(reader),
            retry: RetryPolicy::read(reader),
            catalog: CatalogSettings::read(reader),
            inventory: InventorySettings::read(reader),
            expiry: ExpirySettings::read(reader),
            templates: Templates::read(reader),
            currency,
            serve: serve?,
            payment: payment?,
            webhook_secret: webhook_secret?,
            providers: providers?,
        })
    }

    pub(super) fn parts(&self) -> Parts {
        match &self.only[..] {
            [] => Parts::all(),
            only => only.iter().copied().collect(),
        }
    }

    /// Opens the providers of messages, and returns the settings of the system.
    pub(super) async fn open(self) -> Settings {
        let parts = self.parts();
        let aws_endpoint = match &self.broker {
            Some(BrokerLocation::Sqs(endpoint)) => Some(endpoint.to_string()),
            _ => None,
        };
        let providers = self.providers.open(sdk_config(aws_endpoint.as_deref())).await;
        Settings {
            store: self.store,
            prefix: self.prefix,
            broker: self.broker,
            parts,
            functions: Functions::InProcess,
            retry: self.retry,
            catalog: self.catalog,
            inventory: self.inventory,
            expiry: self.expiry,
            payment: self.payment,
            webhook_secret: self.webhook_secret,
            channel: Arc::new(providers),
            templates: Arc::new(self.templates),
            currency: self.currency,
        }
    }
}

/// Reads the currency of the shop, in which the payment provider has to charge.
fn currency(reader: &mut Reader<'_>, payment: Option<&PaymentProvider>) -> Currency {
    let currency = reader.value(&CURRENCY, |text| Currency::parse(text.trim()).map_err(|_| NotAllowed));
    if payment.is_some_and(|payment| payment.charge_rules().check_currency(&currency).is_err()) {
        let _refused = reader.refuse_because(&CURRENCY, "the payment provider does not charge in it");
    }
    currency
}

fn broker(reader: &mut Reader<'_>) -> Option<BrokerLocation> {
    reader.exclude(&AWS_ENDPOINT, &BROKER);
    let rabbitmq = settings::broker(reader).map(BrokerLocation::RabbitMq);
    settings::aws_endpoint(reader, &AWS_ENDPOINT).map(BrokerLocation::Sqs).or(rabbitmq)
}

fn only(reader: &mut Reader<'_>) -> Vec<Part> {
    let parts: Vec<Part> = reader.some_of(&ONLY).iter().filter_map(|name| name.parse().ok()).collect();
    let is_shared = reader.is_given(&BROKER) && reader.is_given(&DYNAMODB_ENDPOINT);
    if !parts.is_empty() && !is_shared && !reader.is_given(&AWS_ENDPOINT) {
        let _refused = reader.conflict([&ONLY], |[only]| {
            format!(
                "{only} needs --broker and --dynamodb-endpoint, or --aws-endpoint: the parts have to share a broker and a store"
            )
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use orderflow_settings::{Snapshot, read};

    use super::*;

    fn refusal(variables: &[(&str, &str)]) -> String {
        let snapshot = Snapshot::from_variables(variables.iter().copied());
        read(&snapshot, UpSettings::read).err().unwrap().to_string()
    }

    #[test]
    fn some_parts_need_a_broker_and_a_store_that_all_share() {
        for variables in [
            &[("ORDERFLOW_ONLY", "payment")][..],
            &[("ORDERFLOW_ONLY", "payment"), ("ORDERFLOW_BROKER", "amqp://h")],
            &[("ORDERFLOW_ONLY", "payment"), ("ORDERFLOW_DYNAMODB_ENDPOINT", "http://h")],
        ] {
            let error = refusal(variables);
            assert!(error.starts_with("ORDERFLOW_ONLY needs --broker and"), "{error}");
        }
    }

    #[test]
    fn the_payment_provider_has_to_charge_in_the_currency_of_the_shop() {
        for (currency, charged) in
            [("IRR", false), ("LYD", false), ("CLF", false), ("MGA", true), ("EUR", true)]
        {
            let stripe = [
                ("PAYMENT_PROVIDER", "stripe"),
                ("STRIPE_API_KEY", "sk_test_1"),
                ("ORDERFLOW_CURRENCY", currency),
            ];
            let error = read(&Snapshot::from_variables(stripe), UpSettings::read)
                .err()
                .map(|error| error.to_string());
            assert_eq!(error.is_none(), charged, "{currency}");
            assert!(error.is_none_or(|error| error.contains("does not charge in it")));
            let simulated = Snapshot::from_variables([("ORDERFLOW_CURRENCY", currency)]);
            assert!(read(&simulated, UpSettings::read).is_ok(), "{currency}");
        }
    }

    #[test]
    fn settings_without_a_value_are_those_without_a_variable() {
        let empty = orderflow_settings::declared::ALL.iter().map(|setting| (setting.variable, ""));
        let settings = read(&Snapshot::from_variables(empty), UpSettings::read).unwrap();
        assert_eq!((settings.serve.port, settings.parts()), (8080, Parts::all()));
        assert!(settings.broker.is_none() && matches!(settings.store, StoreLocation::Embedded(_)));
    }
}
