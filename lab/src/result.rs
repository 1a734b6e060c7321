//! The figures of a measurement.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::args::LoadPlan;
use crate::load::Orders;
use crate::notified::{Clocks, Notified, Outcome};
use crate::processes::{Consumption, Role};
use crate::scenario::Scenario;
use crate::series::Series;
use crate::statistics::{Quantiles, per_second, rounded};

/// Under which conditions the figures hold.
pub(crate) struct Conditions {
    pub scenario: Scenario,
    pub shop: &'static str,
    pub plan: LoadPlan,
    /// The orders that the store held at the start.
    pub stored: u64,
    pub interrupted: bool,
    pub remarks: Vec<String>,
}

/// What was observed.
pub(crate) struct Observations {
    pub orders: Orders,
    /// For each accepted order, when its customer was notified.
    pub notified: Vec<Option<Notified>>,
    /// How many of the accepted orders analytics has counted.
    pub counted: u64,
    /// When the last order was notified and counted.
    pub completed_at: Instant,
    pub clocks: Clocks,
    pub consumed: Vec<Consumption>,
    /// The CPU time of the load generator while it placed orders.
    pub own: Duration,
    pub own_memory_kib: u64,
}

/// The figures of a measurement. Serialised, they are what `--json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The version of this program.
    pub version: &'static str,
    /// What was ordered.
    pub scenario: String,
    /// `embedded` or `rabbitmq` for a temporary shop, `url` for another.
    pub shop: &'static str,
    /// `closed` or `open`.
    #[serde(rename = "loop")]
    pub kind: &'static str,
    /// The clients, or the most open requests of an open loop.
    pub clients: usize,
    /// The planned orders a second of an open loop.
    pub rate_per_s: Option<f64>,
    /// The orders that the store of a temporary shop held at the start.
    pub stored_orders: u64,
    /// The processors of this machine.
    pub cores: usize,
    /// Whether a signal ended the measurement early.
    pub interrupted: bool,
    /// The number of accepted orders.
    pub accepted: usize,
    /// The number of orders that were not accepted, by status or error.
    pub refused: BTreeMap<String, u64>,
    /// The number of accepted orders whose customers were notified and that analytics has counted.
    pub completed: usize,
    /// The number of accepted orders by how they ended.
    pub outcomes: Outcomes,
    /// Seconds from the first order to the last answer.
    pub load_s: f64,
    /// Seconds from the first order until the last one was complete.
    pub total_s: f64,
    /// Accepted orders a second, until the last answer.
    pub accepted_per_s: f64,
    /// Completed orders a second, until the last one was complete.
    pub completed_per_s: f64,
    /// The latency of accepted requests. In an open loop it counts from the planned time.
    pub post_ms: Option<Quantiles>,
    /// The time from the request until the customer was notified.
    pub end_to_end_ms: Option<Quantiles>,
    /// The CPU time of all processes except the load generator, for each completed order; null if it is not known.
    pub cpu_ms_per_order: Option<f64>,
    /// The highest resident memory of the shop, without the broker; null if it is not known.
    pub peak_rss_mib: Option<f64>,
    /// The processes that take part.
    pub processes: Vec<ProcessFigures>,
    /// This program.
    pub load_generator: GeneratorFigures,
    /// What the figures leave out.
    pub remarks: Vec<String>,
    /// The measurement over time, for the report.
    #[serde(skip)]
    pub(crate) series: Series,
}

/// The number of orders by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Paid and confirmed.
    pub confirmed: usize,
    /// Declined, or out of stock.
    pub rejected: usize,
    /// Cancelled.
    pub cancelled: usize,
}

/// The figures of one process with its children.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessFigures {
    /// What the process does.
    pub role: Role,
    /// The name of its program.
    pub name: String,
    /// Its id.
    pub pid: u32,
    /// Its CPU time for each completed order.
    pub cpu_ms_per_order: Option<f64>,
    /// Its highest resident memory.
    pub peak_rss_mib: f64,
}

/// The figures of the load generator.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GeneratorFigures {
    /// Its CPU time while it placed orders, for each accepted order.
    pub cpu_ms_per_order: Option<f64>,
    /// Its highest resident memory.
    pub peak_rss_mib: f64,
}

impl Measured {
    pub(crate) fn new(conditions: Conditions, seen: &Observations) -> Self {
        let Conditions { scenario, shop, plan, stored, interrupted, remarks } = conditions;
        let placed = &seen.orders.placed;
        let accepted = placed.len();
        let notified = seen.notified.iter().flatten().count();
        let completed = notified.min(usize::try_from(seen.counted).unwrap_or(usize::MAX));
        let load = seen.orders.time();
        let total = seen
            .orders
            .span
            .map_or(Duration::ZERO, |(first, last)| seen.completed_at.max(last).duration_since(first));
        let series = Series::new(&seen.orders, &seen.notified, &seen.clocks, total);
        let processes: Vec<ProcessFigures> =
            seen.consumed.iter().map(|consumed| ProcessFigures::new(consumed, completed)).collect();
        let cpu = seen.consumed.iter().map(|consumed| consumed.cpu).sum();
        let shops = processes.iter().filter(|process| process.role == Role::Shop);
        let memory: Vec<f64> = shops.map(|process| process.peak_rss_mib).collect();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            scenario: scenario.to_string(),
            shop,
            kind: if plan.rate.is_some() { "open" } else { "closed" },
            clients: plan.clients,
            rate_per_s: plan.rate,
            stored_orders: stored,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            interrupted,
            accepted,
            refused: seen.orders.refused.clone(),
            completed,
            outcomes: Outcomes::of(&seen.notified),
            load_s: rounded(load.as_secs_f64()),
            total_s: rounded(total.as_secs_f64()),
            accepted_per_s: rounded(per_second(accepted, load)),
            completed_per_s: rounded(per_second(completed, total)),
            post_ms: series.all_post.quantiles(),
            end_to_end_ms: series.all_end_to_end.quantiles(),
            cpu_ms_per_order: (!processes.is_empty()).then(|| millis_each(cpu, completed)).flatten(),
            peak_rss_mib: (!memory.is_empty()).then(|| rounded(memory.iter().sum())),
            processes,
            load_generator: GeneratorFigures {
                cpu_ms_per_order: millis_each(seen.own, accepted),
                peak_rss_mib: mib(seen.own_memory_kib),
            },
            remarks,
            series,
        }
    }

    /// Returns why the measurement failed; `None` if every order was accepted and completed. An interrupted one need not be complete.
    pub fn failure(&self) -> Option<String> {
        let refused: u64 = self.refused.values().sum();
        let incomplete = self.accepted - self.completed;
        if refused > 0 {
            return Some(format!("orders not accepted: {refused}"));
        }
        if self.accepted == 0 && !self.interrupted {
            return Some("no order was placed".to_owned());
        }
        (incomplete > 0 && !self.interrupted)
            .then(|| format!("orders not notified and counted in time (--timeout): {incomplete}"))
    }

    /// Returns the figures as JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the figures have a form in JSON")
    }
}

impl Outcomes {
    fn of(notified: &[Option<Notified>]) -> Self {
        let count = |outcome| notified.iter().flatten().filter(|one| one.outcome == outcome).count();
        Self {
            confirmed: count(Outcome::Confirmed),
            rejected: count(Outcome::Rejected),
            cancelled: count(Outcome::Cancelled),
        }
    }
}

impl ProcessFigures {
    fn new(consumed: &Consumption, completed: usize) -> Self {
        Self {
            role: consumed.participant.role,
            name: consumed.participant.name.clone(),
            pid: consumed.participant.pid,
            cpu_ms_per_order: millis_each(consumed.cpu, completed),
            peak_rss_mib: mib(consumed.resident_max_kib),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of orders are far below 2^53")]
fn millis_each(time: Duration, count: usize) -> Option<f64> {
    (count > 0).then(|| rounded(time.as_secs_f64() * 1_000.0 / count as f64))
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^53")]
fn mib(kib: u64) -> f64 {
    rounded(kib as f64 / 1_024.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::args::Extent;
    use crate::load::Placed;
    use crate::processes::Participant;

    pub(crate) fn conditions() -> Conditions {
        let plan = LoadPlan { extent: Extent::Orders(4), clients: 2, rate: None };
        Conditions {
            scenario: Scenario::HotSku,
            shop: "rabbitmq",
            plan,
            stored: 0,
            interrupted: false,
            remarks: Vec::new(),
        }
    }

    /// Observes four accepted orders, one a second. Each is answered after 10 ms, and notified after 50 ms; the last is not counted.
    pub(crate) fn observations() -> Observations {
        let (clocks, start) = (Clocks::read(), Instant::now());
        let mut orders = Orders::default();
        let mut notified = Vec::new();
        for number in 0..4_u64 {
            let sent = start + Duration::from_secs(number);
            let answered = sent + Duration::from_millis(10);
            let (id, created_at) = (number.to_string(), String::new());
            orders.placed.push(Placed { id, created_at, planned: sent, sent, answered });
            let at_us = clocks.micros(sent) + 50_000;
            notified.push(Some(Notified { at_us, outcome: Outcome::Confirmed }));
        }
        let last = start + Duration::from_millis(3_010);
        orders.span = Some((start, last));
        let process = |role, pid, millis| Consumption {
            participant: Participant { pid, role, name: "p".to_owned() },
            cpu: Duration::from_millis(millis),
            resident_max_kib: 2_048,
        };
        Observations {
            orders,
            notified,
            counted: 3,
            completed_at: start + Duration::from_secs(4),
            clocks,
            consumed: vec![process(Role::Shop, 1, 30), process(Role::Broker, 2, 6)],
            own: Duration::from_millis(1),
            own_memory_kib: 1_024,
        }
    }

    #[test]
    fn figures_are_those_of_completed_orders_and_of_all_processes() {
        let measured = Measured::new(conditions(), &observations());
        assert_eq!((measured.accepted, measured.completed), (4, 3));
        assert_eq!((measured.accepted_per_s, measured.completed_per_s), (1.329, 0.75));
        assert_eq!((measured.cpu_ms_per_order, measured.peak_rss_mib), (Some(12.0), Some(2.0)));
        assert_eq!(measured.load_generator.cpu_ms_per_order, Some(0.25));
        let (post, end_to_end) = (measured.post_ms.unwrap(), measured.end_to_end_ms.unwrap());
        assert!(
            (post.max - 10.0).abs() < 0.01 && (end_to_end.p50 - 50.0).abs() < 0.1,
            "{post:?} {end_to_end:?}"
        );
        assert!(measured.failure().unwrap().starts_with("orders not notified and counted in time"));
    }

    #[test]
    fn refused_orders_fail_the_measurement_and_an_interrupted_one_may_be_incomplete() {
        let mut observations = observations();
        let interrupted = Conditions { interrupted: true, ..conditions() };
        assert_eq!(Measured::new(interrupted, &observations).failure(), None);
        observations.counted = 4;
        assert_eq!(Measured::new(conditions(), &observations).failure(), None);
        observations.orders.refused.insert("503".to_owned(), 2);
        assert_eq!(
            Measured::new(conditions(), &observations).failure().as_deref(),
            Some("orders not accepted: 2")
        );
    }

    #[test]
    fn without_orders_figures_are_null_or_zero() {
        let empty = Observations {
            orders: Orders::default(),
            notified: Vec::new(),
            counted: 0,
            consumed: Vec::new(),
            ..observations()
        };
        let measured = Measured::new(conditions(), &empty);
        assert_eq!(
            (measured.completed_per_s, measured.cpu_ms_per_order, measured.post_ms),
            (0.0, None, None)
        );
        assert_eq!(measured.failure().as_deref(), Some("no order was placed"));
        assert!(measured.json().contains("\"post_ms\": null"));
    }
}
