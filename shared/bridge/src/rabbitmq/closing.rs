//! Closes channels.

use std::time::Duration;

use lapin::Channel;
use tokio::time::timeout;

/// The time that the broker may take to confirm that a channel or connection is closed.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Closes a channel.
pub(super) async fn close(channel: &Channel) {
    // A channel that fails to close is broken, which ends it as well.
    let _ = timeout(CLOSE_TIMEOUT, channel.close(200, "done".into())).await;
}
