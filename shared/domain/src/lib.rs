//! The domain of the shop: validated values, the status machine of an order ([`OrderState`]), and the events. Pure: no I/O, no async, no
//! type of a cloud provider.
//!
//! Input is parsed once, at the edge of the system ([`Sku::parse`], [`Email::parse`], ...). Everything behind the edge takes the parsed type.

mod charge_rules;
mod contact;
mod currency;
mod envelope;
mod event;
mod forgotten;
mod ids;
mod money;
mod order;
mod order_line;
mod order_state;
mod order_status;
mod quantity;
mod schema;
mod secret;
mod sku;
mod source;
mod stripe_amounts;
pub mod text;
mod timestamp;

pub use charge_rules::{ChargeLimits, ChargeRules, NotChargeable};
pub use contact::{ChannelKind, Email, EmailError, Phone, PhoneError, Recipient};
pub use currency::{Currency, CurrencyError};
pub use envelope::{Event, EventError, SPEC_VERSION, trace_id};
pub use event::{
    DataSchema, EventData, EventType, InventoryRejected, InventoryReleased, InventoryReserved,
    NotificationRequested, OrderEnded, OrderPlaced, OrderUnknown, PaymentOutcome, ProductChanged, Quantities,
    StockAdjusted, UnknownEventType,
};
pub use ids::{CustomerId, CustomerIdError, OrderId, OrderIdError};
pub use money::{MAX_PRICE, Money};
pub use order::Order;
pub use order_line::{LineError, MAX_LINES, OrderLine, merge_lines};
pub use order_state::{Fact, OrderState, Step};
pub use order_status::{CancellationReason, OrderStatus, RejectionReason, UnknownStatus};
pub use quantity::{MAX_QUANTITY, Quantity, QuantityError, Shortage};
pub use schema::{requested_customer_id, requested_email, requested_phone, text_schema};
pub use secret::{PaymentToken, PaymentTokenError};
pub use sku::{Sku, SkuError};
pub use source::{Source, SourceScope, ordered_id, random_id};
pub use stripe_amounts::{stripe_amount, stripe_charge_rules};
pub use text::is_text;
pub use timestamp::{Timestamp, TimestampError};
