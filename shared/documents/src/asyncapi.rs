//! Generates the AsyncAPI document of the events.

use orderflow_domain::{EventType, SPEC_VERSION};
use orderflow_messaging::{SUBSCRIPTIONS, Subscription};
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use crate::examples::example;

/// The content type of events (CloudEvents 1.0, structured mode).
const CONTENT_TYPE: &str = "application/cloudevents+json";

const DESCRIPTION: &str = "What the services tell each other. Each event is a CloudEvents 1.0 envelope; its id is the same for the same \
                           cause, and it may come more than once, late, or in the wrong order.

On RabbitMQ the exchange `orderflow.events` has the type as routing key, and `orderflow.<consumer>` is the queue of a consumer. On AWS the topic \
                           `orderflow-events` has it as the attribute `type`, and the queue is `orderflow-<consumer>`.";

/// Generates the AsyncAPI 3.0 document: every event, the service that publishes it, and the consumers that receive it.
pub fn asyncapi() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {"title": "Orderflow", "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION},
        "defaultContentType": CONTENT_TYPE,
        "channels": channels(),
        "operations": operations(),
        "components": {"messages": messages(), "schemas": schemas()},
    })
}

fn object<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map<_, _>>().into()
}

fn messages_by_name(types: &[EventType], prefix: &str) -> Value {
    object(types.iter().map(|event_type| {
        let name = event_type.as_str();
        (name, json!({"$ref": format!("{prefix}{name}")}))
    }))
}

/// Returns the exchange or topic of all events, and the queue of each consumer.
fn channels() -> Value {
    let events = json!({
        "address": "orderflow.events",
        "messages": messages_by_name(EventType::ALL, "#/components/messages/"),
        "bindings": {"amqp": {
            "is": "routingKey",
            "exchange": {"name": "orderflow.events", "type": "topic", "durable": true, "autoDelete": false},
        }},
    });
    let queues = SUBSCRIPTIONS.iter().map(|Subscription { consumer, types }| {
        let queue = format!("orderflow.{consumer}");
        let channel = json!({
            "address": queue,
            "messages": messages_by_name(types, "#/components/messages/"),
            "bindings": {"amqp": {
                "is": "queue",
                "queue": {"name": queue, "durable": true, "exclusive": false, "autoDelete": false},
            }},
        });
        (*consumer, channel)
    });
    object(std::iter::once(("events", events)).chain(queues))
}

/// Returns the events that each service publishes and each consumer receives.
fn operations() -> Value {
    let mut sources: Vec<&str> = EventType::ALL.iter().map(|event_type| event_type.source()).collect();
    sources.sort_unstable();
    sources.dedup();
    let sent = sources.into_iter().map(|source| {
        let types: Vec<_> = EventType::ALL.iter().copied().filter(|known| known.source() == source).collect();
        let service = source.rsplit('/').next().unwrap_or(source);
        (format!("{service}.send"), operation("send", "events", &types))
    });
    let received = SUBSCRIPTIONS.iter().map(|Subscription { consumer, types }| {
        (format!("{consumer}.receive"), operation("receive", consumer, types))
    });
    object(sent.chain(received))
}

fn operation(action: &str, channel: &str, types: &[EventType]) -> Value {
    let reference =
        |event_type: &EventType| json!({"$ref": format!("#/channels/{channel}/messages/{event_type}")});
    let messages: Vec<Value> = types.iter().map(reference).collect();
    json!({"action": action, "channel": {"$ref": format!("#/channels/{channel}")}, "messages": messages})
}

fn messages() -> Value {
    object(EventType::ALL.iter().map(|event_type| (event_type.as_str(), message(*event_type))))
}

fn message(event_type: EventType) -> Value {
    let data = event_type.data_schema().name;
    let told: Value = serde_json::from_str(&example(event_type).to_json()).expect("events are JSON");
    json!({
        "name": event_type.as_str(),
        "summary": event_type.description(),
        "contentType": CONTENT_TYPE,
        "payload": {"allOf": [
            {"$ref": "#/components/schemas/Envelope"},
            {"type": "object", "properties": {
                "type": {"const": event_type.as_str()},
                "source": {"const": event_type.source()},
                "data": {"$ref": format!("#/components/schemas/{data}")},
            }},
        ]},
        "examples": [{"payload": told}],
    })
}

fn schemas() -> Value {
    let mut schemas = Map::from_iter([("Envelope".to_owned(), envelope())]);
    for data in EventType::ALL.iter().map(|event_type| event_type.data_schema()) {
        for (name, schema) in data.parts.into_iter().chain([(data.name, data.schema)]) {
            schemas.insert(name, json!(schema));
        }
    }
    schemas.into()
}

/// Returns the schema of the envelope, as `Event` writes it.
fn envelope() -> Value {
    json!({
        "type": "object",
        "description": "A CloudEvents 1.0 envelope.",
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": SPEC_VERSION},
            "id": {"type": "string", "format": "uuid", "description": "The id of the event. An event that is published again has the same id."},
            "source": {"type": "string", "format": "uri-reference", "description": "The service that published the event."},
            "type": EventType::schema(),
            "subject": {"type": "string", "description": "The subject of the event: an order's id or a SKU."},
            "time": {"type": "string", "format": "date-time", "description": "When the change happened."},
            "datacontenttype": {"const": "application/json"},
            "traceparent": {"type": "string", "description": "The trace of the event (W3C Trace Context)."},
            "resend": {"type": "integer", "minimum": 1, "description": "The number of the resend, if the event of a stuck order was published again."},
            "data": {"type": "object"},
        },
    })
}

#[cfg(test)]
mod tests {
    use orderflow_domain::Event;

    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        if let Some(reference) = value["$ref"].as_str() {
            found.push(reference.trim_start_matches('#').to_owned());
        }
        let inner: Vec<&Value> = match value {
            Value::Object(map) => map.values().collect(),
            Value::Array(list) => list.iter().collect(),
            _ => Vec::new(),
        };
        inner.into_iter().for_each(|value| references(value, found));
    }

    #[test]
    fn every_reference_resolves() {
        let document = asyncapi();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > EventType::ALL.len() * 3, "{found:?}");
        for reference in found {
            assert!(document.pointer(&reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_event_type_has_a_valid_example() {
        let document = asyncapi();
        for event_type in EventType::ALL {
            let payload = &document["components"]["messages"][event_type.as_str()]["examples"][0]["payload"];
            let event = Event::from_json(&payload.to_string()).unwrap();
            assert_eq!(event.event_type(), *event_type);
        }
    }
}
