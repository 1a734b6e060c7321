//! A simulated payment provider, which moves no money.

mod charge;
mod fault;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId, PaymentToken};
use orderflow_store::{Store, StoreError, Table, Write, WriteError, optimistic_attempts};
use uuid::Uuid;

use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Reversal};
use crate::table::PAYMENTS;

pub use charge::{SimulatedCharge, SimulatedChargeStatus};
pub use fault::{FaultSwitch, GatewayFault, UnknownFault};
pub use settings::{SimulatedSettings, SuccessRate, SuccessRateError};

/// The token whose charges are declined.
const DECLINED_TOKEN: &str = "tok_declined";

/// The token whose charges are captured, and whose answers are lost.
const TIMEOUT_TOKEN: &str = "tok_timeout";

/// The reason of every decline.
const DECLINED: &str = "card_declined";

/// The additional latency of [`GatewayFault::Slow`].
const SLOW_LATENCY: Duration = Duration::from_secs(2);

/// The number of times that a refund is tried while another process changes the same charge.
const REFUND_ATTEMPTS: u32 = 3;

/// The namespace of the pseudo-random numbers that decide which charges succeed.
const DRAWS: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6472_6177_7300);

/// A gateway that keeps a record of each order's charge in the table `payments`.
#[derive(Debug, Clone)]
pub struct SimulatedGateway {
    store: Store,
    table: Table,
    settings: SimulatedSettings,
    fault: FaultSwitch,
}

impl SimulatedGateway {
    /// Creates a gateway that keeps its records in this store.
    pub fn new(store: &Store, settings: SimulatedSettings, fault: FaultSwitch) -> Self {
        Self { store: store.clone(), table: store.table(&PAYMENTS), settings, fault }
    }

    /// Reads the charge of an order. Returns `None` if the gateway has received no request for the order.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn charge_of(&self, order_id: OrderId) -> Result<Option<SimulatedCharge>, StoreError> {
        let key = self.table.key(SimulatedCharge::key(order_id));
        self.table.get(key).await
    }

    /// Waits for the configured latency, and returns the fault that is injected.
    async fn receive(&self) -> Result<GatewayFault, GatewayError> {
        let fault = self.fault.get();
        let delay = match fault {
            GatewayFault::Down => {
                let reason = "the fault `down` is injected";
                return Err(GatewayError::Unavailable(reason.to_owned()));
            }
            GatewayFault::Slow => self.settings.latency + SLOW_LATENCY,
            GatewayFault::Ok | GatewayFault::Decline => self.settings.latency,
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok(fault)
    }

    /// Records a charge unless the order has one. Returns the charge that the order has then.
    async fn record(&self, charge: SimulatedCharge) -> Result<SimulatedCharge, GatewayError> {
        let write = Write::put(&self.table, &charge).map_err(unknown)?.if_absent();
        match self.store.write(write).await {
            Ok(()) => Ok(charge),
            Err(WriteError::ConditionFailed(Some(item))) => self.table.parse(*item).map_err(unavailable),
            Err(WriteError::ConditionFailed(None)) => {
                let key = self.table.key(charge.pk);
                let found = self.table.get(key).await.map_err(unavailable)?;
                found.ok_or_else(|| GatewayError::Unknown("the charge was deleted".to_owned()))
            }
            Err(WriteError::Store(error)) => Err(unknown(error)),
        }
    }

    /// Captures or declines the charge of an order that has none yet.
    fn decide(&self, request: &ChargeRequest, fault: GatewayFault) -> SimulatedCharge {
        let declined = fault == GatewayFault::Decline
            || has_token(request, DECLINED_TOKEN)
            || !self.settings.success_rate.admits(draw(request.order_id));
        let (status, reason) = if declined {
            (SimulatedChargeStatus::Declined, Some(DECLINED.to_owned()))
        } else {
            (SimulatedChargeStatus::Captured, None)
        };
        SimulatedCharge { reason, ..SimulatedCharge::new(request.order_id, &request.amount, status) }
    }
}

#[async_trait]
impl PaymentGateway for SimulatedGateway {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        let fault = self.receive().await?;
        let charge = self.record(self.decide(request, fault)).await?;
        if has_token(request, TIMEOUT_TOKEN) {
            return Err(GatewayError::Unknown("simulated timeout".to_owned()));
        }
        Ok(charge.charge())
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        self.receive().await?;
        let mut attempts = optimistic_attempts(REFUND_ATTEMPTS);
        while attempts.next().await {
            let voided = SimulatedCharge::new(order_id, amount, SimulatedChargeStatus::Voided);
            let charge = self.record(voided).await?;
            if let Some(reversal) = charge.reversal() {
                return Ok(reversal);
            }
            let refunded = charge.refunded();
            let write = Write::put(&self.table, &refunded).map_err(unknown)?.if_version(charge.version);
            match self.store.write(write).await {
                Ok(()) => {
                    let provider_id = refunded.provider_id;
                    return Ok(Reversal::Refunded { provider_id });
                }
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => return Err(unknown(error)),
            }
        }
        let reason = "other requests changed the charge in every attempt";
        Err(GatewayError::RefundFailed(reason.to_owned()))
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.receive().await?;
        let charge = self.charge_of(order_id).await.map_err(unavailable)?;
        Ok(charge.map(|charge| charge.charge()))
    }
}

fn has_token(request: &ChargeRequest, token: &str) -> bool {
    request.token.as_ref().map(PaymentToken::as_str) == Some(token)
}

/// Returns a pseudo-random number that is always the same for an order, so that a repeated charge has the same result.
fn draw(order_id: OrderId) -> u32 {
    let [.., a, b, c, d] = Uuid::new_v5(&DRAWS, order_id.as_uuid().as_bytes()).into_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The error of a failed write, which may have taken effect.
fn unknown(error: StoreError) -> GatewayError {
    GatewayError::Unknown(error.to_string())
}

fn unavailable(error: StoreError) -> GatewayError {
    GatewayError::Unavailable(error.to_string())
}
