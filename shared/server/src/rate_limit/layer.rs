//! Counts requests, and refuses those above the limits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use orderflow_http::{Admission, Caller, Problem, ProblemKind, Source, count_refused};

use super::buckets::{Buckets, Rate, Standing};
use super::forwarded::source;
use super::network::Network;

/// The routes that are never refused.
const EXEMPT: [&str; 3] = ["/health", "/health/live", "/health/ready"];

/// The bits of an IPv6 address that count as one caller: a client usually has the whole network.
const IPV6_CALLER: u128 = !0 << 64;

/// How many requests each caller and all callers together may send.
#[derive(Debug, Clone, Default)]
pub struct RateLimits {
    pub(super) per_caller: Option<Rate>,
    pub(super) global: Option<Rate>,
    pub(super) trusted_proxies: Vec<Network>,
}

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    /// The subject of a token.
    Subject(String),
    /// The address of a caller without a valid token.
    Address(IpAddr),
    /// All callers.
    Everyone,
}

struct Counters {
    per_caller: Option<Buckets>,
    global: Option<Buckets>,
    trusted_proxies: Vec<Network>,
}

impl RateLimits {
    /// Puts the limits in front of a router that calls [`Admission::admit`], as that of `orderflow_auth::Access::guard` does.
    ///
    /// A refused request is answered 429 with `Retry-After`. Every counted answer has `RateLimit-Limit`, `RateLimit-Remaining` and
    /// `RateLimit-Reset` of its caller, or of all callers if those decided. The health routes are not counted. Each counted request has the
    /// extension [`Source`].
    pub fn guard(&self, router: impl Into<Router>) -> Router {
        let router = router.into();
        if self.per_caller.is_none() && self.global.is_none() && self.trusted_proxies.is_empty() {
            return router;
        }
        let counters = Counters {
            per_caller: self.per_caller.map(Buckets::new),
            global: self.global.map(Buckets::new),
            trusted_proxies: self.trusted_proxies.clone(),
        };
        router.layer(from_fn_with_state(Arc::new(counters), count))
    }
}

impl Counters {
    /// Counts a request. The standing is that of the limit that refuses it, else that of the caller.
    fn take(&self, counted: &Counted) -> Option<Standing> {
        let own = self.per_caller.as_ref().map(|buckets| buckets.take(counted));
        if own.is_some_and(|own| own.refused.is_some()) {
            return own;
        }
        let everyone = self.global.as_ref().map(|buckets| buckets.take(&Counted::Everyone));
        if everyone.is_some_and(|everyone| everyone.refused.is_some()) { everyone } else { own.or(everyone) }
    }
}

async fn count(State(counters): State<Arc<Counters>>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_some_and(|route| EXEMPT.contains(&route.as_str())) {
        return next.run(request).await;
    }
    let source = source_of(&request, &counters.trusted_proxies);
    let address = counted_address(source);
    let decided = Arc::new(OnceLock::new());
    let admission = {
        let decided = Arc::clone(&decided);
        Admission::new(move |caller| decide(&counters, &decided, caller, address))
    };
    request.extensions_mut().insert(admission);
    request.extensions_mut().insert(Source(source));
    let mut response = next.run(request).await;
    if let Some(standing) = decided.get() {
        describe(standing, response.headers_mut());
    }
    response
}

fn decide(
    counters: &Counters,
    decided: &OnceLock<Standing>,
    caller: Option<&Caller>,
    address: IpAddr,
) -> Result<(), Problem> {
    let counted =
        caller.map_or(Counted::Address(address), |caller| Counted::Subject(caller.subject().to_owned()));
    let Some(standing) = counters.take(&counted) else { return Ok(()) };
    decided.get_or_init(|| standing);
    let Some(wait) = standing.refused else { return Ok(()) };
    count_refused(ProblemKind::RateLimited);
    Err(Problem::rate_limited(wait))
}

fn source_of(request: &Request, trusted: &[Network]) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Only tests have no connection.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    source(peer, request.headers(), trusted)
}

/// Returns the address that counts for a request without a valid token.
fn counted_address(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_CALLER).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn describe(standing: &Standing, headers: &mut HeaderMap) {
    headers.insert("ratelimit-limit", HeaderValue::from(standing.limit));
    headers.insert("ratelimit-remaining", HeaderValue::from(standing.remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(whole_seconds(standing.reset)));
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
