//! The body of `POST /orders`, and the validated request that it becomes.

use orderflow_domain::text::check_line;
use orderflow_domain::{
    CustomerId, Email, LineError, MAX_LINES, PaymentToken, Phone, Quantity, Sku, merge_lines,
    requested_customer_id, requested_email, requested_phone,
};
use orderflow_http::{FieldErrors, Problem, ProblemKind};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// A new order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRequest, examples(json!({
    "customer_id": "C100",
    "email": "c100@example.com",
    "items": [{"sku": "TSHIRT-BLK-M", "quantity": 2}],
})))]
pub(crate) struct OrderBody {
    #[schema(schema_with = requested_customer_id)]
    customer_id: String,
    #[schema(schema_with = requested_email)]
    email: String,
    /// A telephone number with its country code. Spaces, dots, hyphens and parentheses are dropped.
    #[schema(schema_with = requested_phone)]
    phone: Option<String>,
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<ItemBody>,
    #[schema(value_type = Option<PaymentToken>)]
    payment_token: Option<String>,
}

/// A line of a new order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRequestItem)]
struct ItemBody {
    #[schema(value_type = Sku)]
    sku: String,
    #[schema(value_type = Quantity)]
    quantity: i64,
}

/// A validated request for an order, with one line for each sku.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderRequest {
    pub customer_id: CustomerId,
    pub email: Email,
    pub phone: Option<Phone>,
    pub payment_token: Option<PaymentToken>,
    pub lines: Vec<(Sku, Quantity)>,
}

impl OrderBody {
    /// Validates the body. A problem names every field that is not valid.
    pub(crate) fn parse(&self) -> Result<OrderRequest, Problem> {
        let mut errors = FieldErrors::default();
        let customer_id = errors.parse("customer_id", || CustomerId::parse(&self.customer_id));
        let email = errors.parse("email", || Email::parse(&self.email));
        let phone = self.phone.as_deref().map(|text| errors.parse("phone", || Phone::parse(text)));
        let token = self.payment_token.as_deref();
        let payment_token = token.map(|text| errors.parse("payment_token", || PaymentToken::parse(text)));
        let lines = self.parse_lines(&mut errors);
        let request = customer_id.zip(email).zip(lines).map(|((customer_id, email), lines)| OrderRequest {
            customer_id,
            email,
            phone: phone.flatten(),
            payment_token: payment_token.flatten(),
            lines,
        });
        let request = errors.into_result(request)?;
        // Orders of earlier versions have customers with other ids, which can still be read.
        check_line(request.customer_id.as_str()).map_err(|error| {
            Problem::refused_field(ProblemKind::TextNotSuitable, "customer_id", error.to_string())
        })?;
        let merged = merge_lines(&request.lines);
        let lines = merged.map_err(|error| {
            let field = match error {
                LineError::TooManyUnits { line } => format!("items[{line}].quantity"),
                LineError::None | LineError::TooMany => "items".to_owned(),
            };
            Problem::refused_field(ProblemKind::QuantityExceeded, field, error.to_string())
        })?;
        Ok(OrderRequest { lines, ..request })
    }

    fn parse_lines(&self, errors: &mut FieldErrors) -> Option<Vec<(Sku, Quantity)>> {
        let parsed: Vec<_> = self
            .items
            .iter()
            .enumerate()
            .map(|(line, item)| {
                let sku = errors.parse(format!("items[{line}].sku"), || Sku::parse(&item.sku));
                let quantity =
                    errors.parse(format!("items[{line}].quantity"), || Quantity::new(item.quantity));
                sku.zip(quantity)
            })
            .collect();
        let lines: Vec<_> = parsed.into_iter().collect::<Option<_>>()?;
        if !(1..=MAX_LINES).contains(&lines.len()) {
            errors.push("items", format!("must hold 1 to {MAX_LINES} lines"));
            return None;
        }
        Some(lines)
    }

    /// Returns the position of the first line with a sku.
    pub(crate) fn line_of(&self, sku: &Sku) -> usize {
        let has_sku = |item: &ItemBody| Sku::parse(&item.sku).as_ref() == Ok(sku);
        self.items.iter().position(has_sku).unwrap_or_default()
    }
}

impl OrderRequest {
    /// Returns a hash that is equal for requests with the same content, in whatever order their lines are. It is stored with the order, so
    /// that a later request under the same idempotency key can be compared with it. A hash, because the content includes a payment token.
    pub(crate) fn fingerprint(&self) -> String {
        let mut lines = self.lines.clone();
        lines.sort();
        let mut hash = Sha256::new();
        let mut field = |text: &str| {
            // The length keeps adjacent fields apart.
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        };
        field(self.customer_id.as_str());
        field(self.email.as_str());
        field(self.phone.as_ref().map_or("", Phone::as_str));
        field(self.payment_token.as_ref().map_or("", PaymentToken::as_str));
        for (sku, quantity) in &lines {
            field(sku.as_str());
            field(&quantity.to_string());
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(&str, i64)]) -> OrderRequest {
        OrderRequest {
            customer_id: CustomerId::parse("C1").unwrap(),
            email: Email::parse("c@example.com").unwrap(),
            phone: None,
            payment_token: None,
            lines: lines
                .iter()
                .map(|(sku, n)| (Sku::parse(sku).unwrap(), Quantity::new(*n).unwrap()))
                .collect(),
        }
    }

    #[test]
    fn a_fingerprint_depends_on_everything_but_the_order_of_the_lines() {
        let first = request(&[("A", 1), ("B", 2)]);
        assert_eq!(first.fingerprint(), request(&[("B", 2), ("A", 1)]).fingerprint());
        assert_ne!(first.fingerprint(), request(&[("A", 2), ("B", 1)]).fingerprint());
        let with_token =
            OrderRequest { payment_token: Some(PaymentToken::parse("tok").unwrap()), ..first.clone() };
        assert_ne!(first.fingerprint(), with_token.fingerprint());
    }
}
