//! Generates the OpenAPI document of the HTTP API.

use http::Method;
use orderflow_auth::{Need, need_of};
use orderflow_http::Problem;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, Server, Tag};
use utoipa::{PartialSchema, ToSchema};

use crate::problems;

/// The tags of handlers, with their descriptions.
const TAGS: [(&str, &str); 10] = [
    ("orders", "Place, read and cancel orders"),
    ("catalog", "Products and prices"),
    ("inventory", "Stock levels"),
    ("payments", "Charges and refunds"),
    ("notifications", "Messages to customers"),
    ("customers", "The personal data of a customer"),
    ("analytics", "Counts of orders and sales"),
    ("admin", "Queues, dead letters and fault injection"),
    ("operation", "Health and metrics of the process"),
    ("documents", "The documents of the API and the events"),
];

const DESCRIPTION: &str = "Takes orders and brings each one to exactly one outcome.

Bodies are JSON in UTF-8, at most 64 KiB. Unknown fields are refused. Amounts are whole minor units (cents). Errors are problem details
(RFC 9457). An unknown path responds with 404 `not-found`, an unsupported method with 405 `method-not-allowed`.

Only requests to the server's own `Host` are answered. Requests that change something need `Content-Type: application/json`, also without a body, or the header
`Idempotency-Key` or `X-Orderflow`; they are refused when a browser sends them for a page of another site. On AWS the gateway takes the place of these rules.

A system that authenticates callers needs a bearer token (JWT) for the operations that name one, with one of the scopes that they list. A
system without authentication, such as a local one, accepts calls without a token.";

const TOKEN: &str = "token";

/// The scope that stands for each other.
const ADMIN: &str = "admin";

/// Completes the document of the routes with the parts that all share and the problems of each.
pub fn openapi(routes: OpenApi) -> OpenApi {
    let mut api = routes;
    api.info = Info::new("Orderflow", env!("CARGO_PKG_VERSION"));
    api.info.description = Some(DESCRIPTION.to_owned());
    // Relative to this document, because the API may be served below a path.
    api.servers = Some(vec![Server::new(".")]);
    api.tags = Some(TAGS.map(tag).to_vec());
    let components = api.components.get_or_insert_default();
    complete(components);
    for (path, item) in &mut api.paths.paths {
        let shared = &mut components.responses;
        for (method, operation) in operations(item) {
            let need = need_of(&method, path).unwrap_or(Need::OneOf(&[]));
            operation.security = Some(security(need));
            problems::describe(path, &method, operation, need, shared);
        }
    }
    api
}

fn tag((name, description): (&str, &str)) -> Tag {
    let mut tag = Tag::new(name);
    tag.description = Some(description.to_owned());
    tag
}

/// Returns the alternatives of which a call has to meet one; none if the operation is public.
fn security(need: Need) -> Vec<SecurityRequirement> {
    let scope = |scope: &str| SecurityRequirement::new(TOKEN, [scope]);
    match need {
        Need::Nothing => Vec::new(),
        Need::Token => vec![SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, [])],
        Need::OneOf(scopes) => scopes.iter().copied().chain([ADMIN]).map(scope).collect(),
    }
}

fn complete(components: &mut Components) {
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.add_security_scheme(TOKEN, token_scheme());
}

fn token_scheme() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let description = "A JSON Web Token. Its claim `scope` holds the scopes, `sub` the customer.";
    SecurityScheme::Http(scheme.description(Some(description)).build())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    let operations = [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::OPTIONS, options),
        (Method::HEAD, head),
        (Method::PATCH, patch),
        (Method::TRACE, trace),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
