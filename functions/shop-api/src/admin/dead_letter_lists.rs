//! Lists dead letters page by page.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::future::try_join_all;
use orderflow_http::{PageQuery, PathParam, Problem, ProblemKind, QueryParams};
use orderflow_messaging::{ConsumerName, DeadLetter, QueueAdmin, SUBSCRIPTIONS};
use orderflow_store::Cursor;
use serde::Serialize;
use utoipa::ToSchema;

use super::Admin;
use super::dead_letter_view::DeadLetterView;
use super::dead_letters::known;

/// The dead letters of a consumer.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterList)]
pub(super) struct DeadLetterList {
    dead_letters: Vec<DeadLetterView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The listing of all dead letters, in cursors.
const LISTING: &str = "dead-letters";

/// The dead letters of all consumers.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterOverview)]
pub(super) struct DeadLetterOverview {
    dead_letters: Vec<DeadLetterView>,
    /// The numbers of all dead letters; empty on the pages after the first. Of one consumer, at most 10,000 are counted.
    counts: Vec<Count>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The number of a consumer's dead letters with one code.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterCount)]
struct Count {
    consumer: String,
    code: String,
    count: u64,
}

/// List the dead letters of all consumers
#[utoipa::path(
    get,
    path = "/api/v1/admin/dead-letters",
    tag = "admin",
    operation_id = "listAllDeadLetters",
    params(PageQuery),
    responses((status = 200, description = "A page of dead letters, and how many there are by consumer and code", body = DeadLetterOverview)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
pub(super) async fn list_all(
    State(admin): State<Admin>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<DeadLetterOverview>, Problem> {
    let after = query.cursor.position(|text| Cursor::decode(text, LISTING))?;
    let counts = if after.is_none() { counts(admin.as_ref()).await? } else { Vec::new() };
    let (letters, next) = page_of_all(admin.as_ref(), after.as_deref(), query.limit.get().into()).await?;
    let dead_letters = letters.into_iter().map(DeadLetterView::from).collect();
    let next_cursor = next.map(|position| Cursor::new(LISTING, position).encode());
    Ok(Json(DeadLetterOverview { dead_letters, counts, next_cursor }))
}

/// Returns the next dead letters after `consumer#position`, consumer by consumer, and where the next page begins, if there is one.
async fn page_of_all(
    admin: &dyn QueueAdmin,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<DeadLetter>, Option<String>), Problem> {
    let (first, mut position) = match after {
        None => (0, None),
        Some(after) => {
            let (consumer, position) = after.split_once('#').ok_or_else(Problem::invalid_cursor)?;
            let first = SUBSCRIPTIONS.iter().position(|row| row.consumer == consumer);
            (first.ok_or_else(Problem::invalid_cursor)?, Some(position).filter(|text| !text.is_empty()))
        }
    };
    let mut letters = Vec::new();
    for row in &SUBSCRIPTIONS[first..] {
        if letters.len() == limit {
            return Ok((letters, Some(format!("{}#", row.consumer))));
        }
        let page = admin.dead_letter_page(row.consumer, position.take(), limit - letters.len()).await;
        let page = page.map_err(Problem::unavailable)?;
        letters.extend(page.letters);
        if let Some(next) = page.next {
            return Ok((letters, Some(format!("{}#{next}", row.consumer))));
        }
    }
    Ok((letters, None))
}

async fn counts(admin: &dyn QueueAdmin) -> Result<Vec<Count>, Problem> {
    let of_each = SUBSCRIPTIONS.iter().map(|row| admin.dead_letter_codes(row.consumer));
    let codes = try_join_all(of_each).await.map_err(Problem::unavailable)?;
    let mut counts: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for (row, codes) in SUBSCRIPTIONS.iter().zip(codes) {
        for code in codes {
            *counts.entry((row.consumer, code)).or_default() += 1;
        }
    }
    let count = |((consumer, code), count): ((&str, String), u64)| Count {
        consumer: consumer.to_owned(),
        code,
        count,
    };
    Ok(counts.into_iter().map(count).collect())
}

/// List the dead letters of a consumer
#[utoipa::path(
    get,
    path = "/api/v1/admin/dead-letters/{consumer}",
    tag = "admin",
    operation_id = "listDeadLetters",
    params(("consumer" = ConsumerName, Path, example = "payment"), PageQuery),
    responses((status = 200, description = "A page of dead letters: at RabbitMQ and SQS oldest first, in memory by their ids", body = DeadLetterList)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
pub(super) async fn list(
    State(admin): State<Admin>,
    PathParam(consumer): PathParam<String>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<DeadLetterList>, Problem> {
    let consumer = known(&consumer)?.consumer;
    let listing = format!("{LISTING}/{consumer}");
    let after = query.cursor.position(|text| Cursor::decode(text, &listing))?;
    let page = admin.dead_letter_page(consumer, after.as_deref(), query.limit.get().into()).await;
    let page = page.map_err(Problem::unavailable)?;
    let dead_letters = page.letters.into_iter().map(DeadLetterView::from).collect();
    let next_cursor = page.next.map(|position| Cursor::new(listing, position).encode());
    Ok(Json(DeadLetterList { dead_letters, next_cursor }))
}
