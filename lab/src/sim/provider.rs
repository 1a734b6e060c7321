//! The payment provider: its books, and its faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId, PaymentToken};
use orderflow_payments::{Charge, ChargeRequest, GatewayError, PaymentGateway, Reversal};

use super::audit::evidence::{Movement, MovementKind};
use super::crash::pause;
use super::fault::{FaultKind, Place};
use super::world::{Counted, World};

/// The token of cards that are declined.
pub(super) const DECLINED_TOKEN: &str = "tok_declined";

/// The reason of every decline.
const DECLINED: &str = "card_declined";

/// The faults of calls, in the order in which one is chosen if several are planned.
const FAULTS: [FaultKind; 4] = [
    FaultKind::ProviderUnavailable,
    FaultKind::ProviderAnswerLost,
    FaultKind::ProviderAnswerLate,
    FaultKind::ProviderContradicts,
];

/// What the provider's books say about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Captured,
    Declined,
    Refunded,
    Voided,
}

/// The payment provider, as a process calls it. Clones share its books.
#[derive(Clone)]
pub(super) struct SimulatedProvider {
    world: World,
    place: Place,
    books: Arc<Mutex<BTreeMap<String, Entry>>>,
}

/// A call that arrives at the provider.
#[derive(Debug, Clone)]
enum Call {
    Charge(ChargeRequest),
    Reverse(OrderId, Money),
}

impl SimulatedProvider {
    pub(super) fn new(world: World) -> Self {
        Self { world, place: Place::System, books: Arc::default() }
    }

    /// Returns the same provider as a process at another place calls it.
    pub(super) fn at(&self, place: Place) -> Self {
        Self { place, ..self.clone() }
    }

    fn books(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // No code panics while it holds the lock.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the fault of the next call with its amount.
    fn next_fault(&self) -> Option<(FaultKind, u32)> {
        let number = self.world.count(Counted::ProviderCall, self.place);
        if self.world.is_failing(Counted::ProviderCall, self.place) {
            self.world.took_effect(FaultKind::ProviderUnavailable, self.place);
            return Some((FaultKind::ProviderUnavailable, number));
        }
        FAULTS.into_iter().find_map(|kind| Some((kind, self.world.strikes(kind, self.place, number)?)))
    }

    fn enter(&self, order: OrderId, kind: MovementKind, amount: i64) {
        let at = self.world.moment();
        self.world.note("provider", format_args!("{order} {kind:?} {amount}"));
        let order = order.to_string();
        self.world.record(|evidence| evidence.movements.push(Movement { at, order, kind, amount }));
    }

    /// Carries out a charge, once for each order.
    fn charge_now(&self, request: &ChargeRequest) -> Entry {
        let key = request.order_id.to_string();
        if let Some(entry) = self.books().get(&key) {
            return *entry;
        }
        let is_declined = request.token.as_ref().map(PaymentToken::as_str) == Some(DECLINED_TOKEN);
        let (entry, kind) = if is_declined {
            (Entry::Declined, MovementKind::Decline)
        } else {
            (Entry::Captured, MovementKind::Charge)
        };
        self.books().insert(key, entry);
        self.enter(request.order_id, kind, request.amount.amount);
        entry
    }

    /// Carries out a reversal, once for each order.
    fn reverse_now(&self, order: OrderId, amount: &Money) -> Entry {
        let key = order.to_string();
        let before = self.books().get(&key).copied();
        let (entry, kind) = match before {
            None => (Entry::Voided, MovementKind::Void),
            Some(Entry::Captured) => (Entry::Refunded, MovementKind::Refund),
            Some(entry) => return entry,
        };
        self.books().insert(key, entry);
        self.enter(order, kind, amount.amount);
        entry
    }

    fn carry_out(&self, call: &Call) -> Entry {
        match call {
            Call::Charge(request) => self.charge_now(request),
            Call::Reverse(order, amount) => self.reverse_now(*order, amount),
        }
    }

    /// Has a call take effect later, as a request that was on its way.
    fn carry_out_later(&self, call: Call, after: Duration) {
        let provider = self.clone();
        let task = format!("a late call of the provider: {call:?}");
        self.world.begin(&task);
        self.world.spawner.spawn(async move {
            tokio::time::sleep(after).await;
            provider.carry_out(&call);
            provider.world.finish(&task);
        });
    }

    async fn receive(&self, call: Call) -> Result<Entry, GatewayError> {
        pause().await;
        let unknown = || GatewayError::Unknown("simulated: no answer".to_owned());
        let unavailable = || GatewayError::Unavailable("simulated".to_owned());
        let answer = match self.next_fault() {
            None => Ok(self.carry_out(&call)),
            Some((FaultKind::ProviderUnavailable, amount)) => match call {
                Call::Reverse(..) if amount % 2 == 1 => {
                    Err(GatewayError::RefundFailed("simulated: not now".to_owned()))
                }
                _ => Err(unavailable()),
            },
            Some((FaultKind::ProviderAnswerLate, amount)) => {
                self.carry_out_later(call, Duration::from_millis(u64::from(amount)));
                Err(unknown())
            }
            Some((FaultKind::ProviderContradicts, _)) => {
                self.carry_out(&call);
                Err(unavailable())
            }
            Some(_) => {
                self.carry_out(&call);
                Err(unknown())
            }
        };
        pause().await;
        answer
    }
}

fn provider_id(order: OrderId) -> String {
    format!("ch_{order}")
}

fn charge_of(order: OrderId, entry: Entry) -> Charge {
    match entry {
        Entry::Captured => Charge::Captured { provider_id: provider_id(order) },
        Entry::Declined => Charge::Declined { reason: DECLINED.to_owned() },
        Entry::Refunded | Entry::Voided => Charge::Reversed,
    }
}

#[async_trait]
impl PaymentGateway for SimulatedProvider {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        let entry = self.receive(Call::Charge(request.clone())).await?;
        Ok(charge_of(request.order_id, entry))
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        Ok(match self.receive(Call::Reverse(order_id, amount.clone())).await? {
            Entry::Refunded => Reversal::Refunded { provider_id: provider_id(order_id) },
            Entry::Captured | Entry::Declined | Entry::Voided => Reversal::Voided,
        })
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        pause().await;
        let found = self.books().get(&order_id.to_string()).copied();
        let answer = match self.next_fault() {
            None => Ok(found.map(|entry| charge_of(order_id, entry))),
            // The books that it searches lag behind those that it charges by.
            Some((FaultKind::ProviderContradicts, _)) => Ok(None),
            Some((FaultKind::ProviderUnavailable, _)) => {
                Err(GatewayError::Unavailable("simulated".to_owned()))
            }
            Some(_) => Err(GatewayError::Unknown("simulated: no answer".to_owned())),
        };
        pause().await;
        answer
    }
}
