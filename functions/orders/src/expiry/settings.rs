//! The settings of `order-expiry`.

use std::time::Duration;

use orderflow_settings::declared::{ORDER_EXPIRES_AFTER, ORDER_RESEND_AFTER};
use orderflow_settings::{Reader, Setting, defaults};

/// The most times that the wait before the next resend is doubled.
const DOUBLINGS_MAX: u32 = 5;

/// The settings of `order-expiry`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpirySettings {
    /// How long an unsettled order stays unchanged before it is resent (`ORDER_RESEND_AFTER`, such as `2m`). Doubles with each resend.
    pub resend_after: Duration,
    /// The age at which an undecided order is cancelled (`ORDER_EXPIRES_AFTER`).
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
            resend_after: longer_than_zero(reader, &ORDER_RESEND_AFTER),
            expires_after: longer_than_zero(reader, &ORDER_EXPIRES_AFTER),
        }
    }

    /// Returns the shorter of the two durations: nothing is due for a younger order.
    pub fn shortest(&self) -> Duration {
        self.resend_after.min(self.expires_after)
    }

    /// Returns how long an order that was resent this often stays unchanged before its next resend. The growing wait keeps resends from
    /// flooding a service that is down for hours.
    pub(crate) fn wait(&self, resends: u32) -> Duration {
        self.resend_after.saturating_mul(1 << resends.min(DOUBLINGS_MAX))
    }
}

/// Reads a duration and refuses zero: every order would expire at once, or its event be resent all the time.
fn longer_than_zero(reader: &mut Reader<'_>, setting: &'static Setting) -> Duration {
    let duration = reader.duration(setting);
    if duration.is_zero() {
        let _refused = reader.refuse_because(setting, "it must be longer than 0s");
    }
    duration
}

#[cfg(test)]
mod tests {
    use orderflow_settings::{Snapshot, read};

    use super::*;

    #[test]
    fn zero_is_refused() {
        for setting in [&ORDER_RESEND_AFTER, &ORDER_EXPIRES_AFTER] {
            let snapshot = Snapshot::from_variables([(setting.variable, "0s")]);
            let error = read(&snapshot, |reader| Ok(ExpirySettings::read(reader))).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("{}: \"0s\" cannot be used: it must be longer than 0s", setting.variable)
            );
        }
    }

    #[test]
    fn waits_double_up_to_a_limit() {
        let settings = ExpirySettings { resend_after: Duration::from_secs(1), ..ExpirySettings::default() };
        let waits = [0, 1, 2, 5, 6, u32::MAX].map(|resends| settings.wait(resends).as_secs());
        assert_eq!(waits, [1, 2, 4, 32, 32, 32]);
        let never = ExpirySettings { resend_after: Duration::MAX, ..settings };
        assert_eq!(never.wait(3), Duration::MAX);
    }
}
