//! The order of the events in a timeline: what caused an event comes before it, whatever their clocks said.

use orderflow_domain::EventType;

use crate::table::TimelineEntry;

/// Sorts the entries of an order, which are stored in the order in which they reached it. Entries are sorted by their times, but never before an
/// entry that caused them: services have clocks of their own, and a clock can be set back.
pub(super) fn sort(entries: Vec<TimelineEntry>) -> Vec<TimelineEntry> {
    let places = places(&entries);
    let mut sorted: Vec<_> = places.into_iter().zip(entries).collect();
    sorted.sort_by_key(|(place, _)| *place);
    sorted.into_iter().map(|(_, entry)| entry).collect()
}

/// The place of an entry: the latest time of it and its causes, then the length of the longest chain of causes before it.
type Place = (i64, usize);

fn places(entries: &[TimelineEntry]) -> Vec<Place> {
    let kinds: Vec<_> = entries.iter().map(|entry| entry.event_type.parse().ok()).collect();
    let mut places: Vec<Place> = entries.iter().map(|entry| (entry.millis, 0)).collect();
    // A chain of causes has at most as many links as there are entries.
    for _ in entries {
        for effect in 0..entries.len() {
            for cause in 0..entries.len() {
                if is_cause(&kinds, cause, effect) {
                    let (time, depth) = places[cause];
                    let (own_time, own_depth) = places[effect];
                    places[effect] = (own_time.max(time), own_depth.max(depth + 1));
                }
            }
        }
    }
    places
}

/// Returns whether the entry at `cause` certainly happened before the one at `effect`.
fn is_cause(kinds: &[Option<EventType>], cause: usize, effect: usize) -> bool {
    let (Some(earlier), Some(later)) = (kinds[cause], kinds[effect]) else { return false };
    match (earlier, later) {
        (EventType::OrderPlaced, EventType::OrderPlaced) => false,
        (EventType::OrderPlaced, _) => true,
        (EventType::InventoryReserved, EventType::PaymentCompleted | EventType::PaymentFailed) => true,
        (EventType::InventoryReserved, EventType::InventoryReleased) => true,
        (EventType::PaymentCompleted, EventType::PaymentRefunded) => true,
        // An order ends because of what it knows, and units and payment are returned because it ended.
        (_, ended) if ends(ended) => cause < effect,
        (ended, EventType::InventoryReleased | EventType::PaymentVoided | EventType::PaymentRefunded)
            if ends(ended) =>
        {
            cause < effect
        }
        _ => false,
    }
}

fn ends(kind: EventType) -> bool {
    matches!(kind, EventType::OrderConfirmed | EventType::OrderRejected | EventType::OrderCancelled)
}

#[cfg(test)]
mod tests {
    use orderflow_domain::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn entry((kind, millis): (EventType, i64)) -> TimelineEntry {
        TimelineEntry::own(kind, Timestamp::from_millis(millis), None)
    }

    fn sorted(entries: &[(EventType, i64)]) -> Vec<String> {
        sort(entries.iter().copied().map(entry).collect()).into_iter().map(|entry| entry.event_type).collect()
    }

    use EventType::{
        InventoryReleased, InventoryReserved, OrderCancelled, OrderConfirmed, OrderPlaced, PaymentCompleted,
        PaymentRefunded,
    };

    #[test]
    fn a_clock_that_is_set_back_changes_no_order() {
        let hour = 3_600_000;
        let arrived = [
            (OrderPlaced, hour),
            (PaymentCompleted, 30),
            (InventoryReserved, hour + 10),
            (OrderConfirmed, 40),
        ];
        let expected = ["order.placed", "inventory.reserved", "payment.completed", "order.confirmed"];
        assert_eq!(sorted(&arrived), expected);
    }

    #[test]
    fn what_happened_before_a_cancellation_stands_before_it_though_it_arrived_later() {
        let arrived = [
            (OrderPlaced, 10),
            (OrderCancelled, 30),
            (InventoryReserved, 20),
            (InventoryReleased, 40),
            (PaymentRefunded, 60),
            (PaymentCompleted, 50),
        ];
        let expected = [
            "order.placed",
            "inventory.reserved",
            "order.cancelled",
            "inventory.released",
            "payment.completed",
            "payment.refunded",
        ];
        assert_eq!(sorted(&arrived), expected);
    }

    proptest! {
        #[test]
        fn causes_stand_before_their_effects_with_any_clocks(clocks in proptest::collection::vec(0_i64..100, 5)) {
            let kinds = [OrderPlaced, InventoryReserved, PaymentCompleted, OrderCancelled, PaymentRefunded];
            let arrived: Vec<_> = kinds.into_iter().zip(clocks).collect();
            prop_assert_eq!(sorted(&arrived), kinds.map(|kind| kind.as_str().to_owned()));
        }
    }
}
