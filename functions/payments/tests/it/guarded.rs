//! A gateway that is out of order, behind its circuit breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Event, Money, OrderId};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, GatewayFault, GuardedGateway, LedgerStatus, PaymentConsumer,
    PaymentGateway, PaymentStatus, SimulatedGateway, Undone,
};
use tokio::time::{Instant, advance};

use crate::support::{
    Payments, cancelled, delivery, is_retry, last_delivery, reserved, reserved_with, total,
};

/// Longer than the breaker's longest pause.
const LONG: Duration = Duration::from_secs(31);

/// Counts the calls that reach the gateway.
struct Counted {
    gateway: Arc<SimulatedGateway>,
    calls: Arc<AtomicUsize>,
}

impl Counted {
    fn count(&self) -> &SimulatedGateway {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.gateway
    }
}

#[async_trait]
impl PaymentGateway for Counted {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.count().charge(request).await
    }

    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError> {
        self.count().undo(order_id, amount).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.count().find(order_id).await
    }
}

/// Payments whose gateway is guarded, and how many calls reached it.
struct Guarded {
    payments: Payments,
    worker: Arc<PaymentConsumer>,
    calls: Arc<AtomicUsize>,
}

impl Guarded {
    async fn start() -> Self {
        let payments = Payments::start().await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Counted { gateway: payments.gateway.clone(), calls: calls.clone() };
        let worker = payments.worker(Arc::new(GuardedGateway::new(counted)));
        Self { payments, worker, calls }
    }

    /// One whose breaker is open.
    async fn open() -> Self {
        let guarded = Self::start().await;
        guarded.payments.fault.set(GatewayFault::Down);
        for _ in 0..5 {
            let outcome = guarded.handle(reserved(OrderId::generate())).await;
            assert!(is_retry(&outcome), "{outcome:?}");
        }
        guarded
    }

    async fn handle(&self, event: Event) -> Outcome {
        self.worker.handle(&[delivery(event)]).await.remove(0)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

fn is_deferred(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Defer { .. })
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_down_is_left_alone_and_everything_is_charged_once_when_it_is_back() {
    let guarded = Guarded::start().await;
    guarded.payments.fault.set(GatewayFault::Down);
    let orders: Vec<_> = (0..12).map(|_| OrderId::generate()).collect();
    let batch: Vec<_> = orders.iter().copied().map(reserved).map(delivery).collect();
    let outcomes = guarded.worker.handle(&batch).await;
    assert!(outcomes[..5].iter().all(is_retry) && outcomes[5..].iter().all(is_deferred), "{outcomes:?}");
    assert_eq!(guarded.calls(), 5);

    // Half-open and still down: one order is the probe.
    advance(LONG).await;
    let outcomes = guarded.worker.handle(&batch).await;
    assert_eq!(outcomes.iter().filter(|outcome| is_retry(outcome)).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| is_deferred(outcome)).count(), 11);
    assert_eq!(guarded.calls(), 6);
    for order in &orders {
        assert_eq!(guarded.payments.row(*order).await, None);
    }

    guarded.payments.fault.set(GatewayFault::Ok);
    advance(LONG).await;
    let mut open = batch;
    for _ in 0..2 {
        let outcomes = guarded.worker.handle(&open).await;
        open =
            open.into_iter().zip(outcomes).filter_map(|(d, o)| (o != Outcome::Done).then_some(d)).collect();
    }
    assert!(open.is_empty(), "{open:?}");
    for order in orders {
        assert_eq!(guarded.payments.ledger(order).await, Some(LedgerStatus::Captured));
    }
    assert_eq!(guarded.payments.emitted_types().await, ["payment.completed"; 12]);
    assert_eq!(guarded.calls(), 6 + 12);
}

#[tokio::test(start_paused = true)]
async fn repeats_beyond_their_budget_are_put_off_and_first_attempts_never() {
    let guarded = Guarded::start().await;
    let again = |_| Delivery { attempt: 2, ..delivery(reserved(OrderId::generate())) };
    let repeats: Vec<_> = (0..1_010).map(again).collect();
    let outcomes = guarded.worker.handle(&repeats).await;
    let put_off: Vec<_> =
        repeats.into_iter().zip(outcomes).filter(|(_, outcome)| is_deferred(outcome)).collect();
    assert_eq!((guarded.calls(), put_off.len()), (1_000, 10));
    assert_eq!(guarded.handle(reserved(OrderId::generate())).await, Outcome::Done);

    advance(LONG).await;
    let put_off: Vec<_> = put_off.into_iter().map(|(delivery, _)| delivery).collect();
    assert_eq!(guarded.worker.handle(&put_off).await, vec![Outcome::Done; 10]);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_off_comes_back_after_the_pause_and_spread_out() {
    let guarded = Guarded::open().await;
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
async fn a_refusal_that_meets_an_open_breaker_is_noted_and_put_off() {
    let guarded = Guarded::open().await;
    let order = OrderId::generate();
    for _ in 0..2 {
        let outcome = guarded.handle(cancelled(order)).await;
        assert!(is_deferred(&outcome), "{outcome:?}");
        assert_eq!(guarded.payments.status(order).await, Some(PaymentStatus::Claimed));
    }
    assert_eq!(guarded.payments.row(order).await.unwrap().version, 1, "it is noted once");
    assert_eq!(guarded.calls(), 5);

    guarded.payments.fault.set(GatewayFault::Ok);
    advance(LONG).await;
    // What asked for the charge comes again before what refuses it.
    assert_eq!(guarded.handle(reserved(order)).await, Outcome::Done);
    assert_eq!(guarded.payments.ledger(order).await, Some(LedgerStatus::CalledOff));
    assert_eq!(guarded.handle(cancelled(order)).await, Outcome::Done);
    assert_eq!(guarded.payments.emitted_types().await, ["payment.voided"]);
}

#[tokio::test(start_paused = true)]
async fn a_refund_is_not_given_up_while_nobody_asks_the_gateway() {
    let guarded = Guarded::start().await;
    let order = OrderId::generate();
    guarded.handle(reserved(order)).await;
    guarded.payments.fault.set(GatewayFault::Down);
    for _ in 0..5 {
        guarded.handle(reserved(OrderId::generate())).await;
    }
    let outcomes = guarded.worker.handle(&[last_delivery(cancelled(order))]).await;
    assert!(is_deferred(&outcomes[0]), "{outcomes:?}");
    assert_eq!(guarded.payments.status(order).await, Some(PaymentStatus::Completed));

    guarded.payments.fault.set(GatewayFault::Ok);
    advance(LONG).await;
    let outcomes = guarded.worker.handle(&[last_delivery(cancelled(order))]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(guarded.payments.status(order).await, Some(PaymentStatus::Refunded));
}

#[tokio::test(start_paused = true)]
async fn the_token_of_one_customer_does_not_open_the_breaker() {
    let guarded = Guarded::start().await;
    for _ in 0..20 {
        let event = reserved_with(OrderId::generate(), Some("tok_timeout"));
        assert_eq!(guarded.handle(event).await, Outcome::Done);
    }
    assert_eq!(guarded.handle(reserved(OrderId::generate())).await, Outcome::Done);
}

/// Never answers a charge, refuses every refund, and answers the rest.
struct Stubborn;

#[async_trait]
impl PaymentGateway for Stubborn {
    async fn charge(&self, _: &ChargeRequest) -> Result<Charge, GatewayError> {
        std::future::pending().await
    }

    async fn undo(&self, _: OrderId, _: &Money) -> Result<Undone, GatewayError> {
        Err(GatewayError::RefundFailed("insufficient funds".to_owned()))
    }

    async fn find(&self, _: OrderId) -> Result<Option<Charge>, GatewayError> {
        Ok(None)
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_answer_ends_as_unknown_and_several_open_the_breaker() {
    let gateway = GuardedGateway::new(Stubborn);
    let request = ChargeRequest { order_id: OrderId::generate(), amount: total(), token: None };
    for _ in 0..5 {
        let before = Instant::now();
        let charge = gateway.charge(&request).await;
        assert!(matches!(charge, Err(GatewayError::Unknown(_))), "{charge:?}");
        assert_eq!(before.elapsed().as_secs(), 10);
    }
    let charge = gateway.charge(&request).await;
    assert!(matches!(charge, Err(GatewayError::Open { .. })), "{charge:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_says_no_is_in_order() {
    let gateway = GuardedGateway::new(Stubborn);
    for _ in 0..10 {
        let undone = gateway.undo(OrderId::generate(), &total()).await;
        assert!(matches!(undone, Err(GatewayError::RefundFailed(_))), "{undone:?}");
    }
}
