//! The kinds of faults, where they strike, and the planned fault.

use std::fmt;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The broker delivers a message twice.
    DeliveryRepeated,
    /// The messages of a batch arrive in the reverse order.
    DeliveryReordered,
    /// A delivery comes so late, and so often, that the next failure is the last attempt.
    DeliveryDelayed,
    /// The messages of a batch are delivered in two.
    BatchSplit,
    /// A consumer dies at an await of its handler. Its deliveries return to their queue.
    HandlerCrashed,
    /// The relay dies at an await. The next one starts at the stored cursor.
    RelayCrashed,
    /// The process dies that serves a request. The client gets no answer.
    IntakeCrashed,
    /// A request to the store fails, and nothing is written.
    StoreUnavailable,
    /// A write takes effect, and its answer is lost.
    StoreAnswerLost,
    /// A request to the store conflicts with another transaction, and nothing is written.
    StoreConflict,
    /// A request to the store is throttled, and nothing is written.
    StoreThrottled,
    /// Some events of a publication are not published.
    PublishFailed,
    /// Some events of a publication are published, and are reported as not published.
    PublishAnswerLost,
    /// The payment provider does not receive a request.
    ProviderUnavailable,
    /// The payment provider does what it is asked, and its answer is lost.
    ProviderAnswerLost,
    /// The payment provider's answer is lost, and the request takes effect later.
    ProviderAnswerLate,
    /// The payment provider first says that it does not process a request that it does process.
    ProviderContradicts,
    /// The mail server refuses a recipient permanently.
    MailRefused,
    /// The mail server does not accept mail at present.
    MailUnavailable,
    /// The mail server accepts a message, and its answer is lost.
    MailAnswerLost,
    /// The wall clock jumps ahead.
    ClockAhead,
    /// The wall clock is set back.
    ClockBack,
    /// The relay stops for longer than the streams keep their records.
    StreamTrimmed,
    /// An operator replays dead letters.
    DeadLettersReplayed,
    /// An operator corrects a dead letter and replays it.
    DeadLetterEdited,
    /// An operator purges dead letters.
    DeadLettersPurged,
    /// An operator pauses a consumer, and resumes it later.
    ConsumerPaused,
    /// A second relay reads the same streams.
    SecondRelay,
    /// The queue of a consumer is deleted with its messages, and created again.
    TopologyDeleted,
    /// A customer cancels an order at the moment a consumer receives an event of it.
    CancelRaced,
    /// An event has fields that this version does not know, as one of a newer version.
    NewerEvent,
    /// An event lacks its optional fields, as one of an older version.
    OlderEvent,
    /// A message that is no event is in a queue.
    GarbageDelivered,
    /// An event of an order that does not exist is in a queue.
    ForgedEvent,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 34] = [
        Self::DeliveryRepeated,
        Self::DeliveryReordered,
        Self::DeliveryDelayed,
        Self::BatchSplit,
        Self::HandlerCrashed,
        Self::RelayCrashed,
        Self::IntakeCrashed,
        Self::StoreUnavailable,
        Self::StoreAnswerLost,
        Self::StoreConflict,
        Self::StoreThrottled,
        Self::PublishFailed,
        Self::PublishAnswerLost,
        Self::ProviderUnavailable,
        Self::ProviderAnswerLost,
        Self::ProviderAnswerLate,
        Self::ProviderContradicts,
        Self::MailRefused,
        Self::MailUnavailable,
        Self::MailAnswerLost,
        Self::ClockAhead,
        Self::ClockBack,
        Self::StreamTrimmed,
        Self::DeadLettersReplayed,
        Self::DeadLetterEdited,
        Self::DeadLettersPurged,
        Self::ConsumerPaused,
        Self::SecondRelay,
        Self::TopologyDeleted,
        Self::CancelRaced,
        Self::NewerEvent,
        Self::OlderEvent,
        Self::GarbageDelivered,
        Self::ForgedEvent,
    ];

    /// Returns the stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeliveryRepeated => "delivery-repeated",
            Self::DeliveryReordered => "delivery-reordered",
            Self::DeliveryDelayed => "delivery-delayed",
            Self::BatchSplit => "batch-split",
            Self::HandlerCrashed => "handler-crashed",
            Self::RelayCrashed => "relay-crashed",
            Self::IntakeCrashed => "intake-crashed",
            Self::StoreUnavailable => "store-unavailable",
            Self::StoreAnswerLost => "store-answer-lost",
            Self::StoreConflict => "store-conflict",
            Self::StoreThrottled => "store-throttled",
            Self::PublishFailed => "publish-failed",
            Self::PublishAnswerLost => "publish-answer-lost",
            Self::ProviderUnavailable => "provider-unavailable",
            Self::ProviderAnswerLost => "provider-answer-lost",
            Self::ProviderAnswerLate => "provider-answer-late",
            Self::ProviderContradicts => "provider-contradicts",
            Self::MailRefused => "mail-refused",
            Self::MailUnavailable => "mail-unavailable",
            Self::MailAnswerLost => "mail-answer-lost",
            Self::ClockAhead => "clock-ahead",
            Self::ClockBack => "clock-back",
            Self::StreamTrimmed => "stream-trimmed",
            Self::DeadLettersReplayed => "dead-letters-replayed",
            Self::DeadLetterEdited => "dead-letter-edited",
            Self::DeadLettersPurged => "dead-letters-purged",
            Self::ConsumerPaused => "consumer-paused",
            Self::SecondRelay => "second-relay",
            Self::TopologyDeleted => "topology-deleted",
            Self::CancelRaced => "cancel-raced",
            Self::NewerEvent => "newer-event",
            Self::OlderEvent => "older-event",
            Self::GarbageDelivered => "garbage-delivered",
            Self::ForgedEvent => "forged-event",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A process of the simulated system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The requests of customers.
    Intake,
    /// The requests of operators.
    Shop,
    /// The consumer of this name.
    Consumer(&'static str),
    /// The relay.
    Relay,
    /// The sweep of open orders.
    Expiry,
    /// The whole system, for faults that strike no process in particular.
    System,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intake => "order-intake",
            Self::Shop => "shop-api",
            Self::Consumer(name) => name,
            Self::Relay => "outbox-relay",
            Self::Expiry => "order-expiry",
            Self::System => "system",
        })
    }
}

/// A fault of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlannedFault {
    /// What happens.
    pub kind: FaultKind,
    /// To whom.
    pub place: Place,
    /// At which occurrence there, counted from 0: the await of a crash, the request to the store, the delivery, the publication, the call of a
    /// provider; for other kinds, the milliseconds since the start.
    pub at: u32,
    /// How much: milliseconds of a delay or a jump, the position in a batch, or the number of an order, whichever the kind has.
    pub amount: u32,
}

impl fmt::Display for PlannedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} at {} ({})", self.kind, self.place, self.at, self.amount)
    }
}
