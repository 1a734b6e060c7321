//! The domain of the shop: validated values, the status machine of an order ([`OrderState`]), and the events. Pure: no I/O, no async, no
//! type of a cloud provider.
//!
//! Input is parsed once, at the edge of the system ([`Sku::parse`], [`Email::parse`], ...). Everything behind the edge takes the parsed type.

mod contact;
mod envelope;
mod event;
mod ids;
mod money;
mod order;
mod order_state;
mod quantity;
mod recipient;
mod schema;
mod secret;
mod shortage;
mod sku;
mod text;
mod timestamp;

pub use contact::{Email, EmailError, Phone, PhoneError};
pub use envelope::{Event, EventError, SPEC_VERSION, trace_id};
pub use event::{
    EventData, EventType, InventoryRejected, InventoryReleased, InventoryReserved, NotificationRequested,
    OrderEnded, OrderPlaced, PaymentOutcome, ProductChanged, Quantities, StockAdjusted, UnknownEventType,
};
pub use ids::{CustomerId, CustomerIdError, OrderId, OrderIdError};
pub use money::{Currency, CurrencyError, MAX_PRICE, Money};
pub use order::{LineError, MAX_LINES, Order, OrderLine, merge_lines};
pub use order_state::{
    CancellationReason, Fact, OrderState, OrderStatus, RejectionReason, Step, UnknownStatus,
};
pub use quantity::{MAX_QUANTITY, Quantity, QuantityError};
pub use recipient::{ChannelKind, Recipient};
pub use schema::DataSchema;
pub use secret::{PaymentToken, PaymentTokenError};
pub use shortage::Shortage;
pub use sku::{Sku, SkuError};
pub use timestamp::{Timestamp, TimestampError};
