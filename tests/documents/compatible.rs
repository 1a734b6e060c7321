//! Events stay compatible with the last released version, whose AsyncAPI document is `released-asyncapi.json`.
//!
//! During an upgrade, old and new consumers read old and new events. So every field, limit and enum of the released schemas has to stay as it is, and
//! a new field has to be optional. A release copies `shared/documents/asyncapi.json` over the released document.

use std::collections::BTreeSet;

use orderflow_domain::Event;
use serde_json::{Map, Value, json};

const RELEASED: &str = include_str!("released-asyncapi.json");

/// The keywords that change no value's validity.
const ANNOTATIONS: [&str; 3] = ["description", "examples", "title"];

pub(crate) fn released() -> Value {
    serde_json::from_str(RELEASED).unwrap()
}

pub(crate) fn current() -> Value {
    serde_json::from_str(orderflow_documents::ASYNCAPI).unwrap()
}

/// Changes the schemas of a document.
type Edit<'a> = &'a dyn Fn(&mut Value);

/// Two documents that are compared.
struct Comparison<'a> {
    released: &'a Value,
    current: &'a Value,
    breaking: Vec<String>,
}

impl Comparison<'_> {
    /// Returns every breaking change as `event: field: what`.
    fn breaking_changes(released: &Value, current: &Value) -> Vec<String> {
        let mut comparison = Comparison { released, current, breaking: Vec::new() };
        for (event, message) in released["components"]["messages"].as_object().unwrap() {
            match current["components"]["messages"].get(event) {
                Some(now) => comparison.schemas(&format!("{event}: "), &message["payload"], &now["payload"]),
                None => comparison.breaking.push(format!("{event}: the event is gone")),
            }
        }
        comparison.breaking
    }

    fn schemas(&mut self, place: &str, released: &Value, current: &Value) {
        let (released, current) = (resolve(self.released, released), resolve(self.current, current));
        let keywords: BTreeSet<&String> = released.keys().chain(current.keys()).collect();
        for keyword in keywords.into_iter().filter(|keyword| !ANNOTATIONS.contains(&keyword.as_str())) {
            match (keyword.as_str(), released.get(keyword), current.get(keyword)) {
                ("properties", Some(then), Some(now)) => self.properties(place, then, now),
                ("items", Some(then), Some(now)) => self.schemas(&format!("{place}[]"), then, now),
                ("allOf" | "oneOf", Some(Value::Array(then)), Some(Value::Array(now)))
                    if then.len() == now.len() =>
                {
                    then.iter().zip(now).for_each(|(then, now)| self.schemas(place, then, now));
                }
                ("required", then, now) => self.required(place, then, now),
                // A reader that refused unknown fields and no longer does still reads everything that it read.
                ("additionalProperties", Some(Value::Bool(false)), None) => {}
                // The envelope lists the types of all events. A new one reaches only the consumers that subscribe to it.
                ("enum", Some(Value::Array(then)), Some(Value::Array(now)))
                    if place.ends_with(": .type ") && then.iter().all(|name| now.contains(name)) => {}
                (_, then, now) if then == now => {}
                _ => self.breaking.push(format!("{place}`{keyword}` changed")),
            }
        }
    }

    fn properties(&mut self, place: &str, released: &Value, current: &Value) {
        for (field, schema) in released.as_object().unwrap() {
            let place = format!("{place}.{field} ");
            match current.get(field) {
                Some(now) => self.schemas(&place, schema, now),
                None => self.breaking.push(format!("{place}is gone")),
            }
        }
    }

    fn required(&mut self, place: &str, released: Option<&Value>, current: Option<&Value>) {
        let fields = |list: Option<&Value>| -> BTreeSet<String> {
            let names = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        let (then, now) = (fields(released), fields(current));
        for field in then.difference(&now) {
            self.breaking
                .push(format!("{place}.{field} is no longer required; consumers of the release need it"));
        }
        for field in now.difference(&then) {
            self.breaking.push(format!("{place}.{field} is required; events of the release lack it"));
        }
    }
}

/// Returns the schema that a reference points at, merged with the keywords beside the reference.
fn resolve(document: &Value, schema: &Value) -> Map<String, Value> {
    let mut keywords = schema.as_object().unwrap().clone();
    if let Some(Value::String(reference)) = keywords.remove("$ref") {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        keywords.extend(resolve(document, target));
    }
    keywords
}

fn examples(document: &Value) -> Vec<&Value> {
    let messages = document["components"]["messages"].as_object().unwrap().values();
    messages
        .flat_map(|message| message["examples"].as_array().unwrap())
        .map(|example| &example["payload"])
        .collect()
}

/// Adds a field to every object of an event, except the variables of a message, whose names are the shop's own.
pub(crate) fn extend(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let nested = fields.iter_mut().filter(|(name, _)| *name != "variables");
            nested.for_each(|(_, value)| extend(value));
            fields.insert("field_of_a_later_version".to_owned(), json!({"any": ["thing", 1]}));
        }
        Value::Array(list) => list.iter_mut().for_each(extend),
        _ => {}
    }
}

#[test]
fn events_are_compatible_with_the_last_release() {
    let breaking = Comparison::breaking_changes(&released(), &current());
    assert!(breaking.is_empty(), "breaking changes of events:\n{}", breaking.join("\n"));
}

#[test]
fn events_of_the_last_release_are_read() {
    let document = released();
    for event in examples(&document) {
        Event::from_json(&event.to_string()).unwrap_or_else(|error| panic!("{error}: {event}"));
    }
}

#[test]
fn events_with_fields_of_a_later_version_are_read() {
    let document = current();
    for event in examples(&document) {
        let mut extended = event.clone();
        extend(&mut extended);
        assert_ne!(&extended, event);
        let read =
            Event::from_json(&extended.to_string()).unwrap_or_else(|error| panic!("{error}: {extended}"));
        assert_eq!(read, Event::from_json(&event.to_string()).unwrap());
    }
}

#[test]
fn a_breaking_change_names_the_event_and_the_field() {
    let change = |edit: Edit<'_>| {
        let mut changed = current();
        edit(&mut changed["components"]["schemas"]);
        Comparison::breaking_changes(&current(), &changed)
    };
    let placed = "/OrderPlaced/properties";
    let cases: [(&str, Edit<'_>); 5] = [
        ("order.placed: .data .phone is gone", &|schemas| {
            schemas.pointer_mut(placed).unwrap().as_object_mut().unwrap().remove("phone");
        }),
        ("order.placed: .data .email is no longer required", &|schemas| {
            schemas["OrderPlaced"]["required"].as_array_mut().unwrap().retain(|field| field != "email");
        }),
        ("order.placed: .data .gift is required", &|schemas| {
            schemas["OrderPlaced"]["properties"]["gift"] = json!({"type": "boolean"});
            schemas["OrderPlaced"]["required"].as_array_mut().unwrap().push(json!("gift"));
        }),
        ("order.placed: .data .total .amount `type` changed", &|schemas| {
            schemas["Money"]["properties"]["amount"]["type"] = json!("string");
        }),
        ("order.placed: .data .items []", &|schemas| {
            schemas["OrderLine"]["properties"]["name"]["maxLength"] = json!(3);
        }),
    ];
    for (expected, edit) in cases {
        let breaking = change(edit);
        assert!(breaking.iter().any(|change| change.starts_with(expected)), "{expected}: {breaking:?}");
    }
    let compatible = change(&|schemas| {
        schemas["OrderPlaced"]["properties"]["gift"] = json!({"type": "boolean"});
        schemas["OrderPlaced"]["description"] = json!("Other words.");
    });
    assert!(compatible.is_empty(), "{compatible:?}");
}
