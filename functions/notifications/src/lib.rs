//! Notifies customers how their orders ended.
//!
//! This service owns the table `notifications`: one row for each order, template and channel. With a provider it is written twice: with the claim of the
//! consumer that is about to send the message, so that no other one sends it at the same time, and once the message is sent. If a
//! process crashes between the two, another one takes the claim over after a minute and sends the message again with the same message
//! id, by which mail servers and mail programs recognise it. A recorded message is never sent again. Without a provider messages are only logged, and
//! the row is written once, with the message recorded as sent.
//!
//! | event | template |
//! |---|---|
//! | `order.confirmed` | `order_confirmation` |
//! | `order.rejected` because of a declined payment | `order_payment_declined` |
//! | `order.rejected` for another reason | `order_out_of_stock` |
//! | `order.cancelled` | `order_cancelled` |
//! | `payment.refunded` with an e-mail address | `order_refunded` |
//!
//! Each message is sent by e-mail, and also as a short message if the order has a telephone number. A message that is
//! requested through `POST /notifications` has a row too, which is written before the message is sent and emits
//! `notification.requested`; the consumer of that event sends it.
//!
//! [`ProviderSettings`] chooses the providers. The event of a message that a provider refuses is dead-lettered. While a
//! provider is unavailable, events are retried, and a circuit breaker stops calling it. Orders never wait for notifications:
//! they are settled before customers are notified.

mod channel;
mod claims;
mod consumer;
mod events;
mod personal;
mod providers;
mod request;
mod required;
mod router;
mod settings;
mod table;
mod template;
mod templates;
mod turns;
mod variables;

pub use channel::{Channel, ChannelError, Message, ProviderState, message_id};
pub use consumer::NotificationConsumer;
pub use events::EVENT_SOURCE;
pub use personal::{PersonalNotification, PersonalNotifications, ScannedRequests};
pub use providers::{MailProvider, Providers, SmsProvider};
pub use router::router;
pub use settings::ProviderSettings;
pub use table::NOTIFICATIONS;
pub use template::{DirectoryError, Template};
pub use templates::{RenderError, Rendered, TemplateSummary, Templates, TemplatesError};
pub use turns::{TooLate, Turn};
