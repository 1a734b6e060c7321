//! The documents are valid.

use std::collections::BTreeSet;

use jsonschema::draft202012;
use orderflow_bridge::rabbitmq;
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_tests::described::operations;
use serde_json::{Value, json};

/// The OpenAPI Initiative's schema of OpenAPI 3.1 (2022-10-07).
const OPENAPI_SCHEMA: &str = include_str!("openapi-3.1.schema.json");

fn openapi() -> Value {
    serde_json::from_str(orderflow_documents::OPENAPI).unwrap()
}

fn asyncapi() -> Value {
    serde_json::from_str(orderflow_documents::ASYNCAPI).unwrap()
}

/// Returns all values in a document, at any depth.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(map) => map.values().for_each(|inner| walk(inner, visit)),
        Value::Array(list) => list.iter().for_each(|inner| walk(inner, visit)),
        _ => {}
    }
}

fn assert_valid(schema: &Value, components: &Value, value: &Value) {
    let schema = json!({"components": components, "allOf": [schema]});
    if let Err(error) = draft202012::validate(&schema, value) {
        panic!("{error} at {}: {value}", error.instance_path());
    }
}

#[test]
fn openapi_is_valid() {
    let schema: Value = serde_json::from_str(OPENAPI_SCHEMA).unwrap();
    let validator = draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&openapi())
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(!validator.is_valid(&json!({"openapi": "3.1.0"})));
}

#[test]
fn every_reference_resolves() {
    for document in [openapi(), asyncapi()] {
        let mut references = 0;
        walk(&document, &mut |value| {
            let Some(reference) = value["$ref"].as_str() else { return };
            references += 1;
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        });
        assert!(references > 20);
    }
}

#[test]
fn every_operation_has_a_unique_id_a_summary_and_a_described_tag() {
    let document = openapi();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations() {
        assert!(names.insert(operation.id().to_owned()), "{method} {path}: {:?}", operation.id());
        let described = &document["paths"][path][method];
        assert!(described["summary"].is_string(), "{method} {path}");
        assert!(tags.contains(described["tags"][0].as_str().unwrap()), "{method} {path}");
    }
}

#[test]
fn every_example_is_valid() {
    let document = openapi();
    let components = &document["components"];
    let mut examples = 0;
    walk(&document, &mut |value| {
        for example in
            value["examples"].as_array().into_iter().flatten().filter(|_| value["type"].is_string())
        {
            assert_valid(value, components, example);
            examples += 1;
        }
        for example in value["examples"].as_object().into_iter().flatten() {
            assert_valid(&value["schema"], components, &example.1["value"]);
            examples += 1;
        }
    });
    assert!(examples > 30, "{examples}");
}

#[test]
fn every_event_of_the_examples_and_samples_is_described() {
    let document = asyncapi();
    let mut seen = BTreeSet::new();
    let mut check = |event: &Value| {
        let name = event["type"].as_str().unwrap();
        let message = &document["components"]["messages"][name];
        assert_valid(&message["payload"], &document["components"], event);
        let other = json!({"type": "order.lost"});
        assert!(
            draft202012::validate(
                &json!({"components": document["components"], "allOf": [message["payload"]]}),
                &other
            )
            .is_err()
        );
        seen.insert(name.to_owned());
    };
    for message in document["components"]["messages"].as_object().unwrap().values() {
        check(&message["examples"][0]["payload"]);
    }
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../events")).unwrap() {
        let sample: Value =
            serde_json::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
        walk(&sample, &mut |value| {
            let Some(body) = value["body"].as_str().filter(|_| value["messageId"].is_string()) else {
                return;
            };
            check(&serde_json::from_str(body).unwrap());
        });
    }
    assert_eq!(seen.len(), document["components"]["messages"].as_object().unwrap().len());
}

#[test]
fn the_channels_are_the_exchange_and_the_queues() {
    let document = asyncapi();
    assert_eq!(document["channels"]["events"]["address"], rabbitmq::EXCHANGE);
    for subscription in SUBSCRIPTIONS {
        let channel = &document["channels"][subscription.consumer];
        assert_eq!(channel["address"], rabbitmq::queue(subscription.consumer));
        let told: BTreeSet<&str> =
            channel["messages"].as_object().unwrap().keys().map(String::as_str).collect();
        let types: BTreeSet<&str> = subscription.types.iter().map(|event_type| event_type.as_str()).collect();
        assert_eq!(told, types, "{}", subscription.consumer);
    }
}
