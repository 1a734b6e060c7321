//! The list of all deliberate bugs.

use crate::Bug;

const fn bug(name: &'static str, sentence: &'static str) -> Bug {
    Bug { name, sentence }
}

/// All deliberate bugs. Each has one place in the code.
pub const BUGS: &[Bug] = &[
    // Order intake.
    bug("order-overwritten", "Order intake writes an order without the condition that there is none."),
    bug("idempotency-key-ignored", "The id of an order is not derived from its `Idempotency-Key`."),
    bug("repeated-body-not-compared", "A repeated key with another body is answered with the first order."),
    bug("cancellation-lost-in-a-race", "A cancellation that another writer overtakes is answered as done."),
    bug("removed-product-sold", "A product that was removed can be ordered."),
    bug("cached-product-trusted", "A changed product stays in the cache as it was."),
    // Orders.
    bug("order-version-ignored", "An order is written without comparing its version."),
    bug("confirmed-before-payment", "An order is confirmed as soon as its units are reserved."),
    bug("late-event-reopens-order", "A late event changes an order whose status is final."),
    bug("refused-order-taken-as-settled", "A refused order leaves the open orders before it is undone."),
    bug("report-acknowledged-before-store", "A report is acknowledged although its order was not written."),
    bug("repeat-entered-in-timeline", "A report that changes nothing is entered in the timeline."),
    bug("timeline-sorted-by-clock", "The timeline is sorted by time, also when a clock was set back."),
    bug("resent-as-first", "A resent event looks as if it were published for the first time."),
    bug("stuck-order-not-resent", "The events of stuck orders are not resent."),
    bug("unknown-order-not-undone", "What was done for an order that does not exist is not undone."),
    // Inventory.
    bug("reserved-without-condition", "Units are reserved without the condition that they are available."),
    bug("fewer-units-reserved", "One unit of each line is reserved, however many are ordered."),
    bug("reservation-overwritten", "A reservation is written without the condition that there is none."),
    bug("reservation-version-ignored", "A reservation is written without comparing its version."),
    bug("reservation-acknowledged-before-store", "An order is acknowledged when its reservation failed."),
    bug("reservation-not-answered-again", "A resent order whose units are reserved is not answered again."),
    bug("units-not-released", "The units of a refused order stay reserved."),
    bug("released-again", "The units of a refused order are released with each delivery."),
    bug("tombstone-not-written", "A refusal that overtakes its order leaves no record against it."),
    bug("hot-sku-counted-once", "Of the orders of one sku in a transaction, only the last moves units."),
    bug("group-member-lost", "A transaction of several orders leaves out one reservation."),
    bug("first-stock-booked-again", "A repeated `product.created` resets the stock level."),
    bug("correction-key-not-stored", "A correction of stock does not store its idempotency key."),
    bug("corrected-without-condition", "A correction takes units away that are not available any more."),
    bug("stock-set-from-stale-level", "A level is set without the condition that it has not changed."),
    // Payments.
    bug("retried-charge-has-new-key", "A retried charge has a new idempotency key."),
    bug("unknown-charge-taken-as-declined", "A charge whose answer is lost is taken as declined."),
    bug("decline-taken-as-charge", "A declined charge is recorded as completed."),
    bug("charge-not-refunded", "A refused order that was charged is recorded as voided."),
    bug("failed-refund-reported-as-done", "A refund that fails is recorded as done."),
    bug("free-order-charged", "An order with a total of 0 is charged."),
    bug("payment-overwritten", "A payment is written without the condition that there is none."),
    bug("payment-version-ignored", "A payment is written without comparing its version."),
    bug(
        "payment-acknowledged-before-store",
        "An event is acknowledged although its payment was not written.",
    ),
    bug("payment-not-answered-again", "A resent event whose payment is done is not answered again."),
    // Notifications.
    bug("notification-not-recorded", "A message that was sent is not recorded."),
    bug("notification-recorded-before-sent", "A message is recorded as sent before it is sent."),
    bug(
        "notification-acknowledged-before-store",
        "An event is acknowledged when the record of its message failed.",
    ),
    bug("failed-mail-acknowledged", "An event is acknowledged although the mail server took no message."),
    bug("second-channel-forgotten", "A customer who gave a telephone number gets no short message."),
    bug(
        "claim-without-condition",
        "A notification is claimed without the condition that no other claim exists.",
    ),
    bug("claim-taken-over-at-once", "A claim is taken over while its owner is sending."),
    // Analytics.
    bug("order-counted-again", "A repeated `order.placed` is counted again."),
    bug("revenue-counted-again", "A repeated event of a final status is counted again."),
    bug("count-log-overwritten", "The log of counted orders is written without a condition."),
    bug("count-buffer-overwritten", "The buffer of counters is written without comparing its version."),
    bug("count-acknowledged-before-store", "An event is acknowledged although it was not counted."),
    // Deliveries.
    bug("dead-letter-dropped", "A message that must be dead-lettered is acknowledged."),
    bug("exhausted-message-dropped", "A message is acknowledged when its last attempt failed."),
    bug("retry-not-counted", "A retry is not counted as an attempt."),
    bug("deferral-counted", "A deferral is counted as an attempt."),
    bug("newer-event-refused", "An event with a field that is not known is dead-lettered."),
    // The relay.
    bug("failed-entries-ignored", "The relay ignores that events were not published."),
    bug(
        "partial-publication-taken-as-whole",
        "The relay is content when some events of a batch were published.",
    ),
    bug("cursor-moved-past-failed-batch", "The cursor moves past a batch that the relay failed to publish."),
    // The store.
    bug("store-overwrites-existing-item", "The store ignores the condition that an item does not exist."),
    bug("store-compares-no-version", "The store ignores the condition that an attribute has a value."),
    bug("store-loses-a-write-of-a-group", "Of independent writes, the store carries out the first."),
    bug(
        "store-does-half-of-a-transaction",
        "The store carries out a transaction one of whose conditions fails.",
    ),
    bug("store-trims-one-record-too-many", "The store trims a stream by one record too many."),
    // Forgotten customers.
    bug("forgotten-with-open-orders", "A customer is forgotten whose orders are open."),
    bug("phone-not-forgotten", "The telephone number stays in the orders of a forgotten customer."),
    bug("token-not-forgotten", "The payment token stays in the reservations of a forgotten customer."),
    bug("refund-address-not-forgotten", "The address stays in the payments of a forgotten customer."),
];
