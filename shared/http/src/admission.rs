//! Whether a request is handled, once its caller is known.

use std::sync::Arc;

use http::Extensions;

use crate::{Caller, Problem};

type Decide = dyn Fn(Option<&Caller>) -> Result<(), Problem> + Send + Sync;

/// Decides whether a request is handled, as a rate limit does. It is an extension of the request: the layer that counts requests does not
/// know the caller, and the layer that verifies tokens does not count.
#[derive(Clone)]
pub struct Admission(Arc<Decide>);

impl Admission {
    /// Creates the decision about one request. Its argument is the caller; `None` stands for a request without a valid token.
    pub fn new(decide: impl Fn(Option<&Caller>) -> Result<(), Problem> + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// Decides about the request with these extensions. Call it once for each request, when the caller is known.
    ///
    /// # Errors
    /// 429 if the caller has sent too many. A request that nothing counts is always handled.
    pub fn admit(extensions: &Extensions, caller: Option<&Caller>) -> Result<(), Problem> {
        extensions.get::<Self>().map_or(Ok(()), |Self(decide)| decide(caller))
    }
}
