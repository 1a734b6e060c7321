//! Generates the OpenAPI document of the HTTP API.

use orderflow_http::Problem;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, Server, Tag};
use utoipa::{PartialSchema, ToSchema};

use crate::problems::{self, Method};

/// The tags of handlers, with their descriptions.
const TAGS: [(&str, &str); 9] = [
    ("orders", "Place, read and cancel orders"),
    ("catalog", "Products and prices"),
    ("inventory", "Stock levels"),
    ("payments", "Charges and refunds"),
    ("notifications", "Messages to customers"),
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

A local system accepts calls without a token. If access is closed, calls need a token with the scope `admin`.";

const TOKEN: &str = "token";

/// Completes the document of the routes with the parts that all share and the problems of each.
pub fn openapi(routes: OpenApi) -> OpenApi {
    let mut api = routes;
    api.info = Info::new("Orderflow", env!("CARGO_PKG_VERSION"));
    api.info.description = Some(DESCRIPTION.to_owned());
    // Relative to this document, because the API may be served below a path.
    api.servers = Some(vec![Server::new(".")]);
    api.tags = Some(TAGS.map(tag).to_vec());
    api.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new(TOKEN, ["admin"])]);
    let components = api.components.get_or_insert_default();
    complete(components);
    for (path, item) in &mut api.paths.paths {
        let shared = &mut components.responses;
        for operation in safe_operations(item) {
            problems::describe(path, Method::Safe, operation, shared);
        }
        for operation in unsafe_operations(item) {
            problems::describe(path, Method::Unsafe, operation, shared);
        }
    }
    api
}

fn tag((name, description): (&str, &str)) -> Tag {
    let mut tag = Tag::new(name);
    tag.description = Some(description.to_owned());
    tag
}

fn complete(components: &mut Components) {
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.add_security_scheme(TOKEN, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
}

fn safe_operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, options, head, trace, .. } = item;
    [get, options, head, trace].into_iter().flatten()
}

fn unsafe_operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { put, post, delete, patch, .. } = item;
    [put, post, delete, patch].into_iter().flatten()
}
