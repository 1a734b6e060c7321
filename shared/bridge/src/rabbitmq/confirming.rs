//! A channel with publisher confirms that outlives its breaks.

use std::sync::Arc;

use lapin::Channel;
use tokio::sync::{Mutex, MutexGuard};

use super::{RabbitError, RabbitMq};

/// A channel for one publisher at a time, made again after it failed.
pub(super) struct ConfirmingChannel {
    broker: Arc<RabbitMq>,
    channel: Mutex<Option<Channel>>,
}

/// The channel in use. One that is not given back is closed: after an error nobody knows what is still under way on it.
pub(super) struct InUse<'a> {
    slot: MutexGuard<'a, Option<Channel>>,
    pub channel: Channel,
}

impl ConfirmingChannel {
    pub(super) fn new(broker: Arc<RabbitMq>) -> Self {
        Self { broker, channel: Mutex::new(None) }
    }

    pub(super) fn broker(&self) -> &RabbitMq {
        &self.broker
    }

    pub(super) async fn take(&self) -> Result<InUse<'_>, RabbitError> {
        let mut slot = self.channel.lock().await;
        let channel = match slot.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => self.broker.channel().await?,
        };
        Ok(InUse { slot, channel })
    }
}

impl InUse<'_> {
    pub(super) fn give_back(mut self) {
        *self.slot = Some(self.channel);
    }
}
