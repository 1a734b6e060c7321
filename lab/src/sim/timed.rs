//! The faults that strike at a time: what operators, clocks and machines do.

use std::time::Duration;

use axum::http::Method;
use orderflow_domain::{
    Currency, Email, Event, EventData, InventoryReserved, Money, OrderId, OrderLine, OrderPlaced,
    PaymentOutcome, Quantity, Sku,
};
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_store::OUTBOX;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::audit::evidence::Expired;
use super::client::Call;
use super::fault::{FaultKind, Place, PlannedFault};
use super::relays;
use super::system::System;
use super::tables::{TABLES, json_of};

/// How long streams keep their records, as DynamoDB does.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns whether faults of a kind strike at a time, and not at an occurrence.
pub(super) fn is_timed(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::ClockAhead
            | FaultKind::ClockBack
            | FaultKind::StreamTrimmed
            | FaultKind::DeadLettersReplayed
            | FaultKind::DeadLetterEdited
            | FaultKind::DeadLettersPurged
            | FaultKind::ConsumerPaused
            | FaultKind::SecondRelay
            | FaultKind::TopologyDeleted
            | FaultKind::GarbageDelivered
            | FaultKind::ForgedEvent
    )
}

/// Starts the processes that let faults strike at their times.
pub(super) fn start(system: &System, faults: &[PlannedFault]) {
    for (number, fault) in faults.iter().enumerate().filter(|(_, fault)| is_timed(fault.kind)) {
        let task = format!("fault {number}: {fault}");
        system.world.begin(&task);
        let (system, fault) = (system.clone(), *fault);
        system.world.spawner.spawn({
            let system = system.clone();
            async move {
                sleep(Duration::from_millis(u64::from(fault.at))).await;
                if strike(&system, fault).await {
                    system.world.took_effect(fault.kind, fault.place);
                }
                system.world.finish(&task);
            }
        });
    }
}

/// Lets a fault strike. Returns whether it took effect.
async fn strike(system: &System, fault: PlannedFault) -> bool {
    let PlannedFault { kind, place, amount, .. } = fault;
    let lasts = Duration::from_millis(u64::from(amount));
    match (kind, place) {
        (FaultKind::ClockAhead, _) => system.world.clock.jump(i64::from(amount)),
        (FaultKind::ClockBack, _) => system.world.clock.jump(-i64::from(amount)),
        (FaultKind::SecondRelay, _) => relays::start(system, Some(lasts)),
        (FaultKind::StreamTrimmed, _) => return trim(system).await,
        (FaultKind::ConsumerPaused, Place::Consumer(consumer)) => {
            system.broker.set_paused(consumer, true);
            sleep(lasts).await;
            system.broker.set_paused(consumer, false);
        }
        (FaultKind::TopologyDeleted, Place::Consumer(consumer)) => {
            system.broker.delete(consumer);
            sleep(lasts).await;
            system.broker.reconcile(consumer);
        }
        (FaultKind::GarbageDelivered, Place::Consumer(consumer)) => {
            system.broker.push(consumer, format!("garbage {amount}"), Duration::ZERO);
        }
        (FaultKind::ForgedEvent, Place::Consumer(consumer)) => {
            let forged = forged(consumer);
            let Some(event) = forged else { return false };
            system.broker.push(consumer, event.to_json(), Duration::ZERO);
        }
        (FaultKind::DeadLettersReplayed, Place::Consumer(consumer)) => {
            return replay(system, consumer).await > 0;
        }
        (FaultKind::DeadLettersPurged, Place::Consumer(consumer)) => {
            let path = format!("/api/v1/admin/dead-letters/{consumer}");
            let answer = system.client.send(&Call::new(Place::Shop, Method::DELETE, path)).await;
            return answer.body["purged"].as_u64() > Some(0);
        }
        (FaultKind::DeadLetterEdited, Place::Consumer(consumer)) => return edit(system, consumer).await,
        _ => return false,
    }
    true
}

/// Replays all dead letters of a consumer. Returns how many.
pub(super) async fn replay(system: &System, consumer: &str) -> u64 {
    let path = format!("/api/v1/admin/dead-letters/{consumer}/replay");
    let call = Call::new(Place::Shop, Method::POST, path).with(json!({}));
    system.client.send(&call).await.body["replayed"].as_u64().unwrap_or(0)
}

/// Corrects the first dead letter of a consumer that is an event, as an operator does who reads it and sends it back with a change, and replays it.
async fn edit(system: &System, consumer: &'static str) -> bool {
    let letters = system.broker.dead(consumer);
    let Some(id) = letters.iter().find(|dead| Event::from_json(&dead.letter.body).is_ok()) else {
        return false;
    };
    let path = format!("/api/v1/admin/dead-letters/{consumer}/{}", id.letter.id);
    let read = system.client.send(&Call::new(Place::Shop, Method::GET, path.clone())).await;
    let mut event = match &read.body["event"] {
        Value::Object(event) => Value::Object(event.clone()),
        _ => return false,
    };
    event["traceparent"] = json!("00-00000000000000000000000000000001-0000000000000001-01");
    let replaced = system.client.send(&Call::new(Place::Shop, Method::PUT, path).with(event)).await;
    if replaced.status != Some(200) {
        return false;
    }
    replay(system, consumer).await;
    true
}

/// Stops the relays for longer than the streams keep their records, and deletes those that no relay read.
async fn trim(system: &System) -> bool {
    system.relays_stopped.send_replace(true);
    sleep(RETENTION + Duration::from_secs(3_600)).await;
    let mut expired = false;
    let cursors = orderflow_bridge::RuntimeTable::new(&system.store_at(Place::System)).cursors().await;
    let cursors = cursors.unwrap_or_default();
    let oldest = system.world.clock.system_time().checked_sub(RETENTION);
    for definition in TABLES.iter().filter(|definition| definition.streams) {
        let store = system.store_at(Place::System);
        let table = store.table_name(definition);
        let after = cursors.iter().filter(|(name, _)| *name == table).map(|(_, cursor)| cursor.clone());
        let Ok(mut reader) = store.backend().open_stream(&table, after.collect()).await else { continue };
        while let Ok(batches) = reader.read().await {
            if batches.is_empty() {
                break;
            }
            for batch in batches {
                let old = |record: &&orderflow_store::StreamRecord| record.written_at < oldest;
                // The engine keeps the newest record of a stream.
                let records: Vec<_> = batch.records.iter().take_while(old).collect();
                let Some(last) = records.last() else { continue };
                let through = orderflow_store::Position {
                    sequence_number: last.sequence_number.clone(),
                    ..batch.last.clone()
                };
                let trimmed = store.backend().trim_stream(&table, &through).await.unwrap_or(0);
                for record in records.iter().take(usize::try_from(trimmed).unwrap_or(0)) {
                    let Some(image) = record.image.as_ref().filter(|image| image.contains_key(OUTBOX)) else {
                        continue;
                    };
                    expired = true;
                    let (at, table) = (system.world.moment(), definition.name.to_owned());
                    let image = json_of(image);
                    system.world.note("streams", format_args!("{table} lost {image}"));
                    system.world.record(|evidence| evidence.expired.push(Expired { at, table, image }));
                }
            }
        }
    }
    system.relays_stopped.send_replace(false);
    expired
}

/// Returns an event of an order that does not exist, for a consumer that acts on such events.
fn forged(consumer: &str) -> Option<Event> {
    let order_id = OrderId::generate();
    let currency = Currency::parse("USD").ok()?;
    let total = Money { amount: 1_000, currency: currency.clone() };
    let data = match consumer {
        "inventory-reserve" => {
            let sku = Sku::parse("SKU-0").ok()?;
            let quantity = Quantity::new(1).ok()?;
            let line = OrderLine { sku, name: "Product 0".to_owned(), quantity, unit_price: 1_000 };
            EventData::OrderPlaced(OrderPlaced {
                order_id,
                customer_id: orderflow_domain::CustomerId::parse("C-forged").ok()?,
                email: Email::parse("forged@example.com").ok()?,
                phone: None,
                items: vec![line],
                total,
                payment_token: None,
                placed_at: None,
            })
        }
        "payment" => EventData::InventoryReserved(InventoryReserved { order_id, total, payment_token: None }),
        "order-tracker" => EventData::PaymentCompleted(PaymentOutcome {
            order_id,
            amount: total.amount,
            currency,
            provider_id: None,
            reason: None,
            email: None,
            phone: None,
        }),
        _ => return None,
    };
    Some(Event::new(data, "forged", orderflow_domain::Timestamp::now(), None))
}

/// Returns the consumers whose dead letters an operator handles.
pub(super) fn consumers() -> impl Iterator<Item = &'static str> {
    SUBSCRIPTIONS.iter().map(|row| row.consumer)
}
