//! The source of time.

use std::sync::Arc;
use std::time::SystemTime;

/// Returns the present time. Stream records bear it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
