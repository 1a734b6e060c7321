//! Waiting before a request is made again that met another one.

use std::time::Duration;

/// How often a write that meets another request is made again before that is reported.
pub(crate) const CONFLICT_RETRIES: u32 = 8;

/// Waits before the repetition of this number, from 1: full jitter up to a limit that doubles, never above 320 ms.
pub(crate) async fn pause(repetition: u32) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=5 << repetition.min(6)))).await;
}
