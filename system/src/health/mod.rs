//! The health of a system: the checks of what it needs, and the state of each part.

mod activity;
mod broker;

use std::collections::BTreeMap;
use std::sync::Arc;

use orderflow_bridge::{Backlog, RUNTIME};
use orderflow_domain::Timestamp;
use orderflow_http::{CheckState, HealthCheck, HealthSources, PartHealth};

pub(crate) use activity::{Activities, Activity, Observed, Working};
pub(crate) use broker::{BrokerView, Connection};

use crate::System;
use crate::backlog::OutboxBacklog;
use crate::parts::{NOTIFICATION, ORDER_EXPIRY, ORDER_INTAKE, OUTBOX_RELAY, PAYMENT, SHOP_API};

/// The size of the probe item in an embedded store: larger than what the write of an order adds to the file, so that a full disk is
/// noticed no later by the probe.
const EMBEDDED_PROBE_BYTES: usize = 32 * 1024;

/// The size of the probe item elsewhere. DynamoDB bills a write by its size.
const PROBE_BYTES: usize = 64;

impl System {
    /// Returns what the health routes show.
    pub(crate) fn health(&self) -> HealthSources {
        let backlog = self.parts.contains(OUTBOX_RELAY).then(|| self.outbox_backlog());
        let figures = backlog.as_ref().map_or_else(Vec::new, OutboxBacklog::figures);
        let (activities, broker) = (self.activities.clone(), self.broker.view(&self.parts));
        let store = self.store_check();
        let (checks, readiness) = (self.checks(store.clone(), &broker), self.readiness(store, &broker));
        let parts = move || {
            let mut parts: BTreeMap<_, _> =
                activities.iter().map(|(part, activity)| (part, activity.health())).collect();
            broker.describe(&mut parts);
            if let Some((relay, backlog)) = parts.get_mut(OUTBOX_RELAY).zip(backlog.as_ref()) {
                describe_relay(relay, backlog.now());
            }
            parts
        };
        HealthSources { checks, readiness, figures, parts: Some(Arc::new(parts)) }
    }

    /// A process that serves requests accepts orders without the broker; one that only consumes does nothing without it.
    fn readiness(&self, store: HealthCheck, broker: &BrokerView) -> Vec<HealthCheck> {
        let serves_requests = self.parts.contains(ORDER_INTAKE) || self.parts.contains(SHOP_API);
        let needs_broker = self.parts.need_broker() && !serves_requests;
        std::iter::once(store).chain(needs_broker.then(|| broker.connection_check())).collect()
    }

    fn checks(&self, store: HealthCheck, broker: &BrokerView) -> Vec<HealthCheck> {
        let mut checks = vec![store];
        if self.parts.need_broker() {
            checks.push(broker.check(self.activities.clone()));
        } else if broker.is_remote() {
            checks.push(broker.check_of_others());
        }
        if self.parts.contains(ORDER_EXPIRY) {
            let expiry = self.activities.of(ORDER_EXPIRY);
            checks.push(HealthCheck::new(ORDER_EXPIRY, move || std::future::ready(!expiry.has_ended())));
        }
        checks.extend(self.provider_checks());
        checks
    }

    /// Returns a check that reads the table of orders, and writes and reads a probe item.
    fn store_check(&self) -> HealthCheck {
        let (orders, runtime) = (self.store.table(&orderflow_orders::ORDERS), self.store.table(&RUNTIME));
        let is_embedded = self.data.is_in_process();
        let bytes = if is_embedded { EMBEDDED_PROBE_BYTES } else { PROBE_BYTES };
        HealthCheck::new("store", move || {
            let (orders, runtime) = (orders.clone(), runtime.clone());
            async move { tokio::try_join!(orders.touch(), runtime.probe(bytes)).map(drop) }
        })
    }

    /// Returns a check of the circuit breaker of each provider that this process calls.
    fn provider_checks(&self) -> Vec<HealthCheck> {
        let mut checks = Vec::new();
        if self.parts.contains(PAYMENT) || self.parts.contains(SHOP_API) {
            let gateway = self.gateway.clone();
            checks.push(HealthCheck::new("payment-gateway", move || {
                std::future::ready(circuit(gateway.is_available()))
            }));
        }
        if self.parts.contains(NOTIFICATION) {
            for provider in self.channel.providers() {
                let channel = self.channel.clone();
                checks.push(HealthCheck::new(provider.name, move || {
                    let providers = channel.providers();
                    let found = providers.iter().find(|found| found.name == provider.name);
                    std::future::ready(circuit(found.is_none_or(|found| found.is_available)))
                }));
            }
        }
        checks
    }
}

fn circuit(is_available: bool) -> CheckState {
    if is_available {
        CheckState::Up
    } else {
        CheckState::Degraded(
            "its circuit breaker is open, because calls fail; it closes when one succeeds".to_owned(),
        )
    }
}

fn describe_relay(relay: &mut PartHealth, backlog: Backlog) {
    relay.waiting = Some(backlog.writes);
    let age = backlog.oldest.map(|oldest| Timestamp::now().since(oldest));
    relay.oldest_waiting_seconds = age.map(|age| age.as_secs_f64());
}
