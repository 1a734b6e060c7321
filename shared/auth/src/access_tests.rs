use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::routing::get;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use jsonwebtoken::{EncodingKey, Header, encode};
use orderflow_http::{Caller, with_fallbacks};
use orderflow_settings::{Snapshot, read};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const PROTECTED: [(&str, &str); 4] = [
    ("ORDERFLOW_AUTH", "jwt"),
    ("JWT_SECRET", SECRET),
    ("JWT_ISSUER", "https://issuer"),
    ("JWT_AUDIENCE", "orderflow"),
];

fn read_access(variables: &[(&str, &str)]) -> Result<Access, String> {
    let snapshot = Snapshot::from_variables(variables.iter().copied());
    read(&snapshot, Access::read).map_err(|error| error.to_string())
}

fn token(scope: &str) -> String {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(60);
    let claims = json!({
        "iss": "https://issuer", "aud": "orderflow", "sub": "C1", "exp": expires.as_secs(), "scope": scope,
    });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

async fn send(method: Method, path: &str, token: Option<String>) -> Response {
    send_as(method, path, token, None).await
}

async fn send_as(
    method: Method,
    path: &str,
    token: Option<String>,
    admission: Option<Admission>,
) -> Response {
    let routes = Router::new()
        .route("/health", get(async || "ok"))
        .route("/api/v1/products/{sku}", get(async || "product").patch(async || "changed"))
        .route(
            "/api/v1/orders",
            get(async |request: Request| request.extensions().get::<Caller>().unwrap().subject().to_owned()),
        )
        .route("/api/v1/payments", get(async || "payments"))
        .route("/new", get(async || "new"));
    let router = with_fallbacks(read_access(&PROTECTED).unwrap().guard(routes));
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(admission) = admission {
        request.extensions_mut().insert(admission);
    }
    router.oneshot(request).await.unwrap()
}

#[tokio::test]
async fn each_operation_needs_its_scope() {
    for (method, path, scope, status) in [
        (Method::GET, "/health", None, 200),
        (Method::GET, "/api/v1/products/S", None, 200),
        (Method::HEAD, "/api/v1/products/S", None, 200),
        (Method::PATCH, "/api/v1/products/S", None, 401),
        (Method::PATCH, "/api/v1/products/S", Some("operate"), 403),
        (Method::PATCH, "/api/v1/products/S", Some("catalog:write"), 200),
        (Method::GET, "/api/v1/orders", None, 401),
        (Method::GET, "/api/v1/orders", Some(""), 200),
        (Method::GET, "/api/v1/payments", Some(""), 403),
        (Method::GET, "/api/v1/payments", Some("orders:read"), 200),
        (Method::GET, "/api/v1/payments", Some("admin"), 200),
        // Neither an operation without an entry nor an unknown path is open.
        (Method::GET, "/new", None, 401),
        (Method::GET, "/new", Some("operate"), 403),
        (Method::GET, "/new", Some("admin"), 200),
        (Method::GET, "/nothing", None, 401),
        (Method::GET, "/nothing", Some(""), 404),
        (Method::GET, "/api/v1/products/..%2Fpayments", Some(""), 200),
        (Method::GET, "/api/v1/products/../payments", None, 401),
    ] {
        let response = send(method.clone(), path, scope.map(token)).await;
        assert_eq!(response.status().as_u16(), status, "{method} {path} {scope:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_a_problem() {
    let response = send(Method::GET, "/api/v1/payments", Some("no token".to_owned())).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(response.headers()[CONTENT_TYPE], orderflow_http::PROBLEM_JSON);
}

#[test]
fn without_authentication_every_caller_is_let_in() {
    assert!(read_access(&[]).unwrap().is_open());
    assert!(read_access(&[("ORDERFLOW_AUTH", "none")]).unwrap().is_open());
    assert!(!read_access(&PROTECTED).unwrap().is_open());
}

#[tokio::test]
async fn keys_that_were_never_fetched_open_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    drop(listener);
    let variables = [
        ("ORDERFLOW_AUTH", "jwt"),
        ("JWT_JWKS_URL", url.as_str()),
        ("JWT_ISSUER", "https://issuer"),
        ("JWT_AUDIENCE", "orderflow"),
    ];
    let access = read_access(&variables).unwrap();
    access.prepare().await;
    let routes =
        Router::new().route("/health", get(async || "ok")).route("/api/v1/orders", get(async || "orders"));
    let router = with_fallbacks(access.guard(routes));
    let signer = crate::test_issuer::Signer::new(jsonwebtoken::Algorithm::ES256, "k");
    for (path, token, status) in [
        ("/health", None, 200),
        ("/api/v1/orders", None, 401),
        ("/api/v1/orders", Some(token("admin")), 401),
        ("/api/v1/orders", Some(signer.token()), 503),
    ] {
        let mut request = Request::builder().uri(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{path}");
    }
}

#[test]
fn protection_that_cannot_be_given_is_refused() {
    let changed = |changes: &[(&'static str, &'static str)]| {
        let kept = PROTECTED.into_iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
        kept.chain(changes.iter().copied()).collect::<Vec<_>>()
    };
    for (variables, named) in [
        (vec![("ORDERFLOW_AUTH", "jwt")], "JWT_SECRET"),
        (changed(&[("JWT_ISSUER", " ")]), "JWT_ISSUER"),
        (changed(&[("JWT_AUDIENCE", "\t")]), "JWT_AUDIENCE"),
        (changed(&[("ORDERFLOW_AUTH", "yes")]), "ORDERFLOW_AUTH"),
        (changed(&[("ORDERFLOW_AUTH", "")]), "JWT_SECRET"),
        (changed(&[("ORDERFLOW_AUTH", "none")]), "JWT_SECRET"),
        (changed(&[("JWT_SECRET", "x")]), "JWT_SECRET"),
        (changed(&[("JWT_SECRET", "")]), "JWT_SECRET"),
        (changed(&[("JWT_ISSUER", "")]), "JWT_ISSUER"),
        (changed(&[("JWT_AUDIENCE", "")]), "JWT_AUDIENCE"),
        (changed(&[("JWT_AUDIENCE", "two words")]), "JWT_AUDIENCE"),
        (changed(&[("JWT_SECRET", ""), ("JWT_PUBLIC_KEY", "text")]), "JWT_PUBLIC_KEY"),
        (changed(&[("JWT_PUBLIC_KEY", "text")]), "JWT_PUBLIC_KEY"),
        (changed(&[("JWT_JWKS_URL", "https://issuer/keys")]), "exactly one of JWT_JWKS_URL, JWT_SECRET and"),
        (changed(&[("JWT_SECRET", "")]), "exactly one of JWT_JWKS_URL, JWT_SECRET and"),
        (changed(&[("JWT_SECRET", ""), ("JWT_JWKS_URL", "http://issuer/keys")]), "JWT_JWKS_URL"),
        (changed(&[("JWT_SECRET", ""), ("JWT_JWKS_URL", "https://a:b@issuer/keys")]), "JWT_JWKS_URL"),
        (vec![("JWT_JWKS_URL", "https://issuer/keys")], "JWT_JWKS_URL"),
    ] {
        let error = read_access(&variables).err().unwrap_or_else(|| panic!("{variables:?}"));
        assert!(
            error.contains(named) && !error.contains(SECRET) && !error.contains("a:b"),
            "{variables:?}: {error}"
        );
    }
}

#[test]
fn every_operation_of_the_api_has_an_entry() {
    let document: Value = serde_json::from_str(include_str!("../../documents/openapi.json")).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            assert!(need_of(&method, path).is_some(), "{method} {path}");
        }
    }
}

/// Sends a request whose admission is refused, and returns its status and who was counted.
async fn refused(method: Method, path: &str, token: Option<String>) -> (u16, Vec<Option<String>>) {
    let counted = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&counted);
    let admission = Admission::new(move |caller: Option<&Caller>| {
        seen.lock().unwrap().push(caller.map(|caller| caller.subject().to_owned()));
        Err(Problem::rate_limited(Duration::from_secs(1)))
    });
    let response = send_as(method, path, token, Some(admission)).await;
    let counted = counted.lock().unwrap().clone();
    (response.status().as_u16(), counted)
}

#[tokio::test]
async fn every_request_is_admitted_once_under_the_caller_that_its_token_proves() {
    let own = Some("C1".to_owned());
    for (path, bearer, counted) in [
        ("/api/v1/orders", Some(token("")), own.clone()),
        ("/api/v1/payments", Some(token("")), own.clone()),
        ("/nothing", Some(token("")), own.clone()),
        ("/api/v1/products/S", Some(token("")), own),
        ("/api/v1/products/S", None, None),
        ("/api/v1/products/S", Some("forged".to_owned()), None),
        ("/api/v1/orders", None, None),
        ("/api/v1/orders", Some("forged".to_owned()), None),
        ("/nothing", None, None),
    ] {
        assert_eq!(
            refused(Method::GET, path, bearer.clone()).await,
            (429, vec![counted]),
            "{path} {bearer:?}"
        );
    }
}

#[tokio::test]
async fn requests_are_admitted_where_callers_are_not_authenticated() {
    let admission = Admission::new(|_| Err(Problem::rate_limited(Duration::from_secs(1))));
    let routes = Router::new().route("/open", get(async || "open"));
    let router = read_access(&[]).unwrap().guard(routes);
    let request = Request::get("/open").extension(admission).body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), 429);
}
