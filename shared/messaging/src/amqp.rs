//! What messages on RabbitMQ carry beside their body, for whoever reads them there.

/// How often the message was tried, as far as that counts.
pub const ATTEMPTS: &str = "x-orderflow-attempts";

/// When it was first tried, RFC 3339.
pub const FIRST_AT: &str = "x-orderflow-first-at";

/// Set by quorum queues: how often the message was delivered before without an acknowledgement.
pub const DELIVERY_COUNT: &str = "x-delivery-count";
