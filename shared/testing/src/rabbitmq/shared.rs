//! One node for all concurrent tests of a program, each in its own virtual host.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

use super::RabbitMq;
use crate::Result;

/// Enough for every test of a program, even if all run at the same time.
const VIRTUAL_HOSTS: usize = 64;

/// The running node, if any. The tests own it, so that it ends with the last test that uses it.
static NODE: Mutex<Weak<RabbitMq>> = Mutex::const_new(Weak::new());

/// Returns the node that other tests use, or starts one. It runs until the last owner drops it.
///
/// # Errors
/// As [`RabbitMq::start`].
pub async fn node() -> Result<Arc<RabbitMq>> {
    let mut found = NODE.lock().await;
    if let Some(node) = found.upgrade() {
        return Ok(node);
    }
    let node = Arc::new(RabbitMq::start_with_virtual_hosts(VIRTUAL_HOSTS).await?);
    *found = Arc::downgrade(&node);
    Ok(node)
}
