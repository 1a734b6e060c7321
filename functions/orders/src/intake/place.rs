//! `POST /orders`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orderflow_bugs::is_planted;
use orderflow_domain::{EventType, Money, NotChargeable, Order, OrderId, OrderLine, OrderState, Timestamp};
use orderflow_http::{FieldErrors, IdempotencyKey, JsonBody, OrderAccess, Problem, ProblemKind, Trace};
use orderflow_store::Outbox;
use tokio::time::Instant;

use super::Intake;
use super::request::{OrderBody, OrderRequest};
use super::view::OrderView;
use crate::table::OrderRecord;

/// Place an order
///
/// The answer has the status `pending`; `GET` its `Location` to follow the order. Names and prices come from the catalog, and lines of the
/// same sku are merged. With an `Idempotency-Key` that the customer has used before, the answer is the order of the first request as it is
/// now.
#[utoipa::path(
    post,
    path = "/api/v1/orders",
    tag = "orders",
    operation_id = "placeOrder",
    params(IdempotencyKey, Trace),
    request_body = OrderBody,
    responses(
        (status = 202, description = "The order is accepted", body = OrderView,
            headers(("location" = String, description = "The path of the order.")))
    ),
    extensions(("x-problems" = json!([
        ProblemKind::UnknownProduct, ProblemKind::IdempotencyKeyReused, ProblemKind::QuantityExceeded,
        ProblemKind::TextNotSuitable, ProblemKind::CurrencyNotAccepted, ProblemKind::AmountNotChargeable,
    ])))
)]
pub(crate) async fn place(
    State(intake): State<Intake>,
    key: Option<IdempotencyKey>,
    Trace(trace): Trace,
    access: OrderAccess,
    JsonBody(body): JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    let started = Instant::now();
    let request = body.parse()?;
    if !access.may_change(request.customer_id.as_str()) {
        let detail = "The customer_id is not the subject of the token.";
        return Err(Problem::new(ProblemKind::Forbidden, detail));
    }
    let fingerprint = key.as_ref().map(|_| request.fingerprint());
    let id = match &key {
        None => OrderId::generate(),
        Some(_) if is_planted("idempotency-key-ignored") => OrderId::generate(),
        Some(key) => {
            let id = OrderId::from_idempotency_key(&request.customer_id, key.as_str());
            // Before the products are read: a repeated request is answered even when a product has been removed since.
            if let Some(existing) = intake.orders.get(id).await.map_err(Problem::unavailable)? {
                return repeated(existing, fingerprint.as_deref());
            }
            id
        }
    };
    let lines = intake.priced_lines(&request, &body).await?;
    let order = order(id, request, lines)?;
    // Before any unit is reserved: the payment provider would refuse the charge each time.
    intake.charge_rules.check_total(&order.total).map_err(|error| not_chargeable(&error))?;
    let record = OrderRecord::placed(order, fingerprint.clone(), Some(trace.to_string()));
    let outbox = Outbox::of(EventType::OrderPlaced);
    match intake.orders.create(&record, &outbox).await.map_err(Problem::unavailable)? {
        Some(existing) => repeated(*existing, fingerprint.as_deref()),
        None => {
            metrics::counter!("orders_created_total").increment(1);
            metrics::histogram!("orders_created_duration_seconds").record(started.elapsed());
            tracing::info!(
                service = "order-intake",
                order.id = %record.id,
                event.r#type = "order.placed",
                trace.id = trace.trace_id(),
                "order accepted"
            );
            Ok(accepted(record))
        }
    }
}

/// Answers a repeated request with the order as it is now.
fn repeated(existing: OrderRecord, fingerprint: Option<&str>) -> Result<Response, Problem> {
    if existing.fingerprint.as_deref() == fingerprint || is_planted("repeated-body-not-compared") {
        Ok(accepted(existing))
    } else {
        let detail = "The customer has used this Idempotency-Key for an order with other content.";
        Err(Problem::new(ProblemKind::IdempotencyKeyReused, detail))
    }
}

fn not_chargeable(error: &NotChargeable) -> Problem {
    let message = format!("have a total that {error}");
    Problem::refused_field(ProblemKind::AmountNotChargeable, "items", message)
}

fn accepted(record: OrderRecord) -> Response {
    let location = format!("/api/v1/orders/{}", record.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(OrderView::from(record))).into_response()
}

impl Intake {
    /// Returns the lines with the names and prices of the catalog. Clients cannot set prices.
    async fn priced_lines(
        &self,
        request: &OrderRequest,
        body: &OrderBody,
    ) -> Result<Vec<(OrderLine, Money)>, Problem> {
        let skus: Vec<_> = request.lines.iter().map(|(sku, _)| sku.clone()).collect();
        let products = self.catalog.find(&skus).await.map_err(Problem::unavailable)?;
        let mut product_of: HashMap<_, _> = products.into_iter().map(|p| (p.sku.clone(), p)).collect();
        let mut errors = FieldErrors::default();
        let mut lines = Vec::with_capacity(request.lines.len());
        for (sku, quantity) in &request.lines {
            match product_of.remove(sku) {
                None => errors.push(format!("items[{}].sku", body.line_of(sku)), "is not for sale"),
                Some(product) => {
                    let unit_price = product.price.amount;
                    let line =
                        OrderLine { sku: product.sku, name: product.name, quantity: *quantity, unit_price };
                    lines.push((line, product.price));
                }
            }
        }
        if errors.is_empty() { Ok(lines) } else { Err(Problem::refused(ProblemKind::UnknownProduct, errors)) }
    }
}

fn order(id: OrderId, request: OrderRequest, lines: Vec<(OrderLine, Money)>) -> Result<Order, Problem> {
    let currency = lines.first().map(|(_, price)| price.currency.clone());
    let Some(currency) = currency.filter(|code| lines.iter().all(|(_, price)| price.currency == *code))
    else {
        let message = "must all have prices in the same currency";
        return Err(Problem::refused_field(ProblemKind::CurrencyNotAccepted, "items", message));
    };
    let lines: Vec<OrderLine> = lines.into_iter().map(|(line, _)| line).collect();
    let now = Timestamp::now();
    Ok(Order {
        id,
        customer_id: request.customer_id,
        email: request.email,
        phone: request.phone,
        payment_token: request.payment_token,
        total: Money { amount: Order::total_of(&lines), currency },
        lines,
        state: OrderState::PLACED,
        created_at: now,
        updated_at: now,
    })
}
