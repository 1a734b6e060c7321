//! What is to be done with a batch of orders, decided without touching the store.

use std::collections::BTreeMap;

use orderflow_domain::{
    EventType, Money, OrderId, PaymentToken, Quantities, RejectionReason, Shortage, Sku, Timestamp,
};
use orderflow_store::{Emission, Outbox};

use crate::table::{ReservationRecord, ReservationStatus, reservation_pk};

/// What the deliveries of a batch ask for one order, folded into one.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub order_id: OrderId,
    pub request: Request,
    /// Set where somebody asks for the answer again.
    pub resend: Option<u32>,
    pub traceparent: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// Hold these units.
    Reserve {
        lines: Vec<Quantities>,
        total: Money,
        payment_token: Option<PaymentToken>,
        unknown_sku: UnknownSku,
    },
    /// Give back what is held, and hold nothing later.
    Release,
}

/// What becomes of an order for a sku that inventory does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownSku {
    /// Its creation may be on its way.
    Wait,
    /// It was waited for long enough.
    Reject,
}

/// Units that can be ordered, by sku; as read, minus what the plan gave away.
pub(crate) type Available = BTreeMap<Sku, i64>;

/// What to do for one order.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    /// Nothing: it is done.
    Done,
    /// Come again: this sku is not known yet.
    AwaitProduct(Sku),
    /// Write this.
    Write(Box<Change>),
}

/// The new reservation of an order, and what it does to stock.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub record: ReservationRecord,
    /// The version that it replaces; none where there was none.
    pub replaces: Option<u32>,
    pub outbox: Outbox,
    /// Units that go from available to reserved, by sku; negative where they go back.
    pub taken: Vec<(Sku, i64)>,
}

/// Decides one order, and takes what it is given from `available`.
pub(crate) fn decide(
    work: &Work,
    existing: Option<&ReservationRecord>,
    available: &mut Available,
    now: Timestamp,
) -> Decision {
    match (&work.request, existing) {
        (Request::Reserve { .. }, None) => reserve(work, available, now),
        (Request::Release, None) => Decision::Write(Box::new(Change {
            record: blank(work, ReservationStatus::Released, now),
            replaces: None,
            outbox: Outbox::of(EventType::InventoryReleased),
            taken: Vec::new(),
        })),
        (Request::Release, Some(held)) if held.status == ReservationStatus::Reserved => {
            Decision::Write(Box::new(release(work, held, available, now)))
        }
        (_, Some(finished)) => answer_again(work, finished, now),
    }
}

fn reserve(work: &Work, available: &mut Available, now: Timestamp) -> Decision {
    let Request::Reserve { lines, total, payment_token, unknown_sku } = &work.request else {
        return Decision::Done;
    };
    if let Some(unknown) = lines.iter().find(|line| !available.contains_key(&line.sku)) {
        return match unknown_sku {
            UnknownSku::Wait => Decision::AwaitProduct(unknown.sku.clone()),
            UnknownSku::Reject => reject(work, lines, available, RejectionReason::UnknownProduct, now),
        };
    }
    if lines.iter().any(|line| available[&line.sku] < i64::from(line.quantity)) {
        return reject(work, lines, available, RejectionReason::OutOfStock, now);
    }
    let taken: Vec<_> = lines.iter().map(|line| (line.sku.clone(), i64::from(line.quantity))).collect();
    take(available, &taken);
    let record = ReservationRecord {
        lines: lines.clone(),
        total: Some(total.clone()),
        payment_token: payment_token.clone(),
        ..blank(work, ReservationStatus::Reserved, now)
    };
    Decision::Write(Box::new(Change {
        record,
        replaces: None,
        outbox: Outbox::of(EventType::InventoryReserved),
        taken,
    }))
}

fn reject(
    work: &Work,
    lines: &[Quantities],
    available: &Available,
    reason: RejectionReason,
    now: Timestamp,
) -> Decision {
    let shortage = |line: &Quantities| {
        let available = available.get(&line.sku).copied().unwrap_or_default();
        let short = available < i64::from(line.quantity);
        short.then(|| Shortage { sku: line.sku.clone(), requested: line.quantity, available })
    };
    let record = ReservationRecord {
        reason: Some(reason),
        shortages: lines.iter().filter_map(shortage).collect(),
        ..blank(work, ReservationStatus::Rejected, now)
    };
    Decision::Write(Box::new(Change {
        record,
        replaces: None,
        outbox: Outbox::of(EventType::InventoryRejected),
        taken: Vec::new(),
    }))
}

fn release(work: &Work, held: &ReservationRecord, available: &mut Available, now: Timestamp) -> Change {
    let taken: Vec<_> = held.lines.iter().map(|line| (line.sku.clone(), -i64::from(line.quantity))).collect();
    take(available, &taken);
    Change {
        record: ReservationRecord {
            status: ReservationStatus::Released,
            updated_at: now,
            version: held.version + 1,
            traceparent: work.traceparent.clone(),
            payment_token: None,
            ..held.clone()
        },
        replaces: Some(held.version),
        outbox: Outbox::of(EventType::InventoryReleased),
        taken,
    }
}

/// Whoever meets his own finished work says so again where that is asked for. The counter makes the write a change, since a
/// write that changes nothing leaves no trace in the stream.
fn answer_again(work: &Work, finished: &ReservationRecord, now: Timestamp) -> Decision {
    let Some(resend) = work.resend else { return Decision::Done };
    let event_type = match finished.status {
        ReservationStatus::Reserved => EventType::InventoryReserved,
        ReservationStatus::Rejected => EventType::InventoryRejected,
        ReservationStatus::Released => EventType::InventoryReleased,
    };
    Decision::Write(Box::new(Change {
        record: ReservationRecord { updated_at: now, version: finished.version + 1, ..finished.clone() },
        replaces: Some(finished.version),
        outbox: Outbox::of(Emission { event_type, resend: Some(resend) }),
        taken: Vec::new(),
    }))
}

fn take(available: &mut Available, taken: &[(Sku, i64)]) {
    for (sku, units) in taken {
        if let Some(level) = available.get_mut(sku) {
            *level -= units;
        }
    }
}

fn blank(work: &Work, status: ReservationStatus, now: Timestamp) -> ReservationRecord {
    ReservationRecord {
        pk: reservation_pk(work.order_id),
        order_id: work.order_id,
        status,
        lines: Vec::new(),
        total: None,
        payment_token: None,
        reason: None,
        shortages: Vec::new(),
        updated_at: now,
        version: 1,
        traceparent: work.traceparent.clone(),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
