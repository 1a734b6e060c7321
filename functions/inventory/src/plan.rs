//! Decides what to reserve and to release for the orders of a batch, without touching the store.

use std::collections::BTreeMap;

use orderflow_bugs::is_planted;
use orderflow_domain::{
    EventType, Money, OrderId, PaymentToken, Quantities, RejectionReason, Shortage, Sku, Timestamp,
};
use orderflow_store::{Emission, Outbox};

use crate::table::{ReservationRecord, ReservationStatus, reservation_pk};

/// What the deliveries of a batch request for one order, merged.
#[derive(Debug, Clone)]
pub(crate) struct OrderRequest {
    pub order_id: OrderId,
    pub action: Action,
    /// The number of the resend, when an event of the order was resent: the answer is emitted again.
    pub resend: Option<u32>,
    pub traceparent: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Reserve these units.
    Reserve {
        lines: Vec<Quantities>,
        total: Money,
        payment_token: Option<PaymentToken>,
        unknown_sku: UnknownSku,
    },
    /// Release the reserved units, and reserve none later.
    Release,
}

/// How an order with an unknown sku is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownSku {
    /// Retried: the product's `product.created` may arrive yet.
    Wait,
    /// Rejected: the wait is over.
    Reject,
}

/// Units that can be ordered, by sku: as read from the store, less the units that the plan has reserved since.
pub(crate) type Available = BTreeMap<Sku, i64>;

/// What to do for one order.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// Acknowledge: the request was processed before.
    Acknowledge,
    /// Retry: this sku is not known yet.
    AwaitProduct(Sku),
    /// Write this reservation.
    Write(Box<ReservationChange>),
}

/// The new reservation of an order, and its effect on stock levels.
#[derive(Debug, Clone)]
pub(crate) struct ReservationChange {
    pub record: ReservationRecord,
    /// The version that it replaces; `None` for a new reservation.
    pub replaces: Option<u32>,
    pub outbox: Outbox,
    /// Units that move from available to reserved, by sku; negative when they are released.
    pub moved: Vec<(Sku, i64)>,
}

/// Plans one order, and subtracts the units that it reserves from `available`.
pub(crate) fn plan(
    request: &OrderRequest,
    existing: Option<&ReservationRecord>,
    available: &mut Available,
    now: Timestamp,
) -> Plan {
    match (&request.action, existing) {
        (Action::Reserve { .. }, None) => reserve(request, available, now),
        (Action::Release, None) if is_planted("tombstone-not-written") => Plan::Acknowledge,
        // The record keeps an `order.placed` that arrives later from reserving units.
        (Action::Release, None) => Plan::Write(Box::new(ReservationChange {
            record: new_record(request, ReservationStatus::Released, now),
            replaces: None,
            outbox: Outbox::of(EventType::InventoryReleased),
            moved: Vec::new(),
        })),
        (Action::Release, Some(reserved))
            if reserved.status == ReservationStatus::Reserved || is_planted("released-again") =>
        {
            Plan::Write(Box::new(release(request, reserved, available, now)))
        }
        (_, Some(existing)) => repeat_answer(request, existing, now),
    }
}

fn reserve(request: &OrderRequest, available: &mut Available, now: Timestamp) -> Plan {
    let Action::Reserve { lines, total, payment_token, unknown_sku } = &request.action else {
        return Plan::Acknowledge;
    };
    if let Some(unknown) = lines.iter().find(|line| !available.contains_key(&line.sku)) {
        return match unknown_sku {
            UnknownSku::Wait => Plan::AwaitProduct(unknown.sku.clone()),
            UnknownSku::Reject => reject(request, lines, available, RejectionReason::UnknownProduct, now),
        };
    }
    if lines.iter().any(|line| available[&line.sku] < i64::from(line.quantity)) {
        return reject(request, lines, available, RejectionReason::OutOfStock, now);
    }
    let units = |line: &Quantities| if is_planted("fewer-units-reserved") { 1 } else { line.quantity.into() };
    let moved: Vec<_> = lines.iter().map(|line| (line.sku.clone(), units(line))).collect();
    subtract(available, &moved);
    let record = ReservationRecord {
        lines: lines.clone(),
        total: Some(total.clone()),
        payment_token: payment_token.clone(),
        ..new_record(request, ReservationStatus::Reserved, now)
    };
    let outbox = Outbox::of(EventType::InventoryReserved);
    Plan::Write(Box::new(ReservationChange { record, replaces: None, outbox, moved }))
}

fn reject(
    request: &OrderRequest,
    lines: &[Quantities],
    available: &Available,
    reason: RejectionReason,
    now: Timestamp,
) -> Plan {
    let shortage = |line: &Quantities| {
        let available = available.get(&line.sku).copied().unwrap_or_default();
        let short = available < i64::from(line.quantity);
        short.then(|| Shortage { sku: line.sku.clone(), requested: line.quantity, available })
    };
    let record = ReservationRecord {
        reason: Some(reason),
        shortages: lines.iter().filter_map(shortage).collect(),
        ..new_record(request, ReservationStatus::Rejected, now)
    };
    let outbox = Outbox::of(EventType::InventoryRejected);
    Plan::Write(Box::new(ReservationChange { record, replaces: None, outbox, moved: Vec::new() }))
}

fn release(
    request: &OrderRequest,
    reserved: &ReservationRecord,
    available: &mut Available,
    now: Timestamp,
) -> ReservationChange {
    let held = reserved.lines.iter().filter(|_| !is_planted("units-not-released"));
    let moved: Vec<_> = held.map(|line| (line.sku.clone(), -i64::from(line.quantity))).collect();
    subtract(available, &moved);
    ReservationChange {
        record: ReservationRecord {
            status: ReservationStatus::Released,
            updated_at: now,
            version: reserved.version + 1,
            traceparent: request.traceparent.clone(),
            payment_token: None,
            ..reserved.clone()
        },
        replaces: Some(reserved.version),
        outbox: Outbox::of(EventType::InventoryReleased),
        moved,
    }
}

/// Emits the answer of a processed request again when the request was resent. The version changes with it, because a write that changes
/// nothing leaves no record in the table's stream.
fn repeat_answer(request: &OrderRequest, existing: &ReservationRecord, now: Timestamp) -> Plan {
    let resend = request.resend.filter(|_| !is_planted("reservation-not-answered-again"));
    let Some(resend) = resend else { return Plan::Acknowledge };
    let event_type = match existing.status {
        ReservationStatus::Reserved => EventType::InventoryReserved,
        ReservationStatus::Rejected => EventType::InventoryRejected,
        ReservationStatus::Released => EventType::InventoryReleased,
    };
    Plan::Write(Box::new(ReservationChange {
        record: ReservationRecord { updated_at: now, version: existing.version + 1, ..existing.clone() },
        replaces: Some(existing.version),
        outbox: Outbox::of(Emission { event_type, resend: Some(resend) }),
        moved: Vec::new(),
    }))
}

fn subtract(available: &mut Available, moved: &[(Sku, i64)]) {
    for (sku, units) in moved {
        if let Some(level) = available.get_mut(sku) {
            *level -= units;
        }
    }
}

fn new_record(request: &OrderRequest, status: ReservationStatus, now: Timestamp) -> ReservationRecord {
    ReservationRecord {
        pk: reservation_pk(request.order_id),
        order_id: request.order_id,
        status,
        lines: Vec::new(),
        total: None,
        payment_token: None,
        reason: None,
        shortages: Vec::new(),
        updated_at: now,
        version: 1,
        traceparent: request.traceparent.clone(),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
