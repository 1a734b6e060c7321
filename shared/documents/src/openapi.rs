//! The description of the HTTP API.

use orderflow_http::Problem;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, Server, Tag};
use utoipa::{PartialSchema, ToSchema};

use crate::problems;

/// Each tag that a handler may have, with what is behind it.
const TAGS: [(&str, &str); 9] = [
    ("orders", "Taking orders in, and telling how they go on"),
    ("catalog", "What is sold, and at which price"),
    ("inventory", "What there is of it"),
    ("payments", "What was charged"),
    ("notifications", "What customers are told"),
    ("analytics", "What was ordered and sold"),
    ("admin", "Queues, dead letters, and breaking things on purpose"),
    ("operation", "How the process is"),
    ("documents", "What you are reading"),
];

const DESCRIPTION: &str = "Takes orders and carries each one to exactly one outcome.

Bodies are JSON in UTF-8, at most 64 KiB. Unknown fields are refused. Amounts are whole minor units (cents). Errors are problem details
(RFC 9457); a path that is none of these answers 404 `not-found`, another method 405 `method-not-allowed`.

Nobody has to sign in on one's own machine. Where access is closed, a token needs the scope `admin`.";

const TOKEN: &str = "token";

/// The description of routes as it is published: with what is common to all of them, and with the problems that each answers.
pub fn openapi(routes: OpenApi) -> OpenApi {
    let mut api = routes;
    api.info = Info::new("Orderflow", env!("CARGO_PKG_VERSION"));
    api.info.description = Some(DESCRIPTION.to_owned());
    // Relative to this document, which may be served below a path.
    api.servers = Some(vec![Server::new(".")]);
    api.tags = Some(TAGS.map(tag).to_vec());
    api.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new(TOKEN, ["admin"])]);
    let components = api.components.get_or_insert_default();
    complete(components);
    for (path, item) in &mut api.paths.paths {
        let shared = &mut components.responses;
        operations(item).for_each(|operation| problems::describe(path, operation, shared));
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

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}
