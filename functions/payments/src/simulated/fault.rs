//! Faults that can be injected into the simulated gateway.

use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A fault of the simulated gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayFault {
    /// No fault.
    #[default]
    Ok,
    /// Every new charge is declined.
    Decline,
    /// Every call takes two seconds longer.
    Slow,
    /// Every call fails.
    Down,
}

/// The text is not the name of a [`GatewayFault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be ok, decline, slow or down")]
pub struct UnknownFault;

impl GatewayFault {
    /// Every fault.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Decline, Self::Slow, Self::Down];

    /// Returns the name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Decline => "decline",
            Self::Slow => "slow",
            Self::Down => "down",
        }
    }
}

impl FromStr for GatewayFault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == text);
        found.ok_or(UnknownFault)
    }
}

/// The fault that the gateway reads at each call. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct FaultSwitch(Arc<RwLock<GatewayFault>>);

impl FaultSwitch {
    /// Returns the injected fault.
    pub fn get(&self) -> GatewayFault {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Injects a fault, instead of the previous one.
    pub fn set(&self, fault: GatewayFault) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for fault in GatewayFault::ALL {
            assert_eq!(fault.as_str().parse::<GatewayFault>().unwrap(), fault);
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(json, format!("\"{}\"", fault.as_str()));
        }
        assert_eq!("broken".parse::<GatewayFault>(), Err(UnknownFault));
    }

    #[test]
    fn clones_share_the_fault() {
        let switch = FaultSwitch::default();
        switch.clone().set(GatewayFault::Down);
        assert_eq!(switch.get(), GatewayFault::Down);
    }
}
