//! Plans what to do about an order from its row and what is requested: the rules, without any I/O.

use orderflow_bugs::is_planted;
use orderflow_domain::{PaymentToken, RejectionReason};

use crate::request::{PaymentRequest, RequestedAction};
use crate::table::{PaymentState, PaymentStatus};

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan<'a> {
    /// Acknowledge the delivery: there is nothing to do.
    Acknowledge,
    /// Emit the event of the row again.
    Resend,
    /// Charge the order, with this token.
    Charge(Option<&'a PaymentToken>),
    /// Look up the charge at the gateway, and charge the order if there is none.
    FindOrCharge(Option<&'a PaymentToken>),
    /// Have the gateway reverse the charge, or prevent one that may still arrive.
    Reverse,
    /// Record that there is nothing to reverse, because no charge was ever requested. The gateway is not called.
    Void,
}

/// Plans what to do about an order whose row is in this state.
pub(crate) fn plan(row: Option<PaymentState>, request: &PaymentRequest) -> Plan<'_> {
    use PaymentStatus::{Completed, Failed, RefundFailed, Refunded, Unknown, Voided};
    use RequestedAction::{Charge, Reverse};
    let answers_again = request.resend.is_some() && !is_planted("payment-not-answered-again");
    let resend = if answers_again { Plan::Resend } else { Plan::Acknowledge };
    let status = row.map(|row| row.status);
    match (&request.action, status) {
        // The order was refused first, and its reversal has not succeeded yet.
        (Charge(_), Some(Unknown)) if row.is_some_and(|row| row.refused) => Plan::Reverse,
        (Charge(token), None) => Plan::Charge(token.as_ref()),
        (Charge(token), Some(Unknown)) => Plan::FindOrCharge(token.as_ref()),
        (Charge(_), Some(Completed | Failed | Refunded)) => resend,
        // The row may have been voided without a call of the gateway (`Plan::Void`). Another worker may have charged the
        // order before that and crashed.
        (Charge(_), Some(Voided)) => Plan::Reverse,
        (Charge(_), Some(RefundFailed)) => Plan::Acknowledge,
        (Reverse(refusal), None) if is_refused_by_inventory(refusal.reason.as_deref()) => Plan::Void,
        (Reverse(_), Some(Completed)) if is_planted("charge-not-refunded") => Plan::Void,
        (Reverse(_), None | Some(Unknown | Completed)) => Plan::Reverse,
        // A declined charge took no money, so `payment.failed` is the answer to the refusal too.
        (Reverse(_), Some(Failed | Voided | Refunded)) => resend,
        (Reverse(_), Some(RefundFailed)) if request.resend.is_some() => Plan::Reverse,
        (Reverse(_), Some(RefundFailed)) => Plan::Acknowledge,
    }
}

/// Returns whether inventory refused the order, which then never requested a charge.
fn is_refused_by_inventory(reason: Option<&str>) -> bool {
    [RejectionReason::OutOfStock, RejectionReason::UnknownProduct]
        .into_iter()
        .any(|by_inventory| reason == Some(by_inventory.as_str()))
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Currency, Email, Money, OrderId};

    use super::*;
    use crate::request::Refusal;
    use PaymentStatus::{Completed, Failed, RefundFailed, Refunded, Unknown, Voided};

    fn row(status: PaymentStatus) -> Option<PaymentState> {
        Some(PaymentState { status, refused: false })
    }

    fn request(action: RequestedAction, resend: Option<u32>) -> PaymentRequest {
        PaymentRequest {
            order_id: OrderId::generate(),
            total: Money { amount: 1999, currency: Currency::parse("USD").unwrap() },
            action,
            resend,
            attempt: 1,
            last_attempt: false,
            traceparent: None,
        }
    }

    fn refused(reason: &str, resend: Option<u32>) -> PaymentRequest {
        let refusal = Refusal {
            reason: Some(reason.to_owned()),
            email: Some(Email::parse("c@example.com").unwrap()),
            phone: None,
        };
        request(RequestedAction::Reverse(refusal), resend)
    }

    #[test]
    fn an_order_is_charged_only_if_it_has_no_row_or_an_unknown_outcome() {
        let first = request(RequestedAction::Charge(None), None);
        assert_eq!(plan(None, &first), Plan::Charge(None));
        assert_eq!(plan(row(Unknown), &first), Plan::FindOrCharge(None));
        for status in [Completed, Failed, Refunded, RefundFailed] {
            assert_eq!(plan(row(status), &first), Plan::Acknowledge, "{status:?}");
        }
        assert_eq!(plan(row(Voided), &first), Plan::Reverse);
    }

    #[test]
    fn a_refused_order_whose_reversal_is_pending_is_not_charged() {
        let pending = Some(PaymentState { status: Unknown, refused: true });
        assert_eq!(plan(pending, &request(RequestedAction::Charge(None), None)), Plan::Reverse);
        assert_eq!(plan(pending, &refused("customer", None)), Plan::Reverse);
    }

    #[test]
    fn a_refusal_reverses_every_possible_charge() {
        let cancelled = refused("customer", None);
        for state in [None, row(Unknown), row(Completed)] {
            assert_eq!(plan(state, &cancelled), Plan::Reverse, "{state:?}");
        }
        for status in [Failed, Voided, Refunded, RefundFailed] {
            assert_eq!(plan(row(status), &cancelled), Plan::Acknowledge, "{status:?}");
        }
    }

    #[test]
    fn a_refusal_by_inventory_does_not_call_the_gateway() {
        for reason in ["out_of_stock", "unknown_product"] {
            assert_eq!(plan(None, &refused(reason, None)), Plan::Void);
            assert_eq!(plan(row(Completed), &refused(reason, None)), Plan::Reverse);
        }
        assert_eq!(plan(None, &refused("payment_declined", None)), Plan::Reverse);
    }

    #[test]
    fn a_resent_request_emits_the_event_again() {
        let charge = request(RequestedAction::Charge(None), Some(1));
        for status in [Completed, Failed, Refunded] {
            assert_eq!(plan(row(status), &charge), Plan::Resend, "{status:?}");
        }
        assert_eq!(plan(row(RefundFailed), &charge), Plan::Acknowledge);
        let refusal = refused("expired", Some(1));
        for status in [Failed, Voided, Refunded] {
            assert_eq!(plan(row(status), &refusal), Plan::Resend, "{status:?}");
        }
        assert_eq!(plan(row(RefundFailed), &refusal), Plan::Reverse);
    }
}
