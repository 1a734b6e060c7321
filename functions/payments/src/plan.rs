//! What to do about an order, from its row and what is asked: the rules, without any I/O.

use orderflow_domain::{PaymentToken, RejectionReason};

use crate::table::PaymentStatus;
use crate::work::{Ask, Work};

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan<'a> {
    /// Nothing.
    Leave,
    /// Tell again what the row says.
    TellAgain,
    /// Charge, with this token.
    Charge(Option<&'a PaymentToken>),
    /// Ask the gateway what became of the charge, and charge again where it knows nothing.
    FindOrCharge(Option<&'a PaymentToken>),
    /// Have the gateway undo what it did or may yet do.
    Undo,
    /// Note that there is nothing to undo: nobody ever asked for a charge.
    Void,
}

/// What the rules look at in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub status: PaymentStatus,
    pub refused: bool,
}

/// The plan for an order whose row stands like this.
pub(crate) fn plan(row: Option<Standing>, work: &Work) -> Plan<'_> {
    use PaymentStatus::{Claimed, Completed, Failed, RefundFailed, Refunded, Voided};
    let again = if work.resend.is_some() { Plan::TellAgain } else { Plan::Leave };
    let status = row.map(|row| row.status);
    match (&work.ask, status) {
        // The refusal came first and could not be carried out yet.
        (Ask::Charge(_), Some(Claimed)) if row.is_some_and(|row| row.refused) => Plan::Undo,
        (Ask::Charge(token), None) => Plan::Charge(token.as_ref()),
        (Ask::Charge(token), Some(Claimed)) => Plan::FindOrCharge(token.as_ref()),
        (Ask::Charge(_), Some(Completed | Failed | Refunded)) => again,
        // A refusal that found nobody asking for a charge left the gateway alone. Whoever asks all the same may have
        // charged before that refusal was noted, and died.
        (Ask::Charge(_), Some(Voided)) => Plan::Undo,
        (Ask::Charge(_), Some(RefundFailed)) => Plan::Leave,
        (Ask::CallOff(refusal), None) if asked_nothing(refusal.reason.as_deref()) => Plan::Void,
        (Ask::CallOff(_), None | Some(Claimed | Completed)) => Plan::Undo,
        // The failure was the answer: there is no charge.
        (Ask::CallOff(_), Some(Failed | Voided | Refunded)) => again,
        (Ask::CallOff(_), Some(RefundFailed)) if work.resend.is_some() => Plan::Undo,
        (Ask::CallOff(_), Some(RefundFailed)) => Plan::Leave,
    }
}

/// Whether inventory refused the order, so that it never asked for a charge.
fn asked_nothing(reason: Option<&str>) -> bool {
    [RejectionReason::OutOfStock, RejectionReason::UnknownProduct]
        .into_iter()
        .any(|by_inventory| reason == Some(by_inventory.as_str()))
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Currency, Email, Money, OrderId};

    use super::*;
    use crate::work::Refusal;
    use PaymentStatus::{Claimed, Completed, Failed, RefundFailed, Refunded, Voided};

    fn stands(status: PaymentStatus) -> Option<Standing> {
        Some(Standing { status, refused: false })
    }

    fn work(ask: Ask, resend: Option<u32>) -> Work {
        Work {
            order_id: OrderId::generate(),
            total: Money { amount: 1999, currency: Currency::parse("USD").unwrap() },
            ask,
            resend,
            attempt: 1,
            last_attempt: false,
            traceparent: None,
            positions: vec![0],
        }
    }

    fn refused(reason: &str, resend: Option<u32>) -> Work {
        let refusal = Refusal {
            reason: Some(reason.to_owned()),
            email: Email::parse("c@example.com").unwrap(),
            phone: None,
        };
        work(Ask::CallOff(refusal), resend)
    }

    #[test]
    fn only_an_order_without_a_row_or_with_a_claim_is_charged() {
        let first = work(Ask::Charge(None), None);
        assert_eq!(plan(None, &first), Plan::Charge(None));
        assert_eq!(plan(stands(Claimed), &first), Plan::FindOrCharge(None));
        for status in [Completed, Failed, Refunded, RefundFailed] {
            assert_eq!(plan(stands(status), &first), Plan::Leave, "{status:?}");
        }
        assert_eq!(plan(stands(Voided), &first), Plan::Undo);
    }

    #[test]
    fn a_refusal_that_waits_for_the_gateway_keeps_the_order_from_being_charged() {
        let row = Some(Standing { status: Claimed, refused: true });
        assert_eq!(plan(row, &work(Ask::Charge(None), None)), Plan::Undo);
        assert_eq!(plan(row, &refused("customer", None)), Plan::Undo);
    }

    #[test]
    fn a_refusal_undoes_whatever_may_have_been_charged() {
        let cancelled = refused("customer", None);
        for row in [None, stands(Claimed), stands(Completed)] {
            assert_eq!(plan(row, &cancelled), Plan::Undo, "{row:?}");
        }
        for status in [Failed, Voided, Refunded, RefundFailed] {
            assert_eq!(plan(stands(status), &cancelled), Plan::Leave, "{status:?}");
        }
    }

    #[test]
    fn a_refusal_by_inventory_does_not_trouble_the_gateway() {
        for reason in ["out_of_stock", "unknown_product"] {
            assert_eq!(plan(None, &refused(reason, None)), Plan::Void);
            assert_eq!(plan(stands(Completed), &refused(reason, None)), Plan::Undo);
        }
        assert_eq!(plan(None, &refused("payment_declined", None)), Plan::Undo);
    }

    #[test]
    fn what_is_resent_is_told_again() {
        let charge = work(Ask::Charge(None), Some(1));
        for status in [Completed, Failed, Refunded] {
            assert_eq!(plan(stands(status), &charge), Plan::TellAgain, "{status:?}");
        }
        assert_eq!(plan(stands(RefundFailed), &charge), Plan::Leave);
        let refusal = refused("expired", Some(1));
        for status in [Failed, Voided, Refunded] {
            assert_eq!(plan(stands(status), &refusal), Plan::TellAgain, "{status:?}");
        }
        assert_eq!(plan(stands(RefundFailed), &refusal), Plan::Undo);
    }
}
