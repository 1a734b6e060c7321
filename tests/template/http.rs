//! Routes of the HTTP API and their authorization.

use crate::reading::{resource, resources, template};

/// The routes without authorization: they change nothing and return no data of customers.
const OPEN: [&str; 6] = [
    "GET /api/v1/products",
    "GET /api/v1/products/{proxy+}",
    "GET /asyncapi.json",
    "GET /docs",
    "GET /health",
    "GET /openapi.json",
];

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
        assert_eq!(route["AuthorizationType"], serde_json::json!(["IsOpen", "NONE", "JWT"]), "{name}");
        assert_eq!(route["AuthorizerId"][2], "Authorizer", "{name}");
        assert_eq!(route["AuthorizationScopes"][2], serde_json::json!(["admin"]), "{name}");
    }
    open.sort();
    assert_eq!(open, OPEN);
}

#[test]
fn orders_health_and_documents_are_routed_to_order_intake_and_the_rest_to_shop_api() {
    for (name, route) in resources("AWS::ApiGatewayV2::Route") {
        let key = route["Properties"]["RouteKey"].as_str().unwrap();
        let shop = key.contains("/api/v1/") && !["/orders", "/cache/"].iter().any(|part| key.contains(part));
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
fn requests_are_throttled() {
    let (_, stage) = resource("AWS::ApiGatewayV2::Stage", "StageName", "$default");
    let limits = &stage["DefaultRouteSettings"];
    assert_eq!(limits["ThrottlingRateLimit"], 250, "requests a second");
    assert_eq!(limits["ThrottlingBurstLimit"], 500, "requests at once");
    assert!(stage.get("RouteSettings").is_none(), "no route has other limits");
}
