//! A payment provider that moves no money.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId, PaymentToken};
use orderflow_store::{Store, StoreError, Table, Write, WriteError};
use uuid::Uuid;

use crate::fault::{FaultSwitch, GatewayFault};
use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};
use crate::ledger::{LedgerEntry, LedgerStatus};
use crate::settings::SimulatedSettings;
use crate::table::PAYMENTS;

/// The token whose charges are declined.
const DECLINED_TOKEN: &str = "tok_declined";
/// The token whose charges are taken and the answer lost.
const TIMEOUT_TOKEN: &str = "tok_timeout";
const DECLINED: &str = "card_declined";
const SLOWNESS: Duration = Duration::from_secs(2);
/// How often a refund is tried again when another process changes the same line of the ledger.
const REFUND_ATTEMPTS: usize = 3;

/// The namespace of the draws that decide which charges succeed.
const DRAWS: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6472_6177_7300);

/// A gateway with a durable ledger, one line for each order, in the table of payments.
#[derive(Debug, Clone)]
pub struct SimulatedGateway {
    store: Store,
    table: Table,
    settings: SimulatedSettings,
    fault: FaultSwitch,
}

impl SimulatedGateway {
    /// A gateway that keeps its ledger in this store.
    pub fn new(store: &Store, settings: SimulatedSettings, fault: FaultSwitch) -> Self {
        Self { store: store.clone(), table: store.table(&PAYMENTS), settings, fault }
    }

    /// The line of an order; none where the gateway never heard of it.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn ledger(&self, order_id: OrderId) -> Result<Option<LedgerEntry>, StoreError> {
        let key = self.table.key(LedgerEntry::key(order_id));
        self.table.get(key).await
    }

    async fn reach(&self) -> Result<GatewayFault, GatewayError> {
        let fault = self.fault.get();
        let delay = match fault {
            GatewayFault::Down => {
                let reason = "the simulated gateway is switched off";
                return Err(GatewayError::Unavailable(reason.to_owned()));
            }
            GatewayFault::Slow => self.settings.latency + SLOWNESS,
            GatewayFault::Ok | GatewayFault::Decline => self.settings.latency,
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok(fault)
    }

    /// Writes the line unless the order has one. Gives the line that it has then.
    async fn enter(&self, entry: LedgerEntry) -> Result<LedgerEntry, GatewayError> {
        let write = Write::put(&self.table, &entry).map_err(lost)?.if_absent();
        match self.store.write(write).await {
            Ok(()) => Ok(entry),
            Err(WriteError::ConditionFailed(Some(item))) => self.table.parse(*item).map_err(unavailable),
            Err(WriteError::ConditionFailed(None)) => {
                let key = self.table.key(entry.pk);
                let found = self.table.get(key).await.map_err(unavailable)?;
                found.ok_or_else(|| GatewayError::Unknown("the line has no owner".to_owned()))
            }
            Err(WriteError::Store(error)) => Err(lost(error)),
        }
    }

    fn decide(&self, request: &ChargeRequest, fault: GatewayFault) -> LedgerEntry {
        let declined = fault == GatewayFault::Decline
            || has_token(request, DECLINED_TOKEN)
            || !self.settings.success_rate.admits(draw(request.order_id));
        let (status, reason) = if declined {
            (LedgerStatus::Declined, Some(DECLINED.to_owned()))
        } else {
            (LedgerStatus::Captured, None)
        };
        LedgerEntry { reason, ..LedgerEntry::first(request.order_id, &request.amount, status) }
    }
}

#[async_trait]
impl PaymentGateway for SimulatedGateway {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        let fault = self.reach().await?;
        let entry = self.enter(self.decide(request, fault)).await?;
        if has_token(request, TIMEOUT_TOKEN) {
            return Err(GatewayError::Unknown("simulated time-out".to_owned()));
        }
        Ok(entry.charge())
    }

    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError> {
        self.reach().await?;
        for _ in 0..REFUND_ATTEMPTS {
            let called_off = LedgerEntry::first(order_id, amount, LedgerStatus::CalledOff);
            let entry = self.enter(called_off).await?;
            if let Some(undone) = entry.undone() {
                return Ok(undone);
            }
            let refunded = entry.refunded();
            let write = Write::put(&self.table, &refunded).map_err(lost)?.if_version(entry.version);
            match self.store.write(write).await {
                Ok(()) => {
                    let provider_id = refunded.provider_id;
                    return Ok(Undone::Refunded { provider_id });
                }
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => return Err(lost(error)),
            }
        }
        let reason = "the line changes too often";
        Err(GatewayError::RefundFailed(reason.to_owned()))
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.reach().await?;
        let entry = self.ledger(order_id).await.map_err(unavailable)?;
        Ok(entry.map(|entry| entry.charge()))
    }
}

fn has_token(request: &ChargeRequest, token: &str) -> bool {
    request.token.as_ref().map(PaymentToken::as_str) == Some(token)
}

/// The same for the same order, so that a repeated charge is decided as it was.
fn draw(order_id: OrderId) -> u32 {
    let [.., a, b, c, d] = Uuid::new_v5(&DRAWS, order_id.as_uuid().as_bytes()).into_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// A write without answer may have taken effect.
fn lost(error: StoreError) -> GatewayError {
    GatewayError::Unknown(error.to_string())
}

fn unavailable(error: StoreError) -> GatewayError {
    GatewayError::Unavailable(error.to_string())
}
