//! Reads, replaces, deletes and replays dead letters.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use orderflow_domain::Event;
use orderflow_http::{ActedOn, JsonBody, PathParam, Problem, ProblemKind, QueryParams};
use orderflow_messaging::{
    ConsumerName, DeadLetter, QueueAdmin, Selection, Subscription, restore_payment_token, subscription,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::Admin;
use super::dead_letter_view::DeadLetterView;

/// Read a dead letter
#[utoipa::path(
    get,
    path = "/api/v1/admin/dead-letters/{consumer}/{id}",
    tag = "admin",
    operation_id = "readDeadLetter",
    params(("consumer" = ConsumerName, Path, example = "payment"), ("id" = String, Path)),
    responses((status = 200, description = "The dead letter", body = DeadLetterView))
)]
pub(super) async fn read(
    State(admin): State<Admin>,
    PathParam((consumer, id)): PathParam<(String, String)>,
) -> Result<Json<DeadLetterView>, Problem> {
    let letter = find(admin.as_ref(), known(&consumer)?.consumer, &id).await?;
    Ok(Json(letter.into()))
}

/// Replace the event of a dead letter
///
/// The dead letter stays in its queue until it is replayed. Its consumer must subscribe to the type of the new event. A `payment_token` of
/// `***` stands for the token that the event has.
#[utoipa::path(
    put,
    path = "/api/v1/admin/dead-letters/{consumer}/{id}",
    tag = "admin",
    operation_id = "replaceDeadLetter",
    params(("consumer" = ConsumerName, Path, example = "payment"), ("id" = String, Path)),
    request_body(content = Event, description = "An event: CloudEvents 1.0 JSON, as `/asyncapi.json` describes it"),
    responses((status = 200, description = "The dead letter with its new event", body = DeadLetterView)),
    extensions(("x-problems" = json!([ProblemKind::EventNotAccepted])))
)]
pub(super) async fn replace(
    State(admin): State<Admin>,
    PathParam((consumer, id)): PathParam<(String, String)>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<DeadLetterView>, Problem> {
    let subscription = known(&consumer)?;
    let letter = find(admin.as_ref(), subscription.consumer, &id).await?;
    let event = restore_payment_token(parse(subscription, &body)?, &letter.body);
    if !admin.replace(subscription.consumer, &id, &event).await.map_err(Problem::unavailable)? {
        return Err(Problem::not_found());
    }
    Ok(Json(DeadLetter { body: event.to_json(), ..letter }.into()))
}

/// Parses an event that the consumer subscribes to: any other would be dead-lettered again.
fn parse(subscription: &Subscription, body: &Value) -> Result<Event, Problem> {
    let refused = |reason: String| Problem::new(ProblemKind::EventNotAccepted, reason);
    let event = Event::from_json(&body.to_string());
    let event = event.map_err(|error| refused(format!("The body is not an event: {error}.")))?;
    if !subscription.types.contains(&event.event_type()) {
        let consumer = subscription.consumer;
        return Err(refused(format!(
            "The consumer {consumer} does not subscribe to {}.",
            event.event_type()
        )));
    }
    Ok(event)
}

/// Delete a dead letter permanently
#[utoipa::path(
    delete,
    path = "/api/v1/admin/dead-letters/{consumer}/{id}",
    tag = "admin",
    operation_id = "deleteDeadLetter",
    params(("consumer" = ConsumerName, Path, example = "payment"), ("id" = String, Path)),
    responses((status = 204, description = "The dead letter is deleted"))
)]
pub(super) async fn delete(
    State(admin): State<Admin>,
    PathParam((consumer, id)): PathParam<(String, String)>,
) -> Result<StatusCode, Problem> {
    let consumer = known(&consumer)?.consumer;
    match admin.purge(consumer, &Selection::Ids(vec![id])).await.map_err(Problem::unavailable)? {
        0 => Err(Problem::not_found()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PurgeQuery {
    /// Selects the dead letters with this code.
    code: Option<String>,
}

/// The number of deleted dead letters.
#[derive(Serialize, ToSchema)]
pub(super) struct Purged {
    purged: u64,
}

/// Delete dead letters of a consumer permanently
#[utoipa::path(
    delete,
    path = "/api/v1/admin/dead-letters/{consumer}",
    tag = "admin",
    operation_id = "purgeDeadLetters",
    params(("consumer" = ConsumerName, Path, example = "payment"), PurgeQuery),
    responses((status = 200, description = "The selected dead letters are deleted", body = Purged))
)]
pub(super) async fn purge(
    State(admin): State<Admin>,
    PathParam(consumer): PathParam<String>,
    QueryParams(query): QueryParams<PurgeQuery>,
) -> Result<(Extension<ActedOn>, Json<Purged>), Problem> {
    let consumer = known(&consumer)?.consumer;
    let selection = query.code.map_or(Selection::All, Selection::Code);
    let purged = admin.purge(consumer, &selection).await.map_err(Problem::unavailable)?;
    // A code is in the query, which the audit log has.
    Ok((ActedOn::part("purged", purged), Json(Purged { purged })))
}

/// Selects dead letters: those of `ids`, those of `code`, or all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayRequest {
    ids: Option<Vec<String>>,
    code: Option<String>,
}

impl PartialSchema for ReplayRequest {
    fn schema() -> RefOr<Schema> {
        let described = |text: &str| ObjectBuilder::new().description(Some(text));
        let null = || ObjectBuilder::new().schema_type(Type::Null);
        let texts = ArrayBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
            .items(ObjectBuilder::new().schema_type(Type::String));
        let code = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
        let by_ids = described("Selects the dead letters with these ids, or all.")
            .property("ids", texts)
            .property("code", null())
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        let by_code = described("Selects the dead letters with this code, or all.")
            .property("ids", null())
            .property("code", code)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        AnyOfBuilder::new()
            .description(Some("Selects dead letters: those of `ids`, those of `code`, or all."))
            .item(by_ids)
            .item(by_code)
            .examples([json!({"code": "attempts-exhausted"})])
            .into()
    }
}

impl ToSchema for ReplayRequest {}

/// The number of replayed dead letters.
#[derive(Serialize, ToSchema)]
pub(super) struct Replayed {
    replayed: u64,
}

/// Send dead letters back to their consumer's queue
///
/// Their attempts start again at zero. Ids without a dead letter are ignored, so the request can be repeated.
#[utoipa::path(
    post,
    path = "/api/v1/admin/dead-letters/{consumer}/replay",
    tag = "admin",
    operation_id = "replayDeadLetters",
    params(("consumer" = ConsumerName, Path, example = "payment")),
    request_body = ReplayRequest,
    responses((status = 200, description = "The selected dead letters are in the queue again", body = Replayed))
)]
pub(super) async fn replay(
    State(admin): State<Admin>,
    PathParam(consumer): PathParam<String>,
    JsonBody(request): JsonBody<ReplayRequest>,
) -> Result<(Extension<ActedOn>, Json<Replayed>), Problem> {
    let consumer = known(&consumer)?.consumer;
    let selection = match (request.ids, request.code) {
        (Some(_), Some(_)) => return Err(Problem::invalid_field("code", "must not be combined with ids")),
        (Some(ids), None) => Selection::Ids(ids),
        (None, Some(code)) => Selection::Code(code),
        (None, None) => Selection::All,
    };
    let replayed = admin.replay(consumer, &selection, &|| {}).await.map_err(Problem::unavailable)?;
    Ok((audited(&selection, replayed), Json(Replayed { replayed })))
}

/// The most ids of dead letters that a line of the audit log has.
const AUDITED_IDS: usize = 100;

/// Names the selected dead letters, and how many of them were replayed, in the audit log.
fn audited(selection: &Selection, replayed: u64) -> Extension<ActedOn> {
    let selected = match selection {
        Selection::All => "selected=all".to_owned(),
        Selection::Code(code) => format!("code={code}"),
        Selection::Ids(ids) if ids.len() > AUDITED_IDS => {
            format!("ids={},... ({} ids)", ids[..AUDITED_IDS].join(","), ids.len())
        }
        Selection::Ids(ids) => format!("ids={}", ids.join(",")),
    };
    Extension(ActedOn(format!("{selected} replayed={replayed}")))
}

pub(super) fn known(consumer: &str) -> Result<&'static Subscription, Problem> {
    subscription(consumer).map_err(|_| Problem::not_found())
}

async fn find(admin: &dyn QueueAdmin, consumer: &str, id: &str) -> Result<DeadLetter, Problem> {
    admin.dead_letter(consumer, id).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)
}
