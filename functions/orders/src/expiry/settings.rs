//! When `order-expiry` sees to an order.

use std::time::Duration;

use orderflow_settings::declared::{ORDER_EXPIRES_AFTER, ORDER_RESEND_AFTER};
use orderflow_settings::{Reader, defaults};

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
        defaults(Self::read)
    }
}

impl ExpirySettings {
    /// Reads `ORDER_RESEND_AFTER` and `ORDER_EXPIRES_AFTER`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            resend_after: reader.duration(&ORDER_RESEND_AFTER),
            expires_after: reader.duration(&ORDER_EXPIRES_AFTER),
        }
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
