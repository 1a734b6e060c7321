//! The body of `POST /orders`, parsed.

use orderflow_domain::{CustomerId, Email, LineError, PaymentToken, Phone, Quantity, Sku, merge_lines};
use orderflow_http::{FieldErrors, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::fingerprint::Request;

/// An order to be placed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRequest, examples(json!({
    "customer_id": "C100",
    "email": "c100@example.com",
    "items": [{"sku": "TSHIRT-BLK-M", "quantity": 2}],
})))]
pub(crate) struct OrderBody {
    #[schema(value_type = CustomerId)]
    customer_id: String,
    #[schema(value_type = Email)]
    email: String,
    /// With its country code; spaces, dots, hyphens and parentheses are dropped.
    #[schema(pattern = "^[ .()-]*\\+[0-9 .()-]{7,}$", examples("+49 30 1234567"))]
    phone: Option<String>,
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<ItemBody>,
    #[schema(value_type = Option<PaymentToken>)]
    payment_token: Option<String>,
}

/// A line of an order to be placed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRequestItem)]
struct ItemBody {
    #[schema(value_type = Sku)]
    sku: String,
    #[schema(value_type = Quantity)]
    quantity: i64,
}

impl OrderBody {
    /// The request that the body makes, or everything that is wrong with it.
    pub(crate) fn parse(&self) -> Result<Request, Problem> {
        let mut errors = FieldErrors::default();
        let customer_id = errors.parse("customer_id", || CustomerId::parse(&self.customer_id));
        let email = errors.parse("email", || Email::parse(&self.email));
        let phone = self.phone.as_deref().map(|text| errors.parse("phone", || Phone::parse(text)));
        let token = self.payment_token.as_deref();
        let payment_token = token.map(|text| errors.parse("payment_token", || PaymentToken::parse(text)));
        let lines = self.parse_lines(&mut errors);
        let request = customer_id.zip(email).zip(lines).map(|((customer_id, email), lines)| Request {
            customer_id,
            email,
            phone: phone.flatten(),
            payment_token: payment_token.flatten(),
            lines,
        });
        errors.into_result(request)
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
        match merge_lines(&lines) {
            Ok(lines) => Some(lines),
            Err(error) => {
                let field = match error {
                    LineError::TooManyUnits { line } => format!("items[{line}].quantity"),
                    LineError::None | LineError::TooMany => "items".to_owned(),
                };
                errors.push(field, error.to_string());
                None
            }
        }
    }

    /// The first line that names a sku.
    pub(crate) fn line_of(&self, sku: &Sku) -> usize {
        let names = |item: &ItemBody| Sku::parse(&item.sku).as_ref() == Ok(sku);
        self.items.iter().position(names).unwrap_or_default()
    }
}
