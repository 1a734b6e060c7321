//! The Postman collection, in format 2.1.

use serde_json::{Value, json};

use super::sample::{Parameter, Request, Sample, variables};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// The script after an order was placed: the other requests are about that order.
const REMEMBERS_ORDER: &str =
    "if (pm.response.code === 202) pm.collectionVariables.set('order_id', pm.response.json().id);";

/// Returns the collection, with a folder for each tag.
pub(super) fn collection(samples: &[Sample]) -> Value {
    let own = [
        ("base_url".to_owned(), "http://127.0.0.1:8080".to_owned()),
        ("token".to_owned(), "none".to_owned()),
    ];
    let of_paths = variables(samples).into_iter().map(|variable| (variable.name, variable.value));
    let variables: Vec<Value> =
        own.into_iter().chain(of_paths).map(|(key, value)| json!({"key": key, "value": value})).collect();
    let folders = samples.chunk_by(|one, next| one.tag == next.tag);
    let folder = |samples: &[Sample]| json!({"name": samples[0].tag, "item": samples.iter().map(item).collect::<Vec<_>>()});
    json!({
        "info": {
            "name": "Orderflow",
            "description": "Generated from shared/documents/openapi.json. A system without authentication ignores the token.",
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": variables,
        "item": folders.map(folder).collect::<Vec<_>>(),
    })
}

fn item(sample: &Sample) -> Value {
    let mut request = json!({"method": sample.method, "header": headers(sample), "url": url(sample)});
    if !sample.takes_token {
        request["auth"] = json!({"type": "noauth"});
    }
    if let Some(body) = &sample.body {
        let text = serde_json::to_string_pretty(body).unwrap();
        request["body"] = json!({"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}});
    }
    let mut item = json!({"name": sample.summary, "request": request});
    if sample.operation == "placeOrder" {
        item["event"] =
            json!([{"listen": "test", "script": {"type": "text/javascript", "exec": [REMEMBERS_ORDER]}}]);
    }
    item
}

fn headers(sample: &Sample) -> Vec<Value> {
    let media_type = json!({"key": "Content-Type", "value": "application/json"});
    let media_type = sample.changes_something().then_some(media_type);
    media_type.into_iter().chain(sample.headers.iter().map(entry)).collect()
}

fn url(sample: &Sample) -> Value {
    json!({
        "raw": format!("{{{{base_url}}}}{}", sample.path),
        "host": ["{{base_url}}"],
        "path": sample.path.trim_start_matches('/').split('/').collect::<Vec<_>>(),
        "query": sample.query.iter().map(entry).collect::<Vec<_>>(),
    })
}

/// Returns a parameter, switched off unless it is required.
fn entry(parameter: &Parameter) -> Value {
    let Parameter { name, value, description, is_required } = parameter;
    json!({"key": name, "value": value, "description": description, "disabled": !is_required})
}

/// Reads the requests of the collection, with the values of its variables.
pub(super) fn read(collection: &Value) -> Vec<Request> {
    let fill = |text: &str| {
        let variables = collection["variable"].as_array().unwrap().iter();
        variables.fold(text.to_owned(), |text, variable| {
            let (name, value) = (variable["key"].as_str().unwrap(), variable["value"].as_str().unwrap());
            text.replace(&format!("{{{{{name}}}}}"), if name == "base_url" { "" } else { value })
        })
    };
    let folders = collection["item"].as_array().unwrap().iter();
    let items = folders.flat_map(|folder| folder["item"].as_array().unwrap());
    items.map(|item| read_request(&item["request"], fill)).collect()
}

fn read_request(request: &Value, fill: impl Fn(&str) -> String) -> Request {
    let sent = |list: &str| {
        let entries = request.pointer(list).and_then(Value::as_array).unwrap().iter();
        let sent = entries.filter(|entry| entry["disabled"] != true);
        let pair = |entry: &Value| {
            (entry["key"].as_str().unwrap().to_owned(), fill(entry["value"].as_str().unwrap()))
        };
        sent.map(pair).collect::<Vec<_>>()
    };
    let query: Vec<String> =
        sent("/url/query").into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let path: Vec<&str> =
        request["url"]["path"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let path = fill(&format!("/{}", path.join("/")));
    Request {
        method: request["method"].as_str().unwrap().to_owned(),
        path: if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) },
        headers: sent("/header"),
        body: request["body"]["raw"].as_str().unwrap_or_default().to_owned(),
    }
}
