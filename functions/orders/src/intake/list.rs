//! `GET /orders`.

use axum::Json;
use axum::extract::State;
use orderflow_domain::{CustomerId, Sku};
use orderflow_http::{FieldErrors, Limit, Problem, QueryParams};
use orderflow_store::Cursor;
use serde::{Deserialize, Serialize};

use super::Intake;
use super::view::OrderView;
use crate::repository::{Filter, status_name};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    customer_id: Option<String>,
    status: Option<String>,
    sku: Option<String>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct OrderList {
    orders: Vec<OrderView>,
    next_cursor: Option<String>,
}

impl ListQuery {
    fn parse(&self) -> Result<(Filter, Option<String>), Problem> {
        let mut errors = FieldErrors::default();
        let mut filter = Filter::default();
        if let Some(text) = &self.customer_id {
            filter.customer_id = errors.parse("customer_id", || CustomerId::parse(text));
        }
        if let Some(text) = &self.sku {
            filter.sku = errors.parse("sku", || Sku::parse(text));
        }
        if let Some(text) = &self.status {
            filter.status = status_name(text);
            if filter.status.is_none() {
                errors.push("status", "must be pending, reserved, confirmed, rejected or cancelled");
            }
        }
        let listing = filter.listing_name();
        let after =
            self.cursor.as_ref().and_then(|text| errors.parse("cursor", || Cursor::decode(text, &listing)));
        errors.into_result(Some((filter, after)))
    }
}

pub(crate) async fn list(
    State(intake): State<Intake>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<OrderList>, Problem> {
    let (filter, after) = query.parse()?;
    let limit = usize::from(query.limit.get());
    let page = intake.orders.list(&filter, after, limit).await.map_err(Problem::unavailable)?;
    let next_cursor = page.next.map(|after| Cursor::new(filter.listing_name(), after).encode());
    Ok(Json(OrderList { orders: page.orders.into_iter().map(OrderView::from).collect(), next_cursor }))
}
