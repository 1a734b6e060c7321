//! Calls through API Gateway, with the payload format 2.0 of HTTP APIs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderflow_testing::rie::RuntimeEmulator;
use serde_json::{Value, json};

/// An HTTP response, read from a function's result as API Gateway does.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u64,
    pub headers: Value,
    pub body: Value,
}

/// A bundle behind API Gateway.
pub(crate) struct Api(pub RuntimeEmulator);

impl Api {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.invoke(request("GET", path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.invoke(request("DELETE", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, "application/json", &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, "application/json", &body.to_string()).await
    }

    pub(crate) async fn post_text(&self, path: &str, content_type: &str, text: &str) -> Answer {
        self.send("POST", path, content_type, text).await
    }

    async fn send(&self, method: &str, path: &str, content_type: &str, text: &str) -> Answer {
        let mut event = request(method, path);
        event["headers"]["content-type"] = json!(content_type);
        event["body"] = json!(text);
        self.invoke(event).await
    }

    /// Posts a body in base64, as API Gateway sends a body that it does not treat as text.
    pub(crate) async fn post_in_base64(&self, path: &str, body: &Value) -> Answer {
        let mut event = request("POST", path);
        event["headers"]["content-type"] = json!("application/json");
        event["body"] = json!(STANDARD.encode(body.to_string()));
        event["isBase64Encoded"] = json!(true);
        self.invoke(event).await
    }

    async fn invoke(&self, event: Value) -> Answer {
        let answer = self.0.invoke(&event).await.unwrap();
        let text = answer["body"].as_str().unwrap_or_default();
        let body = match answer["isBase64Encoded"].as_bool() {
            Some(true) => STANDARD.decode(text).unwrap(),
            _ => text.as_bytes().to_vec(),
        };
        let status =
            answer["statusCode"].as_u64().unwrap_or_else(|| panic!("not an HTTP response: {answer}"));
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Answer { status, headers: answer["headers"].clone(), body }
    }
}

impl Answer {
    /// Returns the body of the response. Fails unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u64) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

fn request(method: &str, path: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "accept": "*/*",
            "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-67a1b2c3-0123456789abcdef01234567",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "curl/8.5.0"
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "20/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_176_000_000_i64
        },
        "isBase64Encoded": false
    })
}
