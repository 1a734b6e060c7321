//! docker-compose.yml and the Dockerfile agree with the code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod images;
mod observability;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use orderflow::cli::{Cli, Command};
use orderflow::store::StoreSettings;
use orderflow::up::UpSettings;
use orderflow_settings::declared::ALL;
use orderflow_settings::{Program, Snapshot};
use orderflow_system::{BrokerLocation, DEMO_PRODUCTS, Part, StoreLocation};
use serde::Deserialize;

/// The image built from this repository.
const OUR_IMAGE: &str = "orderflow:local";

/// The profiles with further services.
const PROFILES: [&str; 3] = ["localstack", "ministack", "observability"];

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, ()>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Service {
    image: String,
    profiles: Vec<String>,
    entrypoint: Vec<String>,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    ports: Vec<String>,
    volumes: Vec<String>,
    depends_on: BTreeMap<String, Dependency>,
    healthcheck: HealthCheck,
    restart: String,
    stop_grace_period: String,
    cap_drop: Vec<String>,
    security_opt: Vec<String>,
    read_only: bool,
}

#[derive(Deserialize, Default)]
struct HealthCheck {
    test: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    condition: String,
}

/// Compose's default stop grace period.
impl Default for Service {
    fn default() -> Self {
        Self {
            image: String::new(),
            profiles: Vec::new(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            environment: BTreeMap::new(),
            ports: Vec::new(),
            volumes: Vec::new(),
            depends_on: BTreeMap::new(),
            healthcheck: HealthCheck::default(),
            restart: "no".to_owned(),
            stop_grace_period: "10s".to_owned(),
            cap_drop: Vec::new(),
            security_opt: Vec::new(),
            read_only: false,
        }
    }
}

impl Service {
    /// Returns whether the service runs the program with the image's entry point.
    fn is_ours(&self) -> bool {
        self.image == OUR_IMAGE && self.entrypoint.is_empty()
    }

    /// Parses the command of the service as the program does.
    fn parsed(&self) -> Command {
        let line = ["orderflow"].into_iter().chain(self.command.iter().map(String::as_str));
        Cli::command_from(line).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The environment of the service, every variable of which its program reads. Compose replaces a variable that is not set by nothing.
    fn environment(&self, program: Program) -> Snapshot {
        let set = self.environment.iter().map(|(name, value)| {
            let setting = ALL.iter().find(|setting| setting.variable == name);
            assert!(
                setting.is_some_and(|setting| setting.is_read_by(program)),
                "{} does not read {name}",
                program.name()
            );
            let value = match value.as_str() {
                // The service `account` writes it.
                "/account/password" => concat!(env!("CARGO_MANIFEST_DIR"), "/../docker/account"),
                value if value.starts_with("${") => "",
                value => value,
            };
            (name, value)
        });
        Snapshot::from_variables(set)
    }

    fn up(&self) -> Option<UpSettings> {
        match self.parsed() {
            Command::Up(args) => {
                let settings = orderflow_settings::read(
                    &args.flags.over(&self.environment(Program::Up)),
                    UpSettings::read,
                );
                Some(settings.unwrap_or_else(|error| panic!("{error}")))
            }
            _ => None,
        }
    }

    fn waits_for(&self) -> Vec<(&str, &str)> {
        self.depends_on.iter().map(|(name, on)| (name.as_str(), on.condition.as_str())).collect()
    }
}

fn read(file: impl AsRef<Path>) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
}

fn compose() -> Compose {
    serde_saphyr::from_str(&read("docker-compose.yml")).unwrap()
}

fn services() -> BTreeMap<String, Service> {
    compose().services
}

/// The services that run parts, and the settings of each.
fn parts() -> Vec<(String, Service, UpSettings)> {
    let ours = services().into_iter().filter(|(_, service)| service.is_ours());
    ours.filter_map(|(name, service)| service.up().map(|settings| (name, service, settings))).collect()
}

/// The port and the settings of the store.
fn store() -> (u16, StoreSettings) {
    let service = &services()["store"];
    match service.parsed() {
        Command::Store(args) => {
            let snapshot = args.flags.over(&service.environment(Program::Store));
            (args.port, orderflow_settings::read(&snapshot, StoreSettings::read).unwrap())
        }
        _ => panic!("the store runs something else"),
    }
}

#[test]
fn every_part_has_one_service_that_runs_it_and_nothing_else() {
    let mut run: Vec<(String, Vec<Part>)> =
        parts().into_iter().map(|(name, _, settings)| (name, settings.only)).collect();
    let mut all: Vec<_> = Part::all().map(|part| (part.name().to_owned(), vec![part])).collect();
    run.sort();
    all.sort();
    assert_eq!(run, all);
}

#[test]
fn all_parts_share_the_store_and_the_broker() {
    let endpoint = format!("http://store:{}", store().0);
    for (name, service, settings) in parts() {
        let StoreLocation::Endpoint(store) = settings.store else { panic!("{name} keeps its own data") };
        assert_eq!(store.to_string(), endpoint, "{name}");
        assert!(matches!(settings.broker, Some(BrokerLocation::RabbitMq(_))), "{name}");
        // RabbitMQ accepts its default account over loopback only.
        assert_eq!(service.environment["ORDERFLOW_BROKER"], "amqp://orderflow@rabbitmq:5672/%2f", "{name}");
    }
}

#[test]
fn the_password_of_the_broker_is_generated_and_stands_in_no_file_of_the_repository() {
    let services = services();
    let generate = read("docker/account");
    assert!(generate.contains("default_user = orderflow") && generate.contains("/dev/urandom"));
    let passwords = services.values().flat_map(|service| &service.environment);
    let passwords: Vec<_> = passwords.filter(|(name, _)| name.contains("PASS")).collect();
    assert!(passwords.iter().all(|(_, value)| *value == "/account/password"), "{passwords:?}");
    assert_eq!(services["account"].volumes[1], "account:/account");
    let reading =
        services.iter().filter(|(_, service)| service.volumes.iter().any(|at| at == "account:/account:ro"));
    for (name, service) in reading {
        assert_eq!(service.depends_on["account"].condition, "service_completed_successfully", "{name}");
    }
    assert_eq!(services["rabbitmq"].environment["RABBITMQ_CONFIG_FILES"], "/account/*.conf");
}

#[test]
fn containers_have_no_capabilities_of_root_and_a_read_only_file_system() {
    // The emulators install and run what they are given.
    let (is_root, is_writable) = (["localstack"], ["localstack", "ministack"]);
    for (name, service) in services() {
        if !is_root.contains(&name.as_str()) {
            assert_eq!(service.cap_drop, ["ALL"], "{name}");
            assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        }
        assert_eq!(service.read_only, !is_writable.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn orders_are_accepted_without_the_broker() {
    let services = services();
    for name in ["order-intake", "shop-api"] {
        let waits_for = [("account", "service_completed_successfully"), ("store", "service_healthy")];
        assert_eq!(services[name].waits_for(), waits_for, "{name}");
    }
    for (name, service) in &services {
        for (other, _) in service.waits_for() {
            assert!(services.contains_key(other), "{name} waits for {other}");
        }
    }
}

#[test]
fn services_listen_on_all_addresses_and_publish_ports_on_loopback_only() {
    for (name, service) in services() {
        for port in &service.ports {
            assert!(port.starts_with("127.0.0.1:"), "{name} publishes {port} to others");
        }
    }
    for (name, _, settings) in parts() {
        assert!(settings.serve.host.is_unspecified(), "{name}");
    }
    assert!(store().1.host.is_unspecified());
}

#[test]
fn the_ports_that_a_local_part_needs_are_published() {
    let services = services();
    let published = |name: &str| services[name].ports.clone();
    assert_eq!(published("proxy"), ["127.0.0.1:8080:8080"]);
    assert_eq!(published("rabbitmq"), ["127.0.0.1:5672:5672", "127.0.0.1:15672:15672"]);
    let store = store().0;
    assert_eq!(published("store"), [format!("127.0.0.1:{store}:{store}")]);
}

#[test]
fn every_service_has_a_health_check_and_restarts() {
    for (name, service) in services().iter().filter(|(name, _)| !["account", "seed"].contains(&name.as_str()))
    {
        assert_eq!(service.restart, "unless-stopped", "{name}");
        assert_eq!(service.healthcheck.test.first().map(String::as_str), Some("CMD"), "{name}");
        if service.is_ours() {
            let check = &service.healthcheck.test[1..];
            assert_eq!(check[..3], ["orderflow", "health", "--ready"], "{name}");
            assert!(matches!(Cli::command_from(check), Ok(Command::Client(_))), "{name}: {check:?}");
        }
    }
}

#[test]
fn health_checks_use_the_port_of_the_service() {
    let services = services();
    for (name, service, settings) in parts() {
        assert_eq!(
            settings.serve.port, 8080,
            "{name}: what `orderflow health` asks by itself is another port"
        );
        assert_eq!(service.healthcheck.test.len(), 4, "{name}");
    }
    let url = format!("http://127.0.0.1:{}", store().0);
    assert_eq!(services["store"].healthcheck.test[4..], ["--url".to_owned(), url]);
}

#[test]
fn the_stop_grace_period_is_longer_than_draining() {
    for (name, service, settings) in parts() {
        let grace: u64 = service.stop_grace_period.strip_suffix('s').unwrap().parse().unwrap();
        assert!(Duration::from_secs(grace) > settings.serve.drain, "{name} has {grace} s");
    }
}

#[test]
fn further_services_start_only_with_their_profile() {
    let services = services();
    let profiles: BTreeSet<&str> =
        services.values().flat_map(|service| &service.profiles).map(String::as_str).collect();
    assert_eq!(profiles, BTreeSet::from(PROFILES));
    for (name, service) in services.iter().filter(|(_, service)| service.profiles.is_empty()) {
        for (other, _) in service.waits_for() {
            assert!(services[other].profiles.is_empty(), "{name} waits for {other}, which does not start");
        }
    }
}

#[test]
fn every_named_volume_is_declared_and_used() {
    let Compose { services, volumes } = compose();
    let mounts = services.values().flat_map(|service| &service.volumes);
    let sources = mounts.map(|mount| mount.split(':').next().unwrap());
    let used: BTreeSet<&str> = sources.filter(|source| !source.starts_with(['.', '/'])).collect();
    assert_eq!(used, volumes.keys().map(String::as_str).collect());
}

#[test]
fn the_seed_adds_the_demo_products() {
    let seed = read("docker/seed");
    let sold: Vec<&str> = seed.lines().filter(|line| line.starts_with("add ")).collect();
    let line = |(sku, name, amount, stock)| format!("add {sku} \"{name}\" {amount} {stock}");
    assert_eq!(sold, DEMO_PRODUCTS.map(line));
}

#[test]
fn containers_do_not_use_the_settings_in_env() {
    let compose = read("docker-compose.yml");
    let asked_for = compose.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next());
    let example = read(".env.example");
    let settings: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .collect();
    let shared: Vec<&str> = asked_for.filter(|name| settings.contains(name)).collect();
    assert!(shared.is_empty() && settings.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{shared:?}");
}

#[test]
fn the_proxy_routes_requests_to_parts() {
    let caddyfile = read("docker/Caddyfile");
    let targets = caddyfile.lines().filter(|line| line.trim().starts_with("reverse_proxy "));
    let mut targets: Vec<&str> = targets.filter_map(|line| line.split(' ').next_back()).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["order-intake:8080", "shop-api:8080"]);
    assert!(caddyfile.contains("@foreign not host localhost 127.0.0.1 ::1 proxy\n"), "{caddyfile}");
}
