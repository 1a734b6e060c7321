//! How an order is shown.

use orderflow_domain::Money;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::ClientError;
use crate::client::http::ApiResponse;
use crate::client::output::{Table, printable};
use crate::client::session::{Format, Session};

/// The fields of an order that are shown. The status is text, since a newer server may have others.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OrderView {
    pub(crate) id: String,
    pub(crate) customer_id: String,
    pub(crate) email: String,
    pub(crate) phone: Option<String>,
    pub(crate) items: Vec<LineView>,
    pub(crate) total: Money,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// One line of an order.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LineView {
    sku: String,
    name: String,
    quantity: i64,
    unit_price: i64,
}

impl OrderView {
    /// Returns whether the status is final.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "confirmed" | "rejected" | "cancelled")
    }

    /// Returns the status with its reason.
    pub(crate) fn status_with_reason(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{} ({reason})", self.status),
            None => self.status.clone(),
        }
    }

    /// Returns the lines as the templates of messages have them: each with the price of the line.
    pub(crate) fn items_in_messages(&self) -> Vec<Value> {
        let lines = self.items.iter().map(|line| {
            let amount = line.unit_price.saturating_mul(line.quantity);
            let price = Money { amount, currency: self.total.currency.clone() };
            json!({"sku": line.sku, "name": line.name, "quantity": line.quantity, "price": price.to_string()})
        });
        lines.collect()
    }

    fn facts(&self) -> [(&'static str, String); 8] {
        [
            ("order", self.id.clone()),
            ("status", self.status_with_reason()),
            ("total", self.total.to_string()),
            ("customer", self.customer_id.clone()),
            ("email", self.email.clone()),
            ("phone", self.phone.clone().unwrap_or_default()),
            ("placed", self.created_at.clone()),
            ("changed", self.updated_at.clone()),
        ]
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let price = |amount| Money { amount, currency: self.total.currency.clone() };
        let lines = self.items.iter().map(|line| {
            vec![
                line.sku.clone(),
                line.quantity.to_string(),
                price(line.unit_price).to_string(),
                line.name.clone(),
            ]
        });
        lines.collect()
    }
}

/// Shows a response that is an order.
///
/// # Errors
/// If the response is not an order.
pub(crate) fn show(session: &mut Session<'_>, response: &ApiResponse) -> Result<(), ClientError> {
    let order: OrderView = response.decode()?;
    if session.format == Format::Json {
        return session.write_json(&response.body);
    }
    let facts = order.facts().into_iter();
    for (name, value) in facts.filter(|(_, value)| !value.is_empty()) {
        let line = format!("{name:8}  {}", printable(&value));
        session.output.line(line)?;
    }
    session.output.line("")?;
    Table::new(&["SKU", "QUANTITY", "UNIT PRICE", "NAME"]).write(order.rows(), session.output)?;
    Ok(())
}
