//! Routes of the HTTP API and their authorization.

use std::collections::BTreeSet;

use orderflow_auth::{Need, operations};
use serde_json::{Value, json};

use crate::reading::{functions, resource, resources, template, texts};

/// The routes without authorization: they change nothing and return no data of customers. Stripe signs what it sends.
const OPEN: [&str; 8] = [
    "GET /api/v1/products",
    "GET /api/v1/products/{proxy+}",
    "GET /asyncapi.json",
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "GET /openapi.json",
    "POST /webhooks/stripe",
];

/// An issuer asks for a protection that open access does not give.
#[test]
fn open_access_is_refused_together_with_an_issuer() {
    let open = &template()["Rules"]["Open"];
    assert_eq!(open["RuleCondition"], json!(["OpenAccess", "true"]));
    let closed = json!([["JwtIssuer", ""], ["JwtAudience", ""]]);
    assert_eq!(open["Assertions"][0]["Assert"], closed);
}

#[test]
fn access_is_closed_by_default() {
    assert_eq!(template()["Parameters"]["OpenAccess"]["Default"], "false");
    let mut open = Vec::new();
    for (name, route) in resources("AWS::ApiGatewayV2::Route") {
        let route = &route["Properties"];
        if route["AuthorizationType"] == "NONE" {
            open.push(route["RouteKey"].as_str().unwrap().to_owned());
            continue;
        }
        assert_eq!(route["AuthorizationType"], json!(["IsOpen", "NONE", "JWT"]), "{name}");
        assert_eq!(route["AuthorizerId"][2], "Authorizer", "{name}");
    }
    open.sort();
    assert_eq!(open, OPEN);
}

/// The operations that a deployment does not have.
const NOT_DEPLOYED: [&str; 6] = [
    "/docs",
    "/metrics",
    "/api/v1/admin/consumers",
    "/api/v1/admin/consumers/{consumer}",
    "/api/v1/admin/faults",
    "/api/v1/live",
];

#[test]
fn the_gateway_requires_a_scope_of_the_operations_behind_each_route() {
    let routes = resources("AWS::ApiGatewayV2::Route");
    let mut needs: Vec<(&str, Vec<Need>)> = routes.keys().map(|name| (name.as_str(), Vec::new())).collect();
    for (method, path, need) in operations().filter(|(_, path, _)| !NOT_DEPLOYED.contains(path)) {
        let name = routed(&routes, method, path);
        needs.iter_mut().find(|(known, _)| *known == name).unwrap().1.push(need);
    }
    for (name, needs) in needs {
        let route = &routes[name]["Properties"];
        let expected = if needs.contains(&Need::Nothing) {
            assert!(needs.iter().all(|need| *need == Need::Nothing), "{name}");
            assert_eq!(route["AuthorizationType"], "NONE", "{name}");
            Value::Null
        } else if needs.contains(&Need::Token) {
            // The operation itself decides by the subject of the token.
            Value::Null
        } else {
            let mut scopes = BTreeSet::from(["admin"]);
            scopes.extend(needs.iter().flat_map(|need| need.scopes()));
            json!(["IsOpen", "AWS::NoValue", scopes])
        };
        let mut scopes = route["AuthorizationScopes"].clone();
        if let Some(listed) = scopes.get_mut(2) {
            *listed = json!(texts(listed));
        }
        assert_eq!(scopes, expected, "{name}");
    }
}

/// Returns the route that API Gateway takes: a full match before a greedy one, a longer one before a shorter one, and a method before
/// `ANY`.
fn routed<'a>(routes: &'a serde_json::Map<String, Value>, method: &str, path: &str) -> &'a str {
    let rank = |(_, route): &(&String, &Value)| {
        let (of, pattern) = route["Properties"]["RouteKey"].as_str()?.split_once(' ')?;
        let greedy = pattern.strip_suffix("{proxy+}");
        let is_match = greedy.map_or(pattern == path, |start| path.starts_with(start));
        (is_match && [method, "ANY"].contains(&of)).then_some((greedy.is_none(), pattern.len(), of != "ANY"))
    };
    let found = routes.iter().filter(|route| rank(route).is_some()).max_by_key(rank);
    found.unwrap_or_else(|| panic!("{method} {path} has no route")).0
}

#[test]
fn functions_verify_tokens_unless_access_is_open() {
    for bundle in ["order-intake", "shop-api"] {
        let environment = functions()[bundle].environment();
        assert_eq!(environment["ORDERFLOW_AUTH"], r#"["IsOpen","none","jwt"]"#, "{bundle}");
        let discovery = r#""${JwtIssuer}/.well-known/openid-configuration""#;
        let keys = format!(r#"["FetchesKeys",["HasJwksUrl","JwtJwksUrl",{discovery}],""]"#);
        assert_eq!(environment["JWT_JWKS_URL"], keys, "{bundle}");
        assert_eq!(environment["JWT_PUBLIC_KEY"], r#"["HasPublicKey","JwtPublicKey",""]"#, "{bundle}");
    }
}

#[test]
fn the_access_log_names_caller_address_and_request() {
    let (_, stage) = resource("AWS::ApiGatewayV2::Stage", "StageName", "$default");
    let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
    let line: Value = serde_json::from_str(format).unwrap();
    assert_eq!(line["caller"], "$context.authorizer.claims.sub");
    assert_eq!(line["ip"], "$context.identity.sourceIp");
    assert_eq!(line["request"], "$context.requestId");
}

#[test]
fn orders_health_and_documents_are_routed_to_order_intake_and_the_rest_to_shop_api() {
    for (name, route) in resources("AWS::ApiGatewayV2::Route") {
        let key = route["Properties"]["RouteKey"].as_str().unwrap();
        let of_shop = ["/api/v1/", "/webhooks/"].iter().any(|part| key.contains(part));
        let shop = of_shop && !["/orders", "/cache/"].iter().any(|part| key.contains(part));
        let integration = if shop { "ShopApiIntegration" } else { "OrderIntakeIntegration" };
        assert_eq!(route["Properties"]["Target"], format!("integrations/${{{integration}}}"), "{name}");
    }
    for (name, integration) in resources("AWS::ApiGatewayV2::Integration") {
        let function = name.replace("Integration", "Function.Alias");
        assert_eq!(integration["Properties"]["IntegrationUri"], function);
        assert_eq!(integration["Properties"]["PayloadFormatVersion"], "2.0");
        let permission = &resources("AWS::Lambda::Permission")[&name.replace("Integration", "Permission")];
        assert_eq!(permission["Properties"]["FunctionName"], function);
    }
}

#[test]
fn requests_are_throttled_by_parameters() {
    let (_, stage) = resource("AWS::ApiGatewayV2::Stage", "StageName", "$default");
    let limits = &stage["DefaultRouteSettings"];
    for (limit, parameter, default) in
        [("ThrottlingRateLimit", "ApiRateLimit", 250), ("ThrottlingBurstLimit", "ApiBurstLimit", 500)]
    {
        assert_eq!(limits[limit], parameter);
        let declared = &template()["Parameters"][parameter];
        assert_eq!((&declared["Type"], &declared["Default"]), (&"Number".into(), &default.into()));
        // 0 would close the API.
        assert_eq!(declared["MinValue"], 1);
    }
    assert!(stage.get("RouteSettings").is_none(), "no route has other limits");
}

#[test]
fn concurrency_is_reserved_for_the_functions_of_the_api_alone() {
    assert_eq!(template()["Parameters"]["ApiConcurrency"]["Default"], 0);
    let reserved = json!(["ReservesConcurrency", "ApiConcurrency", "AWS::NoValue"]);
    for (bundle, function) in functions() {
        let own = function.properties.get("ReservedConcurrentExecutions");
        let serves_the_api = ["order-intake", "shop-api"].contains(&bundle.as_str());
        assert_eq!(own, serves_the_api.then_some(&reserved), "{bundle}");
    }
}
