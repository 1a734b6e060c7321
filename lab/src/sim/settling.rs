//! The end of a simulation: the faults stop, and everything must settle.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::Method;
use orderflow_orders::{ExpirySettings, OrderExpiry};
use tokio::time::sleep;

use super::client::Call;
use super::crash::unless_crashed;
use super::fault::{FaultKind, Place, PlannedFault};
use super::plan::Plan;
use super::relays;
use super::system::System;
use super::timed;

/// The interval of the sweeps of open orders.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The longest interval of sweeps that found nothing to do.
const SWEEP_EVERY_MAX: Duration = Duration::from_secs(960);

/// The time limit of a sweep.
const SWEEP_TIME: Duration = Duration::from_secs(30);

/// The time that the faults last beyond the last operation and the last fault that strikes at a time.
const AFTER_LAST: Duration = Duration::from_secs(60);

/// How often the director looks whether everything has settled, and the pauses in between.
const LOOKS_MAX: u32 = 400;
/// The looks after which it is patient: a clock that was set back for hours delays the last attempt of a message for as long.
const LOOKS_OFTEN: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_secs(30);
const LOOK_EVERY_MAX: Duration = Duration::from_secs(600);

/// After this many looks in vain at a system that is otherwise quiet, an operator acts.
const OPERATOR_AFTER: u32 = 4;

/// Starts the process that sweeps open orders.
pub(super) fn start_sweeps(system: &System) {
    system.world.spawner.spawn(sweep_forever(system.clone()));
}

async fn sweep_forever(system: System) {
    let expiry = OrderExpiry::new(&system.store_at(Place::Expiry), ExpirySettings::default());
    let mut interval = SWEEP_EVERY;
    loop {
        sleep(interval).await;
        let sweep = expiry.sweep(system.world.clock.wall(), SWEEP_TIME);
        let swept = unless_crashed(&system.world, FaultKind::HandlerCrashed, Place::Expiry, sweep).await;
        system.world.note(Place::Expiry, format_args!("{swept:?}"));
        let is_idle = matches!(swept, Some(Ok(swept)) if swept.resent + swept.expired == 0);
        interval = if is_idle { (interval * 2).min(SWEEP_EVERY_MAX) } else { SWEEP_EVERY };
    }
}

/// Waits until the operations and the faults are over, and then until everything has settled. Returns what has not, if that takes too long.
pub(super) async fn settle(system: &System, plan: &Plan) -> Option<String> {
    until_operations_are_over(system, plan).await;
    system.world.end_faults();
    system.broker.restore();
    system.relays_stopped.send_replace(false);
    if !until_quiet(system).await {
        return Some(dump(system).await);
    }
    // In some of the simulations an operator replays what is dead at the end, in the others it stays dead.
    if plan.seed.is_multiple_of(2) {
        for consumer in timed::consumers() {
            timed::replay(system, consumer).await;
        }
        if !until_quiet(system).await {
            return Some(dump(system).await);
        }
    }
    // An order that is settled can have a refund that failed later: a repeated event asked the provider again.
    retry_refunds(system).await;
    if !until_quiet(system).await {
        return Some(dump(system).await);
    }
    read_results(system).await;
    None
}

async fn until_operations_are_over(system: &System, plan: &Plan) {
    let last_operation = plan.operations.iter().map(|operation| operation.at_ms).max().unwrap_or(0);
    let is_timed = |fault: &&PlannedFault| timed::is_timed(fault.kind);
    let last_fault = plan.faults.iter().filter(is_timed).map(|fault| fault.at).max().unwrap_or(0);
    let last = Duration::from_millis(u64::from(last_operation.max(last_fault)));
    sleep(last + AFTER_LAST).await;
    let is_planned = |task: &String| task.starts_with("fault ");
    for _ in 0..LOOKS_MAX {
        if !system.world.pending().iter().any(is_planned) {
            return;
        }
        sleep(LOOK_EVERY_MAX).await;
    }
}

/// Waits until no order is open and nothing waits. Returns whether that happened in time.
async fn until_quiet(system: &System) -> bool {
    let expiry = OrderExpiry::new(&system.store_at(Place::System), ExpirySettings::default());
    let (mut pause, mut in_vain) = (LOOK_EVERY, 0);
    for look in 0..LOOKS_MAX {
        sleep(if look < LOOKS_OFTEN { pause } else { LOOK_EVERY_MAX }).await;
        if !is_idle(system) {
            continue;
        }
        let swept = expiry.sweep(system.world.clock.wall(), SWEEP_TIME).await;
        system.world.note("system", format_args!("{swept:?}"));
        if swept.is_ok_and(|swept| swept.unsettled == 0) && is_idle(system) {
            return true;
        }
        pause = (pause * 2).min(LOOK_EVERY_MAX);
        in_vain += 1;
        if in_vain % OPERATOR_AFTER == 0 {
            retry_refunds(system).await;
        }
    }
    false
}

fn is_idle(system: &System) -> bool {
    system.world.pending().is_empty() && system.broker.is_empty() && relays::have_caught_up(system)
}

/// Retries the refunds that have failed, as an operator does.
async fn retry_refunds(system: &System) {
    let path = "/api/v1/payments?status=refund_failed&limit=100";
    let listed = system.client.send(&Call::new(Place::Shop, Method::GET, path)).await;
    for payment in listed.body["payments"].as_array().into_iter().flatten() {
        let Some(order) = payment["order_id"].as_str() else { continue };
        let path = format!("/api/v1/payments/{order}/refund");
        system.client.send(&Call::new(Place::Shop, Method::POST, path)).await;
    }
}

/// Reads what the interface says about the orders, and about the analytics.
async fn read_results(system: &System) {
    for order in system.client.orders() {
        for path in [format!("/api/v1/orders/{order}"), format!("/api/v1/orders/{order}/events")] {
            system.client.send(&Call::new(Place::Intake, Method::GET, path)).await;
        }
    }
    let summary = Call::new(Place::Shop, Method::GET, "/api/v1/analytics/summary");
    system.client.send(&summary).await;
}

/// Describes who waits for what.
async fn dump(system: &System) -> String {
    let mut dump = String::new();
    for task in system.world.pending() {
        // A String takes every text.
        let _written = writeln!(dump, "not done: {task}");
    }
    dump.push_str(&system.broker.dump());
    if !relays::have_caught_up(system) {
        dump.push_str("a relay has not published every event\n");
    }
    let tables = super::tables::contents(&system.store_at(Place::System)).await.unwrap_or_default();
    let orders = tables.get("orders").into_iter().flatten();
    for order in orders.filter(|order| order["open_partition"].is_string()) {
        let _written = writeln!(dump, "open order: {order}");
    }
    dump
}
