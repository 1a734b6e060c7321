//! `GET /customers/{id}`.

use std::collections::HashMap;

use orderflow_domain::CustomerId;
use orderflow_http::{PageCursor, Problem};
use orderflow_notifications::PersonalNotification;
use orderflow_orders::PersonalOrder;
use orderflow_store::StoreError;
use serde_json::Value;

use super::position::Step;
use super::{Customers, Export, OrderPage};

/// The name of the call in its cursors.
const KIND: &str = "export";

impl Customers {
    /// Returns one page of an export.
    pub(super) async fn export(&self, customer: CustomerId, cursor: &PageCursor) -> Result<Export, Problem> {
        let step = cursor.position(|text| Step::parse(text, KIND, &customer))?;
        let step = step.unwrap_or(Step::Orders { after: None });
        let (orders, notifications, next) =
            self.export_step(&customer, step).await.map_err(Problem::unavailable)?;
        let next_cursor = next.map(|step| step.cursor(KIND, &customer));
        Ok(Export { customer_id: customer, orders, notifications, next_cursor })
    }

    async fn export_step(
        &self,
        customer: &CustomerId,
        step: Step,
    ) -> Result<(Vec<Value>, Vec<Value>, Option<Step>), StoreError> {
        match step {
            Step::Requests { after, from } => {
                let page = self.page(customer, after).await?;
                let (found, next) = self.requests(customer, &page.last_seen, from).await?;
                let next = match next {
                    Some(key) => Some(Step::Requests { after, from: Some(key) }),
                    None => page.next.map(|after| Step::Orders { after: Some(after) }),
                };
                Ok((Vec::new(), json_of(&found)?, next))
            }
            Step::Orders { after } => {
                let page = self.page(customer, after).await?;
                let next = match &page {
                    OrderPage { last_seen, .. } if !last_seen.is_empty() => {
                        Some(Step::Requests { after, from: None })
                    }
                    OrderPage { next, .. } => next.map(|after| Step::Orders { after: Some(after) }),
                };
                Ok((self.export_orders(&page.orders).await?, Vec::new(), next))
            }
            // The steps of forgetting are in no cursor of an export.
            Step::Check { .. } | Step::Messages { .. } | Step::Recheck { .. } | Step::Erase { .. } => {
                Ok((Vec::new(), Vec::new(), None))
            }
        }
    }

    async fn export_orders(&self, orders: &[PersonalOrder]) -> Result<Vec<Value>, StoreError> {
        let ids: Vec<_> = orders.iter().map(PersonalOrder::id).collect();
        let mut payment_of: HashMap<_, _> = self.payments.of_orders(&ids).await?.into_iter().collect();
        let mut exported = Vec::with_capacity(orders.len());
        for order in orders {
            let mut json = order.to_json()?;
            json.insert("payment".to_owned(), payment_of.remove(&order.id()).unwrap_or_default());
            let notifications = self.notifications.of_order(order.id()).await?;
            json.insert("notifications".to_owned(), Value::Array(json_of(&notifications)?));
            exported.push(Value::Object(json));
        }
        Ok(exported)
    }
}

fn json_of(notifications: &[PersonalNotification]) -> Result<Vec<Value>, StoreError> {
    notifications.iter().map(PersonalNotification::to_json).collect()
}
