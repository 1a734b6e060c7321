//! A failing gateway behind its circuit breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Event, Money, OrderId};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, GatewayFault, GuardedGateway, PaymentConsumer, PaymentGateway,
    PaymentStatus, Reversal, SimulatedChargeStatus, SimulatedGateway,
};
use orderflow_testing::service::{first_delivery, is_retry, last_delivery};
use tokio::time::{Instant, advance};

use crate::harness::{PaymentsHarness, cancelled, reserved, reserved_with, total};

/// Longer than the breaker stays open.
const LONG_PAUSE: Duration = Duration::from_secs(31);

/// A gateway that counts the calls that reach it.
struct CountingGateway {
    gateway: Arc<SimulatedGateway>,
    calls: Arc<AtomicUsize>,
}

impl CountingGateway {
    fn count(&self) -> &SimulatedGateway {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.gateway
    }
}

#[async_trait]
impl PaymentGateway for CountingGateway {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.count().charge(request).await
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        self.count().reverse(order_id, amount).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.count().find(order_id).await
    }
}

/// Payments whose gateway is behind a circuit breaker, and the number of calls that reached the gateway.
struct GuardedPayments {
    payments: PaymentsHarness,
    consumer: Arc<PaymentConsumer>,
    calls: Arc<AtomicUsize>,
}

impl GuardedPayments {
    async fn start() -> Self {
        let payments = PaymentsHarness::open().await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counting = CountingGateway { gateway: payments.gateway.clone(), calls: calls.clone() };
        let consumer = payments.consumer_with(Arc::new(GuardedGateway::new(counting)));
        Self { payments, consumer, calls }
    }

    /// Starts payments whose breaker is open.
    async fn with_open_breaker() -> Self {
        let guarded = Self::start().await;
        guarded.payments.fault.set(GatewayFault::Down);
        for _ in 0..5 {
            let outcome = guarded.handle(reserved(OrderId::generate())).await;
            assert!(is_retry(&outcome), "{outcome:?}");
        }
        guarded
    }

    async fn handle(&self, event: Event) -> Outcome {
        self.consumer.handle(&[first_delivery(event)]).await.remove(0)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

fn is_deferred(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Defer { .. })
}

#[tokio::test(start_paused = true)]
async fn the_circuit_breaker_opens_while_the_gateway_is_down_and_every_order_is_charged_once_afterwards() {
    let guarded = GuardedPayments::start().await;
    guarded.payments.fault.set(GatewayFault::Down);
    let orders: Vec<_> = (0..12).map(|_| OrderId::generate()).collect();
    let batch: Vec<_> = orders.iter().copied().map(reserved).map(first_delivery).collect();
    let outcomes = guarded.consumer.handle(&batch).await;
    assert!(outcomes[..5].iter().all(is_retry) && outcomes[5..].iter().all(is_deferred), "{outcomes:?}");
    assert_eq!(guarded.calls(), 5);

    // The breaker is half-open and the gateway still down: one order is the probe.
    advance(LONG_PAUSE).await;
    let outcomes = guarded.consumer.handle(&batch).await;
    assert_eq!(outcomes.iter().filter(|outcome| is_retry(outcome)).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| is_deferred(outcome)).count(), 11);
    assert_eq!(guarded.calls(), 6);
    for order in &orders {
        assert_eq!(guarded.payments.row(*order).await, None);
    }

    guarded.payments.fault.set(GatewayFault::Ok);
    advance(LONG_PAUSE).await;
    let mut open = batch;
    for _ in 0..2 {
        let outcomes = guarded.consumer.handle(&open).await;
        open =
            open.into_iter().zip(outcomes).filter_map(|(d, o)| (o != Outcome::Done).then_some(d)).collect();
    }
    assert!(open.is_empty(), "{open:?}");
    for order in orders {
        assert_eq!(guarded.payments.charge_status(order).await, Some(SimulatedChargeStatus::Captured));
    }
    assert_eq!(guarded.payments.emitted_types().await, ["payment.completed"; 12]);
    assert_eq!(guarded.calls(), 6 + 12);
}

#[tokio::test(start_paused = true)]
async fn retries_beyond_the_retry_budget_are_deferred_and_first_attempts_are_not() {
    let guarded = GuardedPayments::start().await;
    let retry = |_| Delivery { attempt: 2, ..first_delivery(reserved(OrderId::generate())) };
    let retries: Vec<_> = (0..1_010).map(retry).collect();
    let outcomes = guarded.consumer.handle(&retries).await;
    let deferred: Vec<_> =
        retries.into_iter().zip(outcomes).filter(|(_, outcome)| is_deferred(outcome)).collect();
    assert_eq!((guarded.calls(), deferred.len()), (1_000, 10));
    assert_eq!(guarded.handle(reserved(OrderId::generate())).await, Outcome::Done);

    advance(LONG_PAUSE).await;
    let deferred: Vec<_> = deferred.into_iter().map(|(delivery, _)| delivery).collect();
    assert_eq!(guarded.consumer.handle(&deferred).await, vec![Outcome::Done; 10]);
}

#[tokio::test(start_paused = true)]
async fn deferred_deliveries_are_spread_over_time_after_the_pause() {
    let guarded = GuardedPayments::with_open_breaker().await;
    let mut delays = Vec::new();
    for _ in 0..20 {
        match guarded.handle(reserved(OrderId::generate())).await {
            Outcome::Defer { after, .. } => delays.push(after),
            other => panic!("{other:?}"),
        }
    }
    delays.sort();
    delays.dedup();
    assert!(delays.len() > 10, "{delays:?}");
    advance(delays[0]).await;
    guarded.payments.fault.set(GatewayFault::Ok);
    assert_eq!(guarded.handle(reserved(OrderId::generate())).await, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_during_an_open_breaker_is_recorded_and_deferred() {
    let guarded = GuardedPayments::with_open_breaker().await;
    let order = OrderId::generate();
    for _ in 0..2 {
        let outcome = guarded.handle(cancelled(order)).await;
        assert!(is_deferred(&outcome), "{outcome:?}");
        assert_eq!(guarded.payments.status(order).await, Some(PaymentStatus::Unknown));
    }
    assert_eq!(guarded.payments.row(order).await.unwrap().version, 1, "it is recorded once");
    assert_eq!(guarded.calls(), 5);

    guarded.payments.fault.set(GatewayFault::Ok);
    advance(LONG_PAUSE).await;
    // The request for the charge is delivered again before the refusal.
    assert_eq!(guarded.handle(reserved(order)).await, Outcome::Done);
    assert_eq!(guarded.payments.charge_status(order).await, Some(SimulatedChargeStatus::Voided));
    assert_eq!(guarded.handle(cancelled(order)).await, Outcome::Done);
    assert_eq!(guarded.payments.emitted_types().await, ["payment.voided"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_of_a_refund_is_not_used_up_by_an_open_breaker() {
    let guarded = GuardedPayments::start().await;
    let order = OrderId::generate();
    guarded.handle(reserved(order)).await;
    guarded.payments.fault.set(GatewayFault::Down);
    for _ in 0..5 {
        guarded.handle(reserved(OrderId::generate())).await;
    }
    let outcomes = guarded.consumer.handle(&[last_delivery(cancelled(order))]).await;
    assert!(is_deferred(&outcomes[0]), "{outcomes:?}");
    assert_eq!(guarded.payments.status(order).await, Some(PaymentStatus::Completed));

    guarded.payments.fault.set(GatewayFault::Ok);
    advance(LONG_PAUSE).await;
    let outcomes = guarded.consumer.handle(&[last_delivery(cancelled(order))]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(guarded.payments.status(order).await, Some(PaymentStatus::Refunded));
}

#[tokio::test(start_paused = true)]
async fn lost_answers_do_not_open_the_breaker() {
    let guarded = GuardedPayments::start().await;
    for _ in 0..20 {
        let event = reserved_with(OrderId::generate(), Some("tok_timeout"));
        assert_eq!(guarded.handle(event).await, Outcome::Done);
    }
    assert_eq!(guarded.handle(reserved(OrderId::generate())).await, Outcome::Done);
}

/// A gateway that never answers a charge, refuses every refund, and finds no charge.
struct UnresponsiveGateway;

#[async_trait]
impl PaymentGateway for UnresponsiveGateway {
    async fn charge(&self, _: &ChargeRequest) -> Result<Charge, GatewayError> {
        std::future::pending().await
    }

    async fn reverse(&self, _: OrderId, _: &Money) -> Result<Reversal, GatewayError> {
        Err(GatewayError::RefundFailed("insufficient funds".to_owned()))
    }

    async fn find(&self, _: OrderId) -> Result<Option<Charge>, GatewayError> {
        Ok(None)
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_time_out_are_unknown_and_open_the_breaker() {
    let gateway = GuardedGateway::new(UnresponsiveGateway);
    let request = ChargeRequest { order_id: OrderId::generate(), amount: total(), token: None };
    for _ in 0..5 {
        let before = Instant::now();
        let charge = gateway.charge(&request).await;
        assert!(matches!(charge, Err(GatewayError::Unknown(_))), "{charge:?}");
        assert_eq!(before.elapsed().as_secs(), 10);
    }
    let charge = gateway.charge(&request).await;
    assert!(matches!(charge, Err(GatewayError::NotCalled { .. })), "{charge:?}");
}

#[tokio::test(start_paused = true)]
async fn refused_refunds_do_not_open_the_breaker() {
    let gateway = GuardedGateway::new(UnresponsiveGateway);
    for _ in 0..10 {
        let reversal = gateway.reverse(OrderId::generate(), &total()).await;
        assert!(matches!(reversal, Err(GatewayError::RefundFailed(_))), "{reversal:?}");
    }
}
