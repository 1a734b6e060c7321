//! One node for all tests of a program that run at the same time, each in a virtual host of its own.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

use super::RabbitMq;
use crate::Result;

/// Enough for every test of a program, even if none of them ever lets go of the node.
const VIRTUAL_HOSTS: usize = 64;

/// The tests hold the node; this only finds it again. So the last one that lets go of it ends it.
static NODE: Mutex<Weak<RabbitMq>> = Mutex::const_new(Weak::new());

/// The node that runs for other tests, or a new one where none does. It lives for as long as somebody holds it.
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
