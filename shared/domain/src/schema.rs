//! JSON Schemas of the domain's values, for the OpenAPI and AsyncAPI documents.

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    Currency, CustomerId, Email, EventType, MAX_QUANTITY, OrderId, OrderStatus, PaymentToken, Phone,
    Quantity, Sku, Timestamp,
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

fn text(description: &str, example: &str) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    text.description(Some(description)).examples([example])
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
