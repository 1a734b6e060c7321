//! The flags of `orderflow bench`.

use std::path::PathBuf;
use std::time::Duration;

use crate::scenario::Scenario;

/// The number of orders without `--orders` and `--duration`.
const ORDERS: u64 = 5_000;

/// The clients of a closed loop, and the most open requests of an open one, without `--clients`.
const CLIENTS: usize = 16;
const CLIENTS_OPEN_LOOP: usize = 256;

/// The orders before the measurement of a temporary shop, without `--warm-up`.
const WARM_UP: u64 = 200;

/// The flags of `orderflow bench` that are not settings.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct BenchArgs {
    /// The number of orders to place.
    #[arg(long, value_name = "NUMBER", default_value_t = ORDERS, conflicts_with = "duration",
        value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    orders: u64,

    /// Place orders for this long instead: a number with ms, s, m or h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,

    /// The number of clients. Each places its next order when its last one is answered. With --rate it is the most requests that are open at
    /// the same time. [default: 16, with --rate 256]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=4_096))]
    clients: Option<u32>,

    /// Place this many orders a second (an open loop), whether or not earlier ones are answered. Latency counts from the planned time.
    #[arg(long, value_name = "ORDERS", value_parser = rate)]
    rate: Option<f64>,

    /// What is ordered.
    #[arg(long, value_enum, default_value_t = Scenario::Uniform)]
    scenario: Scenario,

    /// Begin with a store that holds this many confirmed orders: what the shop can do after years. Writing a million of them takes minutes.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    stored: u64,

    /// The number of orders that are placed before the measurement and are not part of it. [default: 200, with --url 0]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    warm_up: Option<u64>,

    /// Measure the shop that runs at this URL, http:// only, instead of a temporary one. Its store keeps the orders.
    #[arg(id = "shop_url", long = "url", value_name = "URL", conflicts_with_all = ["broker", "data_dir", "set", "log", "stored"])]
    url: Option<String>,

    /// Let the RabbitMQ at this URL carry the events of the temporary shop. Use a virtual host of its own: the shop declares its queues
    /// there, and they stay.
    #[arg(long, value_name = "URL", visible_alias = "rabbitmq")]
    broker: Option<String>,

    /// Keep the temporary shop's store in a new folder below this one, which decides on which disk it is. [default: the folder for temporary
    /// files]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,

    /// A variable for the temporary shop, such as PAYMENT_LATENCY_MS=5; repeat the flag for several. The shop gets no other settings of this
    /// environment, except RUST_LOG.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    set: Vec<(String, String)>,

    /// Write the log of the temporary shop to this file. Without the flag it is written and dropped.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// A further process of this machine that takes part, such as a part of the shop or its database; repeat the flag for several. The
    /// listeners at --url and --broker are found by themselves.
    #[arg(long = "pid", value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pids: Vec<u32>,

    /// How long after the last answer the orders may take to be notified and counted: a number with ms, s, m or h.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    timeout: Duration,

    /// Also write a report with plots to this file: one page of HTML that needs no other.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Without --url the command starts a temporary shop: this program with an empty store, which it deletes at the end. An order is complete when
its customer is notified and analytics has counted it. The time of the notification is the one that the shop records with it; the
command reads it for every order after the measurement, so that watching costs nothing meanwhile.

A closed loop measures what the shop can do: it has at most --clients requests open. An open loop (--rate) measures how long orders take at a
given load. When the shop stalls, its later orders wait, and their latency counts from the time at which they were planned.

CPU is that of the shop, its children and the broker, but not of this command, which is shown apart. Ctrl-C ends the measurement and shows
the figures so far; a second one does not wait for orders that are not complete. The exit code is 1 if an order was refused or did not
complete in time.

Examples:
  orderflow bench
  orderflow bench --clients 64 --orders 20000 --json
  orderflow bench --rate 200 --duration 30s --report report.html
  orderflow bench --scenario mixed \\
    --broker amqp://guest:guest@127.0.0.1:5672/bench
  orderflow bench --stored 1000000 --clients 16
  orderflow bench --url http://127.0.0.1:8080 --orders 1000";

/// How many orders are placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    /// This many.
    Orders(u64),
    /// As many as in this time.
    Time(Duration),
}

/// How orders are placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LoadPlan {
    pub extent: Extent,
    /// The clients, or the most open requests of an open loop.
    pub clients: usize,
    /// The orders a second of an open loop; `None` for a closed one.
    pub rate: Option<f64>,
}

/// Which shop is measured.
#[derive(Debug, Clone)]
pub(crate) enum ShopPlan {
    /// The one at a URL.
    At(String),
    /// A temporary one.
    Temporary(TemporaryPlan),
}

/// How a temporary shop is started.
#[derive(Debug, Clone, Default)]
pub struct TemporaryPlan {
    /// The URL of the RabbitMQ that carries its events; `None` for the broker in its process.
    pub broker: Option<String>,
    /// The folder in which the one of the shop is made; `None` for the folder of temporary files.
    pub folder: Option<PathBuf>,
    /// The variables of its environment, besides those that are inherited.
    pub variables: Vec<(String, String)>,
    /// The file to which its log is written.
    pub log: Option<PathBuf>,
    /// The orders that the store holds at the start.
    pub stored: u64,
}

impl BenchArgs {
    pub(crate) fn load(&self) -> LoadPlan {
        let clients = self.clients.and_then(|clients| usize::try_from(clients).ok());
        let default = if self.rate.is_some() { CLIENTS_OPEN_LOOP } else { CLIENTS };
        LoadPlan {
            extent: self.duration.map_or(Extent::Orders(self.orders), Extent::Time),
            clients: clients.unwrap_or(default),
            rate: self.rate,
        }
    }

    pub(crate) fn shop(&self) -> ShopPlan {
        match &self.url {
            Some(url) => ShopPlan::At(url.clone()),
            None => ShopPlan::Temporary(TemporaryPlan {
                broker: self.broker.clone(),
                folder: self.data_dir.clone(),
                variables: self.set.clone(),
                log: self.log.clone(),
                stored: self.stored,
            }),
        }
    }

    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    pub(crate) fn scenario(&self) -> Scenario {
        self.scenario
    }

    pub(crate) fn warm_up(&self) -> u64 {
        self.warm_up.unwrap_or(if self.url.is_some() { 0 } else { WARM_UP })
    }

    pub(crate) fn pids(&self) -> &[u32] {
        &self.pids
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Reads a duration other than zero.
fn duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str =
        "must be a whole number above 0 with a unit, such as 500ms, 30s, 2m or 1h, at most 24h";
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let number: u32 = digits.parse().map_err(|_| EXPECTED)?;
    let milliseconds = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(EXPECTED.to_owned()),
    };
    let duration = Duration::from_millis(u64::from(number) * milliseconds);
    let allowed = Duration::from_millis(1)..=Duration::from_secs(24 * 3_600);
    if allowed.contains(&duration) { Ok(duration) } else { Err(EXPECTED.to_owned()) }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=100_000.0).contains(&rate) => Ok(rate),
        _ => Err("must be a number of orders a second from 0.1 to 100000".to_owned()),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be a name and a value such as PAYMENT_LATENCY_MS=5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: BenchArgs,
    }

    fn parse(arguments: &[&str]) -> Result<BenchArgs, clap::Error> {
        Command::try_parse_from(["bench"].iter().chain(arguments)).map(|command| command.args)
    }

    #[test]
    fn an_open_loop_and_a_foreign_shop_have_defaults_of_their_own() {
        let closed = parse(&[]).unwrap();
        let expected = LoadPlan { extent: Extent::Orders(5_000), clients: 16, rate: None };
        assert_eq!((closed.load(), closed.warm_up()), (expected, 200));
        let open = parse(&["--rate", "50", "--duration", "2m", "--url", "http://h"]).unwrap();
        let extent = Extent::Time(Duration::from_secs(120));
        assert_eq!((open.load(), open.warm_up()), (LoadPlan { extent, clients: 256, rate: Some(50.0) }, 0));
    }

    #[test]
    fn a_bad_value_is_refused_with_the_name_of_its_flag() {
        for (flag, value) in [
            ("--orders", "0"),
            ("--duration", "0s"),
            ("--duration", "25h"),
            ("--duration", "5"),
            ("--clients", "0"),
            ("--rate", "NaN"),
            ("--rate", "-1"),
            ("--rate", "0"),
            ("--set", "NAME"),
            ("--scenario", "cold"),
            ("--pid", "0"),
            ("--timeout", "soon"),
        ] {
            let error = parse(&[&format!("{flag}={value}")]).unwrap_err().to_string();
            assert!(error.contains(flag), "{flag} {value}: {error}");
        }
    }

    #[test]
    fn flags_of_the_temporary_shop_are_refused_for_another() {
        for flag in ["--broker=amqp://h", "--data-dir=/tmp", "--set=A=b", "--log=f", "--stored=1"] {
            assert!(parse(&["--url=http://h", flag]).is_err(), "{flag}");
        }
        assert!(parse(&["--orders=1", "--duration=1s"]).is_err());
    }
}
