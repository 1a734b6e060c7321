//! Tells customers how their orders ended.
//!
//! Owns the table `notifications`: one row for each order, template and channel, written once the message is sent. A
//! process that dies between the two sends again when the event comes again, with the same message id, which mail
//! servers and readers recognise; what is recorded is never sent again.
//!
//! | event | template |
//! |---|---|
//! | `order.confirmed` | `order_confirmation` |
//! | `order.rejected` for a declined payment | `order_payment_declined` |
//! | `order.rejected` for another reason | `order_out_of_stock` |
//! | `order.cancelled` | `order_cancelled` |
//! | `payment.refunded` that says whom to tell | `order_refunded` |
//!
//! Each goes out by e-mail, and as a short message too where the order has a phone number. What somebody asks for by `POST /notifications` is a
//! row too, written before it is sent: the event that it names, `notification.requested`, has it sent.
//!
//! [`ProviderSettings`] chooses who sends. What a provider never takes is a dead letter; while one is down, events come again, and behind a
//! circuit breaker it is left alone. Neither holds up an order: it is decided before anybody is told.

mod aws;
mod channel;
mod consumer;
mod events;
mod message;
mod mime;
mod notice;
mod providers;
mod redaction;
mod request;
mod router;
mod settings;
mod smtp;
mod table;
mod task;
mod template;
mod template_file;
mod templates;

pub use channel::{Channel, ChannelError};
pub use consumer::NotificationConsumer;
pub use events::EVENT_SOURCE;
pub use message::{Message, message_id};
pub use providers::{MailProvider, Providers, SmsProvider};
pub use router::router;
pub use settings::{ProviderSettings, ProviderSettingsError};
pub use table::NOTIFICATIONS;
pub use template::Template;
pub use template_file::DirectoryError;
pub use templates::{RenderError, Rendered, TemplateSummary, Templates, TemplatesError};
