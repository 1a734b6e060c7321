use proptest::prelude::*;

use super::*;

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let fact = prop::sample::select(vec![
        Fact::Reserved,
        Fact::NotReserved(RejectionReason::OutOfStock),
        Fact::NotReserved(RejectionReason::UnknownProduct),
        Fact::Released,
        Fact::Paid,
        Fact::Declined,
        Fact::Uncharged,
        Fact::Cancelled(CancellationReason::Customer),
        Fact::Cancelled(CancellationReason::Expired),
    ]);
    prop::collection::vec(fact, 0..40)
}

fn may_follow(from: OrderStatus, to: OrderStatus) -> bool {
    from == to
        || match from {
            OrderStatus::Pending => true,
            OrderStatus::Reserved => to.is_final(),
            _ => false,
        }
}

proptest! {
    #[test]
    fn any_facts_in_any_order_give_a_legal_status(facts in facts()) {
        let mut state = OrderState::PLACED;
        let mut endings = 0;
        for fact in facts {
            let before = state;
            let step = state.apply(fact);
            prop_assert!(may_follow(before.status, state.status), "{} -> {}", before.status, state.status);
            prop_assert_eq!(step == Step::Unchanged, before == state);
            if before.is_settled() {
                prop_assert_eq!(before, state, "a settled order changed");
            }
            if let Step::Ended(event) = step {
                endings += 1;
                prop_assert_eq!(state.status.ending(), Some(event));
            }
        }
        prop_assert_eq!(endings, i32::from(state.status.is_final()), "an order ends once");
    }

    #[test]
    fn repeated_facts_change_only_the_count_of_resends(facts in facts()) {
        let mut once = OrderState::PLACED;
        let mut twice = OrderState::PLACED;
        for fact in facts {
            once.apply(fact);
            twice.apply(fact);
            twice.apply(fact);
        }
        prop_assert_eq!(once.status, twice.status);
        prop_assert_eq!(once.is_settled(), twice.is_settled());
    }

    #[test]
    fn a_refused_order_settles_when_inventory_and_payments_have_answered(facts in facts()) {
        let mut state = OrderState::PLACED;
        for fact in facts {
            state.apply(fact);
        }
        state.apply(Fact::Cancelled(CancellationReason::Expired));
        state.apply(Fact::Released);
        state.apply(Fact::Uncharged);
        prop_assert!(state.is_settled());
    }
}

#[test]
fn h19_a_late_fact_does_not_change_a_confirmed_order() {
    let mut state = OrderState::PLACED;
    assert_eq!(state.apply(Fact::Paid), Step::Ended(EventType::OrderConfirmed));
    for late in [Fact::Reserved, Fact::Declined, Fact::Cancelled(CancellationReason::Customer)] {
        assert_eq!(state.apply(late), Step::Unchanged);
        assert_eq!(state.status, OrderStatus::Confirmed);
    }
}

#[test]
fn a_reservation_after_the_refusal_resends_the_refusal() {
    let mut state = OrderState::PLACED;
    state.apply(Fact::Cancelled(CancellationReason::Customer));
    assert_eq!(state.apply(Fact::Reserved), Step::Resend(EventType::OrderCancelled));
    assert_eq!(state.resends, 1);
    state.apply(Fact::Released);
    assert!(!state.is_settled());
    state.apply(Fact::Uncharged);
    assert_eq!(state.apply(Fact::Reserved), Step::Unchanged, "a settled order does not change");
}

#[test]
fn a_resend_emits_the_event_that_the_order_waits_for_an_answer_to() {
    let mut state = OrderState::PLACED;
    assert_eq!(state.resend(), Step::Resend(EventType::OrderPlaced));
    state.apply(Fact::Reserved);
    assert_eq!(state.resend(), Step::Resend(EventType::OrderPlaced));
    let mut paid = state;
    paid.apply(Fact::Paid);
    assert_eq!(paid.resend(), Step::Unchanged, "a confirmed order waits for no answer");
    state.apply(Fact::Declined);
    assert_eq!(state.resend(), Step::Resend(EventType::OrderRejected));
    assert_eq!(state.resends, 3);
    state.apply(Fact::Released);
    assert_eq!(state.resend(), Step::Unchanged);
}

#[test]
fn a_status_has_only_its_own_reasons() {
    for status in [
        OrderStatus::Pending,
        OrderStatus::Confirmed,
        OrderStatus::Rejected(RejectionReason::PaymentDeclined),
        OrderStatus::Cancelled(CancellationReason::Expired),
    ] {
        assert_eq!(OrderStatus::from_parts(status.name(), status.reason()).unwrap(), status);
    }
    assert!(OrderStatus::from_parts("confirmed", Some("customer")).is_err());
    assert!(OrderStatus::from_parts("rejected", None).is_err());
}
