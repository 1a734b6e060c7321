//! When `order-expiry` sees to an order.

use std::time::Duration;

use orderflow_lambda::{DurationSettingError, duration_setting};

/// How often the wait before the next resend is doubled at most.
const MAX_DOUBLINGS: u32 = 5;

/// When `order-expiry` sees to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpirySettings {
    /// How long nothing happens to an open order before it is resent (`ORDER_RESEND_AFTER`, such as `2m`). Doubles with each resend.
    pub resend_after: Duration,
    /// The age at which an order that is not decided is cancelled (`ORDER_EXPIRES_AFTER`).
    pub expires_after: Duration,
}

impl Default for ExpirySettings {
    fn default() -> Self {
        Self { resend_after: Duration::from_secs(2 * 60), expires_after: Duration::from_secs(30 * 60) }
    }
}

impl ExpirySettings {
    /// The settings of the environment.
    ///
    /// # Errors
    /// Names the variable that cannot be used.
    pub fn from_environment() -> Result<Self, DurationSettingError> {
        let mut settings = Self::default();
        if let Some(limit) = duration_setting("ORDER_RESEND_AFTER")? {
            settings.resend_after = limit;
        }
        if let Some(limit) = duration_setting("ORDER_EXPIRES_AFTER")? {
            settings.expires_after = limit;
        }
        Ok(settings)
    }

    /// The shorter of the two limits: nothing is due at a younger order.
    pub fn shortest(&self) -> Duration {
        self.resend_after.min(self.expires_after)
    }

    /// How long nothing has to happen to an order that was resent this often. What is down for hours is not flooded.
    pub(crate) fn wait(&self, resends: u32) -> Duration {
        self.resend_after.saturating_mul(1 << resends.min(MAX_DOUBLINGS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let settings = ExpirySettings { resend_after: Duration::from_secs(1), ..ExpirySettings::default() };
        let waits = [0, 1, 2, 5, 6, u32::MAX].map(|resends| settings.wait(resends).as_secs());
        assert_eq!(waits, [1, 2, 4, 32, 32, 32]);
        let never = ExpirySettings { resend_after: Duration::MAX, ..settings };
        assert_eq!(never.wait(3), Duration::MAX);
    }
}
