//! When customers were notified: the shop records the time with each message. It is read after the measurement, for every order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::BenchError;
use crate::connection::{Address, Connection};
use crate::load::Placed;

/// The connections that read.
const READERS: usize = 8;

/// How long a reader waits before it looks again for a message that is not recorded yet.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How an order ended, by the message about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Confirmed,
    Rejected,
    Cancelled,
}

/// When and of what a customer was notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notified {
    /// In microseconds since 1970, by the clock of the shop: the end of the millisecond that the shop recorded.
    pub at_us: i64,
    pub outcome: Outcome,
}

#[derive(Deserialize)]
struct NotificationList {
    notifications: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    template: String,
    #[serde(default)]
    sent_at: Option<String>,
}

impl NotificationList {
    /// Returns the notification of the end of the order. A refund is notified too, after it.
    fn end(&self) -> Option<Notified> {
        self.notifications.iter().find_map(|notification| {
            let outcome = match notification.template.as_str() {
                "order_confirmation" => Outcome::Confirmed,
                "order_payment_declined" | "order_out_of_stock" => Outcome::Rejected,
                "order_cancelled" => Outcome::Cancelled,
                _ => return None,
            };
            Some(Notified { at_us: end_of_millisecond(notification.sent_at.as_deref()?)?, outcome })
        })
    }
}

fn micros(time: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(time).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
}

/// Returns the end of the millisecond that the shop recorded, so that no latency is shown shorter than it was.
fn end_of_millisecond(time: &str) -> Option<i64> {
    Some(micros(time)? + 1_000)
}

/// Reads for each order when its customer was notified. Waits until `deadline` for those that are not notified yet; they are `None`
/// after that.
///
/// # Errors
/// [`BenchError::Answer`] if the shop does not answer.
pub(crate) async fn read(
    address: &Address,
    placed: &[Placed],
    deadline: Instant,
) -> Result<Vec<Option<Notified>>, BenchError> {
    let open: VecDeque<(usize, String)> =
        placed.iter().enumerate().map(|(position, order)| (position, order.id.clone())).collect();
    let open = Arc::new(Mutex::new(open));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(read_some(Connection::new(address), open.clone(), deadline));
    }
    let mut found = vec![None; placed.len()];
    while let Some(reader) = readers.join_next().await {
        // A reader does not panic, and is not cancelled.
        for (position, notified) in reader.unwrap_or_else(|_| Ok(Vec::new()))? {
            found[position] = Some(notified);
        }
    }
    Ok(found)
}

async fn read_some(
    mut connection: Connection,
    open: Arc<Mutex<VecDeque<(usize, String)>>>,
    deadline: Instant,
) -> Result<Vec<(usize, Notified)>, BenchError> {
    let take = || open.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let mut found = Vec::new();
    while let Some((position, id)) = take() {
        loop {
            let path = format!("/api/v1/notifications?order_id={id}");
            let list: NotificationList = connection.get(&path).await?;
            if let Some(notified) = list.end() {
                found.push((position, notified));
                break;
            }
            if list.notifications.iter().any(|notification| notification.sent_at.is_none()) {
                let reason = "the answer has no sent_at: the shop is older than this program";
                return Err(BenchError::answer(format!("GET {path}"), reason));
            }
            if Instant::now() >= deadline {
                break;
            }
            sleep(LOOK_AGAIN).await;
        }
    }
    Ok(found)
}

/// Translates between the clock of this program, which cannot be set back, and the clock of the shop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    at: Instant,
    /// The microseconds since 1970 at `at`, by the clock of the shop.
    at_us: i64,
}

impl Clocks {
    /// Reads both clocks of this machine.
    pub(crate) fn read() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at: Instant::now(), at_us: i64::try_from(since.as_micros()).unwrap_or(i64::MAX) }
    }

    /// Returns the time of the shop at an instant, in microseconds since 1970.
    pub(crate) fn micros(&self, instant: Instant) -> i64 {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        if instant >= self.at {
            self.at_us.saturating_add(micros(instant - self.at))
        } else {
            self.at_us.saturating_sub(micros(self.at - instant))
        }
    }

    /// Corrects for the clock of a shop on another machine: each order was placed between its request and its answer, and the answer has the
    /// time of the shop. Clocks that agree with every order stay as they are.
    pub(crate) fn corrected(self, placed: &[Placed]) -> Self {
        let bounds = placed.iter().filter_map(|order| {
            let created = micros(&order.created_at)?;
            Some((created - self.micros(order.answered), created + 1_000 - self.micros(order.sent)))
        });
        let bounds =
            bounds.reduce(|(low, high), (other_low, other_high)| (low.max(other_low), high.min(other_high)));
        match bounds {
            Some((low, high)) if low > 0 || high < 0 => {
                Self { at_us: self.at_us.saturating_add(low.midpoint(high)), ..self }
            }
            _ => self,
        }
    }

    /// Returns the time from an instant to a time of the shop; zero if it lies before.
    pub(crate) fn since(&self, instant: Instant, at_us: i64) -> Duration {
        Duration::from_micros(u64::try_from(at_us - self.micros(instant)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Option<Notified> {
        serde_json::from_str::<NotificationList>(text).unwrap().end()
    }

    #[test]
    fn the_end_of_the_recorded_millisecond_counts() {
        let text = r#"{"notifications":[{"template":"order_refunded","sent_at":"2026-01-31T12:00:00.000Z"},
            {"template":"order_out_of_stock","sent_at":"1970-01-01T00:00:01.234Z"}]}"#;
        assert_eq!(end(text), Some(Notified { at_us: 1_235_000, outcome: Outcome::Rejected }));
        assert_eq!(end(r#"{"notifications":[]}"#), None);
        assert_eq!(end(r#"{"notifications":[{"template":"order_cancelled","sent_at":null}]}"#), None);
    }

    /// Returns an order that a shop placed half a second after it was sent, by a clock that is this much ahead.
    fn placed(clocks: &Clocks, ahead_us: i64) -> Placed {
        let sent = clocks.at + Duration::from_secs(1);
        let created_us = clocks.micros(sent) + 500_000 + ahead_us;
        let time = UNIX_EPOCH + Duration::from_micros(created_us.try_into().unwrap());
        let created_at = humantime::format_rfc3339_millis(time).to_string();
        let answered = sent + Duration::from_secs(1);
        Placed { id: String::new(), created_at, planned: sent, sent, answered }
    }

    #[test]
    fn the_clock_of_another_machine_is_corrected_as_far_as_its_answers_show_it() {
        let clocks = Clocks::read();
        for (ahead, corrected) in
            [(0, 0), (400_000, 0), (-400_000, 0), (3_600_000_000, 3_600_000_000), (-9_000_000, -9_000_000)]
        {
            let found = clocks.corrected(&[placed(&clocks, ahead)]).at_us - clocks.at_us;
            assert!((found - corrected).abs() <= 501_000, "{ahead}: {found}");
            assert!(corrected != 0 || found == 0, "{ahead}: {found}");
        }
    }

    #[test]
    fn a_time_before_the_instant_is_no_negative_latency() {
        let clocks = Clocks::read();
        let now = clocks.micros(clocks.at);
        assert_eq!(clocks.since(clocks.at, now - 5), Duration::ZERO);
        assert_eq!(clocks.since(clocks.at, now + 5), Duration::from_micros(5));
    }
}
