//! JSON Schemas of the domain's values, for the OpenAPI and AsyncAPI documents.

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::text::TEXT_PATTERN;
use crate::{
    Currency, CustomerId, Email, Event, EventType, MAX_QUANTITY, OrderId, OrderStatus, PaymentToken, Phone,
    Quantity, SPEC_VERSION, Sku, Timestamp,
};

/// Implements `ToSchema` for a type with the schema that an [`ObjectBuilder`] builds.
macro_rules! schema {
    ($type:ty, $object:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let object: Object = $object.build();
                object.into()
            }
        }

        impl ToSchema for $type {}
    };
}

/// The addresses that [`Email::parse`] accepts, of any length: at most 64 characters before the `@`, where a dot stands between two others.
const EMAIL_PATTERN: &str = concat!(
    r"^(?!.{65,}@)(?!\.)(?!.*\.\.)(?!.*\.@)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+",
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
);

/// What [`Phone::parse`] accepts: 7 to 15 digits. A number with `(0)` has one digit more, since `(0)` is no part of the number.
const WRITTEN_PHONE_PATTERN: &str =
    r"^[ .()-]*\+[ .()-]*[1-9](?:(?!.*\(0\))(?:[ .()-]*[0-9]){6}|(?:[ .()-]*[0-9]){7,14})[ .()-]*$";

fn text(description: &str, example: &str) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    text.description(Some(description)).examples([example])
}

/// Returns the schema of a text that people see, of at most `max` characters.
pub fn text_schema(max: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .pattern(Some(TEXT_PATTERN))
        .min_length(Some(1))
        .max_length(Some(max))
}

/// Returns the schema of a customer's id in a request. Events of earlier versions may have others, so the schema of [`CustomerId`] is wider.
pub fn requested_customer_id() -> ObjectBuilder {
    let description = "The shop's id of a customer.";
    text_schema(CustomerId::MAX_LENGTH).description(Some(description)).examples(["C100"])
}

/// Returns the schema of an e-mail address in a request. Events of earlier versions may have others, so the schema of [`Email`] is wider.
pub fn requested_email() -> ObjectBuilder {
    formatted(KnownFormat::Email, "An e-mail address.", "c100@example.com")
        .pattern(Some(EMAIL_PATTERN))
        .max_length(Some(254))
}

/// Returns the schema of a telephone number as people write it. [`Phone`] has the normalised number.
pub fn requested_phone() -> ObjectBuilder {
    let description =
        "A telephone number with its country code. Spaces, dots, hyphens and parentheses are dropped.";
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(description))
        .pattern(Some(WRITTEN_PHONE_PATTERN))
        .max_length(Some(64))
        .examples(["+49 30 1234567"])
}

fn formatted(format: KnownFormat, description: &str, example: &str) -> ObjectBuilder {
    text(description, example).format(Some(SchemaFormat::KnownFormat(format)))
}

schema!(
    Sku,
    text("A stock keeping unit. Upper case in answers, any case in requests.", "TSHIRT-BLK-M")
        .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))
);
schema!(CustomerId, text("The shop's id of a customer.", "C100").min_length(Some(1)).max_length(Some(64)));
schema!(
    OrderId,
    formatted(
        KnownFormat::Uuid,
        "An order's id: UUIDv7, or UUIDv5 of customer and Idempotency-Key.",
        "0190163d-8694-739b-aea5-966c26f8ad91"
    )
);
schema!(Email, formatted(KnownFormat::Email, "An e-mail address.", "c100@example.com").max_length(Some(254)));
schema!(
    Phone,
    text("A telephone number with its country code (E.164).", "+49301234567")
        .pattern(Some("^\\+[1-9][0-9]{6,14}$"))
);
schema!(
    PaymentToken,
    text("The payment provider's token for the customer's payment method.", "tok_visa")
        .pattern(Some("^[!-~]{1,255}$"))
);
schema!(
    Currency,
    text("An ISO 4217 code. Upper case in answers, any case in requests.", "USD")
        .pattern(Some("^[A-Za-z]{3}$"))
);
schema!(
    Timestamp,
    formatted(KnownFormat::DateTime, "RFC 3339 in UTC, to the millisecond.", "2026-01-31T12:00:00.000Z")
);
schema!(
    Quantity,
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .description(Some("Units of one sku on one line."))
        .minimum(Some(1))
        .maximum(Some(MAX_QUANTITY))
        .examples([2])
);
schema!(
    OrderStatus,
    text("`confirmed`, `rejected` and `cancelled` are final.", "confirmed")
        .enum_values(Some(OrderStatus::NAMES))
);
schema!(
    EventType,
    text("The type of an event.", EventType::OrderPlaced.as_str())
        .enum_values(Some(EventType::ALL.iter().map(|event_type| event_type.as_str())))
);

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        let types = EventType::ALL.iter().map(|event_type| event_type.as_str());
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let uuid = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let resend = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(u32::MAX));
        ObjectBuilder::new()
            .description(Some(
                "An event: CloudEvents 1.0 JSON. `/asyncapi.json` describes the data of each type.",
            ))
            .property("specversion", text().enum_values(Some([SPEC_VERSION])))
            .required("specversion")
            .property("id", uuid)
            .required("id")
            .property("type", text().enum_values(Some(types)))
            .required("type")
            .property("time", Timestamp::schema())
            .required("time")
            .property("source", text())
            .property("subject", text())
            .property("datacontenttype", text())
            .property("traceparent", text())
            .property("resend", resend)
            .property("data", ObjectBuilder::new().schema_type(Type::Object))
            .required("data")
            .into()
    }
}

impl ToSchema for Event {}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;
    use crate::DataSchema;

    fn example_parses<T: ToSchema + DeserializeOwned>() {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let example: Value = schema["examples"][0].clone();
        assert!(serde_json::from_value::<T>(example).is_ok(), "{schema}");
    }

    #[test]
    fn every_example_parses_as_its_type() {
        example_parses::<Sku>();
        example_parses::<CustomerId>();
        example_parses::<OrderId>();
        example_parses::<Email>();
        example_parses::<Phone>();
        example_parses::<PaymentToken>();
        example_parses::<Currency>();
        example_parses::<Timestamp>();
        example_parses::<Quantity>();
    }

    #[test]
    fn the_schema_of_every_event_includes_the_schemas_it_refers_to() {
        for event_type in EventType::ALL {
            let DataSchema { name, schema, parts } = event_type.data_schema();
            let text = serde_json::to_string(&(schema, &parts)).unwrap();
            assert!(!name.is_empty() && !event_type.description().is_empty());
            for reference in text.split("#/components/schemas/").skip(1) {
                let referred = reference.split('"').next().unwrap();
                assert!(parts.iter().any(|(part, _)| part == referred), "{event_type}: {referred}");
            }
        }
    }
}
