//! One measurement, from the start of the shop to its figures.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use url::Url;

use crate::args::{Extent, LoadPlan, ShopPlan, TemporaryPlan};
use crate::connection::{Address, Connection};
use crate::interrupts::Interrupts;
use crate::load::{Load, Orders};
use crate::notified::{self, Clocks};
use crate::observer::{Observer, Summary};
use crate::processes::{self, Meter, Participant, Role};
use crate::result::{Conditions, Measured, Observations};
use crate::scenario::Workload;
use crate::shop::{Folder, Shop};
use crate::stored;
use crate::{BenchArgs, BenchError};

/// How often the shop is observed under load. A sample costs it less than a millisecond of CPU.
const SAMPLE: Duration = Duration::from_millis(250);

/// How often it is observed while the last orders are completed, which bounds the error of the time of the end.
const SAMPLE_AT_END: Duration = Duration::from_millis(20);

/// How long no order may be completed before the shop counts as idle.
const QUIET: Duration = Duration::from_millis(200);

/// The clients of the warm-up.
const WARM_UP_CLIENTS: usize = 8;

/// Measures a shop. Ctrl-C ends the load; the figures are then those so far.
///
/// # Errors
/// [`BenchError`] if the shop cannot be started or reached, or a flag has a value that cannot be used.
pub fn run(args: &BenchArgs, token: Option<&str>) -> Result<Measured, BenchError> {
    // One thread: the load generator should leave the processors to the shop.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(args, token))
}

/// The shop of a measurement, and the processes that take part.
struct Subject {
    /// The process that this program started; `None` for one that ran before.
    started: Option<Shop>,
    address: Address,
    participants: Vec<Participant>,
    kind: &'static str,
    /// What the figures leave out.
    remarks: Vec<String>,
}

async fn measure(args: &BenchArgs, token: Option<&str>) -> Result<Measured, BenchError> {
    let interrupts = Interrupts::listen()?;
    let mut subject = Subject::open(args, token, &interrupts).await?;
    let workload = Arc::new(Workload::new(args.scenario(), &run_name()));
    let mut connection = Connection::new(&subject.address);
    let before = Summary::read(&mut connection).await.map_err(|error| match subject.started {
        Some(_) => error,
        None => BenchError::flag("--url", error.to_string()),
    })?;
    add_products(&workload, &mut connection, before.currency()).await?;
    let load = Load {
        address: subject.address.clone(),
        workload: workload.clone(),
        plan: args.load(),
        first: args.warm_up(),
        stop: interrupts.stop.clone(),
        progress: progress_bar(args.load().extent, "orders answered"),
    };
    let warm_up_end = Instant::now() + args.timeout();
    let ended_before = warm_up(&load, args.warm_up(), before.ended(), warm_up_end).await?;
    let measured = measure_load(args, &mut subject, load, ended_before, &interrupts).await;
    if subject.started.is_none() {
        remove_products(&workload, &mut connection).await;
    }
    if let Some(shop) = &mut subject.started {
        shop.stop();
    }
    measured
}

/// Returns a name for the products of this run, which no other run has.
fn run_name() -> String {
    format!("{:08X}", fastrand::u32(..))
}

impl Subject {
    async fn open(
        args: &BenchArgs,
        token: Option<&str>,
        interrupts: &Interrupts,
    ) -> Result<Self, BenchError> {
        let mut subject = match args.shop() {
            ShopPlan::At(url) => Self::at(&url, token)?,
            ShopPlan::Temporary(plan) => Self::temporary(&plan, interrupts).await?,
        };
        for pid in args.pids() {
            let name = processes::name(&pid.to_string())
                .ok_or_else(|| BenchError::flag("--pid", format!("there is no process {pid}")))?;
            subject.participants.push(Participant { pid: *pid, role: Role::Other, name });
        }
        Ok(subject)
    }

    fn at(url: &str, token: Option<&str>) -> Result<Self, BenchError> {
        let address = Address::parse(url, token)?;
        let mut remarks = Vec::new();
        let participants = listening(&address.endpoint, Role::Shop);
        if participants.is_empty() {
            remarks.push("CPU and memory are not known: no process of this machine that can be read listens at --url; name it with --pid".to_owned());
        }
        Ok(Self { started: None, address, participants, kind: "url", remarks })
    }

    async fn temporary(plan: &TemporaryPlan, interrupts: &Interrupts) -> Result<Self, BenchError> {
        let broker = plan.broker.as_deref().map(broker_endpoint).transpose()?;
        let folder = Folder::make(plan)?;
        if plan.stored > 0 {
            let progress = progress_bar(Extent::Orders(plan.stored), "orders stored");
            stored::fill(&folder.data(), plan.stored, &progress, &interrupts.stop).await?;
            progress.finish_and_clear();
        }
        let shop = Shop::start(plan, folder)?;
        let address = Address::parse(shop.url(), None)?;
        let name = "orderflow".to_owned();
        let mut participants = vec![Participant { pid: shop.pid(), role: Role::Shop, name }];
        let mut remarks = Vec::new();
        if let Some(endpoint) = &broker {
            let found = listening(endpoint, Role::Broker);
            if found.is_empty() {
                remarks.push("the CPU of the broker is not counted: no process of this machine that can be read listens at --broker; name it with --pid".to_owned());
            }
            participants.extend(found);
        }
        let kind = if broker.is_some() { "rabbitmq" } else { "embedded" };
        Ok(Self { started: Some(shop), address, participants, kind, remarks })
    }
}

fn listening((host, port): &(String, u16), role: Role) -> Vec<Participant> {
    let named = |pid: u32| Some(Participant { pid, role, name: processes::name(&pid.to_string())? });
    processes::listeners(host, *port).into_iter().filter_map(named).collect()
}

/// Returns the host and port of a broker.
fn broker_endpoint(text: &str) -> Result<(String, u16), BenchError> {
    let refused =
        || BenchError::flag("--broker", "must be a URL such as amqp://user:password@host:5672/bench");
    let url = Url::parse(text).map_err(|_| refused())?;
    let port = match url.scheme() {
        "amqp" => 5_672,
        "amqps" => 5_671,
        _ => return Err(refused()),
    };
    let host = url.host_str().ok_or_else(refused)?;
    Ok((host.trim_matches(['[', ']']).to_owned(), url.port().unwrap_or(port)))
}

async fn add_products(
    workload: &Workload,
    connection: &mut Connection,
    currency: &str,
) -> Result<(), BenchError> {
    const REQUEST: &str = "POST /api/v1/products";
    for product in workload.products() {
        let body = product.body(currency);
        let answer = connection.send(Method::POST, "/api/v1/products", Some(body)).await;
        let answer = answer.map_err(|error| BenchError::answer(REQUEST, error.to_string()))?;
        if answer.status != StatusCode::CREATED {
            return Err(BenchError::answer(REQUEST, answer.problem()));
        }
    }
    Ok(())
}

/// Removes the products of this run from sale in a shop that goes on running. A failure leaves them there.
async fn remove_products(workload: &Workload, connection: &mut Connection) {
    for product in workload.products() {
        // With an empty JSON body, because the guard of the program refuses a request that a page of another site could send.
        let path = format!("/api/v1/products/{}", product.sku);
        let _removed = connection.send(Method::DELETE, &path, Some(bytes::Bytes::new())).await;
    }
}

/// Places the first orders and waits until the shop has completed them and is idle. Returns how many orders have ended.
async fn warm_up(load: &Load, orders: u64, ended: u64, deadline: Instant) -> Result<u64, BenchError> {
    let mut observer = Observer::new(&load.address, Meter::start([]));
    let clients = WARM_UP_CLIENTS.min(load.plan.clients);
    let plan = LoadPlan { extent: Extent::Orders(orders), clients, rate: None };
    let warm_up = Load { plan, first: 0, progress: ProgressBar::hidden(), ..load.clone() };
    let placed = if orders == 0 { 0 } else { warm_up.run().await.placed.len() as u64 };
    loop {
        observer.sample().await?;
        let counted = observer.ended().await?;
        let is_done = counted >= ended + placed && observer.quiet_for() >= QUIET;
        if is_done || *load.stop.borrow() {
            return Ok(counted);
        }
        if Instant::now() >= deadline {
            let reason = format!(
                "{} of {placed} orders before the measurement were not completed in time (--timeout)",
                ended + placed - counted
            );
            return Err(BenchError::answer("GET /api/v1/analytics/summary", reason));
        }
        sleep(SAMPLE_AT_END).await;
    }
}

async fn measure_load(
    args: &BenchArgs,
    subject: &mut Subject,
    load: Load,
    ended_before: u64,
    interrupts: &Interrupts,
) -> Result<Measured, BenchError> {
    let clocks = Clocks::read();
    let mut observer = Observer::new(&subject.address, Meter::start(subject.participants.clone()));
    let own_before = processes::own_usage().0;
    let progress = load.progress.clone();
    let address = load.address.clone();
    let mut loading = tokio::spawn(load.run());
    let mut samples = interval(SAMPLE);
    samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let orders = loop {
        tokio::select! {
            loaded = &mut loading => break loaded.unwrap_or_default(),
            _tick = samples.tick() => {
                observer.sample().await?;
                if let Some(shop) = &mut subject.started {
                    shop.check()?;
                }
            }
        }
    };
    let own = processes::own_usage().0.saturating_sub(own_before);
    progress.set_message("waiting for the last orders to complete");
    let deadline = Instant::now() + args.timeout();
    let counted = complete(&mut observer, &orders, ended_before, deadline, interrupts).await?;
    progress.set_message("reading when customers were notified");
    let patience = if interrupts.gave_up() { Instant::now() } else { deadline };
    let notified = notified::read(&address, &orders.placed, patience).await?;
    progress.finish_and_clear();
    let (completed_at, consumed) = observer.last_change();
    let conditions = Conditions {
        scenario: args.scenario(),
        shop: subject.kind,
        plan: args.load(),
        stored: args.stored(),
        interrupted: interrupts.stopped(),
        remarks: std::mem::take(&mut subject.remarks),
    };
    let clocks = clocks.corrected(&orders.placed);
    let own_memory_kib = processes::own_usage().1;
    let observations =
        Observations { orders, notified, counted, completed_at, clocks, consumed, own, own_memory_kib };
    Ok(Measured::new(conditions, &observations))
}

/// Waits until analytics has counted every order, or time is up. Returns how many orders of this run it has counted.
async fn complete(
    observer: &mut Observer,
    orders: &Orders,
    ended_before: u64,
    deadline: Instant,
    interrupts: &Interrupts,
) -> Result<u64, BenchError> {
    observer.find_children();
    let placed = orders.placed.len() as u64;
    loop {
        observer.sample().await?;
        let counted = observer.ended().await?.saturating_sub(ended_before);
        if counted >= placed || Instant::now() >= deadline || interrupts.gave_up() {
            return Ok(counted.min(placed));
        }
        sleep(SAMPLE_AT_END).await;
    }
}

fn progress_bar(extent: Extent, what: &str) -> ProgressBar {
    let length = match extent {
        Extent::Orders(orders) => Some(orders),
        Extent::Time(_) => None,
    };
    // Nothing is drawn unless stderr is a terminal.
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(5));
    let template = match length {
        Some(_) => format!("{{wide_bar}} {{human_pos}}/{{human_len}} {what}, {{per_sec}} {{msg}}"),
        None => format!("{{spinner}} {{human_pos}} {what}, {{per_sec}}, {{elapsed}} {{msg}}"),
    };
    bar.with_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_of_a_broker_is_its_host_and_port() {
        for (url, host, port) in [
            ("amqp://guest:guest@127.0.0.1:5673/bench", "127.0.0.1", 5_673),
            ("amqp://h", "h", 5_672),
            ("amqps://[::1]", "::1", 5_671),
        ] {
            assert_eq!(broker_endpoint(url).unwrap(), (host.to_owned(), port));
        }
        for bad in ["", "h", "http://user:s3cret@h", "amqp://"] {
            let error = broker_endpoint(bad).unwrap_err().to_string();
            assert!(error.starts_with("--broker: must be") && !error.contains("s3cret"), "{bad}: {error}");
        }
    }
}
