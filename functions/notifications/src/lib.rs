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
//! Each goes out by e-mail, and as a short message too where the order has a phone number. [`channel_from_environment`] chooses
//! what carries them. What a provider never takes is a dead letter; while a provider is down, events come again. Neither
//! holds up an order: it is decided before anybody is told.

mod channel;
mod consumer;
mod message;
mod notice;
mod router;
mod settings;
mod smtp;
mod table;
mod template;

pub use channel::{Channel, ChannelError, LogChannel};
pub use consumer::NotificationConsumer;
pub use message::{ChannelKind, Message, Recipient, message_id};
pub use notice::{Item, Variables};
pub use router::router;
pub use settings::{ChannelSettingsError, channel_from_environment};
pub use smtp::SmtpChannel;
pub use table::NOTIFICATIONS;
pub use template::{Rendered, Template, TemplateError, Templates};
