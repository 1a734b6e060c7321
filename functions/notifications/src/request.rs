//! Messages that are requested through the API.

use std::borrow::Cow;

use orderflow_domain::text::{check_line, check_lines};
use orderflow_domain::{ChannelKind, Email, EventType, Phone, Recipient, requested_email, requested_phone};
use orderflow_http::{FieldErrors, Problem, ProblemKind};
use orderflow_store::{Outbox, Store, Table, Write, WriteError};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::table::{NOTIFICATIONS, NotificationKey, NotificationRecord};
use crate::templates::{Rendered, Templates};
use crate::variables;

/// The namespace of the ids that are derived from an idempotency key.
const KEYED_REQUESTS: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6b65_7965_6401);

/// The largest text of an e-mail, in bytes.
const EMAIL_BYTES_MAX: usize = 65_536;

/// The largest short message, in bytes (the limit of SNS).
const SMS_BYTES_MAX: usize = 1_600;

/// A message to send.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestBody {
    channel: ChannelKind,
    recipient: String,
    template: String,
    #[serde(default)]
    variables: Map<String, Value>,
}

/// A valid request: its template renders with its variables.
pub(crate) struct Request {
    pub recipient: Recipient,
    pub template: String,
    pub variables: Map<String, Value>,
}

impl RequestBody {
    /// Returns the body with the variables as the text of the request has them.
    pub(crate) fn with_exact_numbers(self, text: &str) -> Result<Self, Problem> {
        match variables::exact(text) {
            Ok(variables) => Ok(Self { variables, ..self }),
            Err(error) => Err(Problem::new(ProblemKind::MalformedRequest, error.to_string())),
        }
    }

    /// Validates the request and renders its text.
    pub(crate) fn parse(self, templates: &Templates) -> Result<Request, Problem> {
        let mut errors = FieldErrors::default();
        let recipient = match self.channel {
            ChannelKind::Email => {
                errors.parse("recipient", || Email::parse(&self.recipient)).map(Recipient::Email)
            }
            ChannelKind::Sms => {
                errors.parse("recipient", || Phone::parse(&self.recipient)).map(Recipient::Sms)
            }
        };
        let recipient = errors.into_result(recipient)?;
        self.check_text(templates)?;
        Ok(Request { recipient, template: self.template, variables: self.variables })
    }

    fn check_text(&self, templates: &Templates) -> Result<(), Problem> {
        let Some(template) = templates.find(&self.template, self.channel) else {
            let message = format!("is not the name of a template for {}", self.channel.as_str());
            return Err(Problem::refused_field(ProblemKind::UnknownTemplate, "template", message));
        };
        let mut errors = FieldErrors::default();
        let given = |name: &String| self.variables.get(name).is_some_and(|value| !value.is_null());
        let mut missing = template.variables.iter().filter(|name| !given(name)).peekable();
        if missing.peek().is_some() {
            missing.for_each(|name| errors.push(format!("variables.{name}"), "is required by the template"));
            return Err(Problem::refused(ProblemKind::VariablesNotSuitable, errors));
        }
        let mut invalid = self.variables.iter().filter_map(|(name, value)| {
            variables::check(value).err().map(|error| (format!("variables.{name}"), error.to_string()))
        });
        if let Some(first) = invalid.next() {
            std::iter::once(first).chain(invalid).for_each(|(field, message)| errors.push(field, message));
            return Err(Problem::refused(ProblemKind::VariablesNotSuitable, errors));
        }
        let max = match self.channel {
            ChannelKind::Email => EMAIL_BYTES_MAX,
            ChannelKind::Sms => SMS_BYTES_MAX,
        };
        match templates.render(&self.template, self.channel, &self.variables) {
            Ok(text) if text.body.len() > max => {
                errors.push("variables", format!("must not make the text longer than {max} bytes"));
            }
            Ok(text) => match self.check_rendered(&text, templates) {
                Ok(()) => return Ok(()),
                Err(message) => errors.push("variables", message),
            },
            Err(error) => errors.push("variables", format!("do not fit the template: {error}")),
        }
        Err(Problem::refused(ProblemKind::VariablesNotSuitable, errors))
    }

    /// Checks the rendered text. A variable with several lines may stand in the body, but not in the subject.
    fn check_rendered(&self, rendered: &Rendered, templates: &Templates) -> Result<(), String> {
        check_lines(&rendered.body).map_err(|error| format!("do not fit the template: the text {error}"))?;
        let Some(subject) = &rendered.subject else { return Ok(()) };
        check_line(subject).map_err(|error| format!("do not fit the template: the subject {error}"))?;
        let flat = variables::on_one_line(&Value::Object(self.variables.clone()));
        let flat = templates.render(&self.template, self.channel, &flat);
        let is_one_line = flat.is_ok_and(|flat| flat.subject.as_ref() == Some(subject));
        if is_one_line {
            Ok(())
        } else {
            Err("do not fit the template: the subject must be one line".to_owned())
        }
    }
}

impl PartialSchema for RequestBody {
    fn schema() -> RefOr<Schema> {
        let phone = requested_phone().schema_type(Type::String);
        OneOfBuilder::new()
            .description(Some("A message to send."))
            .item(request_schema(ChannelKind::Email, requested_email()))
            .item(request_schema(ChannelKind::Sms, phone))
            .examples([json!({
                "channel": "email", "recipient": "c100@example.com", "template": "order_refunded",
                "variables": {"orderId": "0190163d-8694-739b-aea5-966c26f8ad91", "total": "39.98 USD"},
            })])
            .into()
    }
}

impl ToSchema for RequestBody {
    fn name() -> Cow<'static, str> {
        "NotificationRequest".into()
    }
}

/// Returns the schema of a request on one channel: its recipient is an address of this channel.
fn request_schema(channel: ChannelKind, recipient: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let variables = ObjectBuilder::new().description(Some("The variables of the template, by name."));
    ObjectBuilder::new()
        .title(Some(format!("A message by {}", channel.as_str())))
        .property("channel", text().enum_values(Some([channel.as_str()])))
        .property("recipient", recipient)
        .property("template", text().description(Some("The name of a template of this channel.")))
        .property("variables", variables)
        .required("channel")
        .required("recipient")
        .required("template")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

/// Stores requests until they are sent.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    store: Store,
    table: Table,
}

impl Requests {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&NOTIFICATIONS) }
    }

    /// Stores a request together with the event that has it sent. Returns the stored request if the key was used before for
    /// the same request.
    ///
    /// # Errors
    /// 422 `idempotency-key-reused` if the key was used for another request.
    pub(crate) async fn add(
        &self,
        request: Request,
        key: Option<&str>,
        traceparent: String,
    ) -> Result<NotificationRecord, Problem> {
        let id = key
            .map_or_else(orderflow_domain::ordered_id, |key| Uuid::new_v5(&KEYED_REQUESTS, key.as_bytes()));
        let Request { recipient, template, variables } = request;
        let record = NotificationRecord::requested(id, recipient, template, &variables, traceparent);
        let write = Write::put(&self.table, &record).map_err(Problem::unavailable)?;
        let write = write.if_absent().emitting(&Outbox::of(EventType::NotificationRequested));
        match self.store.write(write).await {
            Ok(()) => Ok(record),
            Err(WriteError::ConditionFailed(Some(existing))) => {
                let existing = self.table.parse(*existing).map_err(Problem::unavailable)?;
                same_request(existing, &record)
            }
            Err(error) => Err(Problem::unavailable(error)),
        }
    }

    /// Reads the request with this id.
    pub(crate) async fn get(&self, id: Uuid) -> Result<Option<NotificationRecord>, Problem> {
        let key = NotificationKey::of_request(id).item(&self.table);
        self.table.get(key).await.map_err(Problem::unavailable)
    }
}

/// Returns the existing request if the new one is the same.
fn same_request(
    existing: NotificationRecord,
    new: &NotificationRecord,
) -> Result<NotificationRecord, Problem> {
    let variables = |record: &NotificationRecord| record.variables().map_err(Problem::unavailable);
    let same = existing.recipient == new.recipient
        && existing.template == new.template
        && variables(&existing)? == variables(new)?;
    if same {
        Ok(existing)
    } else {
        let detail = "This Idempotency-Key was used for another notification.";
        Err(Problem::new(ProblemKind::IdempotencyKeyReused, detail))
    }
}
