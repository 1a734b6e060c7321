//! Leaves a line in the audit log for each call of an operator.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams};
use http::StatusCode;
use http::request::Parts;
use orderflow_http::{ActedOn, Caller, Source, Trace};
use orderflow_telemetry::{AuditEntry, audited_ids};

use crate::operations::Need;

/// The scope that lets a caller read the orders of all customers.
const ORDERS_READ: &str = "orders:read";

/// Read every few seconds, by a collector and by the console, and shows no data of customers.
const READ_OFTEN: [&str; 2] = ["/metrics", "/api/v1/live"];

/// The parameters of a query that say on what a call acts.
const NAMED_IN_QUERIES: [&str; 3] = ["customer_id", "order_id", "code"];

/// Who is named if callers are not authenticated, or if the token is not valid.
const ANONYMOUS: &str = "anonymous";

/// Returns whether a call is one of an operator: its operation needs a scope, or it may reach the orders of all customers.
pub(crate) fn is_operators(need: Need, route: &str, caller: Option<&Caller>) -> bool {
    match need {
        Need::Nothing => false,
        Need::Token => caller.is_some_and(|caller| caller.has_one_of(&[ORDERS_READ])),
        Need::OneOf(_) => !READ_OFTEN.contains(&route),
    }
}

/// A call of an operator that is under way. Its line is written at its end, also if the client goes away before.
pub(crate) struct Audited {
    who: String,
    peer: String,
    operation: String,
    on: String,
    trace_id: String,
    status: Option<StatusCode>,
}

impl Audited {
    /// Reads what is known before the call.
    pub(crate) async fn begin(parts: &mut Parts, route: &str, caller: Option<&Caller>) -> Self {
        let on = resource(parts).await;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let source = parts.extensions.get::<Source>().map(|Source(address)| *address).or(peer);
        let trace = parts.extensions.get::<Trace>();
        Self {
            who: caller.map_or(ANONYMOUS, Caller::subject).to_owned(),
            peer: source.map(|address| address.to_string()).unwrap_or_default(),
            operation: format!("{} {route}", parts.method),
            on,
            trace_id: trace.map(|trace| trace.0.trace_id().to_string()).unwrap_or_default(),
            status: None,
        }
    }

    /// Ends the call with a status, and what the operation says that it acted on.
    pub(crate) fn end(mut self, status: StatusCode, acted_on: Option<&ActedOn>) {
        if let Some(ActedOn(more)) = acted_on {
            let separator = if self.on.is_empty() { "" } else { " " };
            self.on = format!("{}{separator}{more}", self.on);
        }
        self.status = Some(status);
    }
}

/// Returns the ids of the resource in the path and in the query.
async fn resource(parts: &mut Parts) -> String {
    let path = RawPathParams::from_request_parts(parts, &()).await;
    let path = path.map(|ids| audited_ids(&ids)).unwrap_or_default();
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let query = audited_ids(query.filter(|(name, _)| NAMED_IN_QUERIES.contains(&&**name)));
    [path, query].into_iter().filter(|ids| !ids.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Drop for Audited {
    fn drop(&mut self) {
        let entry = AuditEntry {
            who: &self.who,
            peer: &self.peer,
            operation: &self.operation,
            on: &self.on,
            // What the operation has changed by then is not known.
            outcome: self.status.as_ref().map_or("interrupted", StatusCode::as_str),
            trace_id: &self.trace_id,
        };
        entry.log();
    }
}
