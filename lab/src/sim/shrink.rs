//! Shortens a plan that fails, by leaving out what it fails without.

use super::Plan;

/// Returns a plan with as few operations and faults as possible that still fails. `fails` runs a plan and says whether it fails in the same way.
/// The result fails, and does not without any one of its entries.
pub(super) fn shrink(plan: &Plan, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut shortest = plan.clone();
    loop {
        let before = shortest.operations.len() + shortest.faults.len();
        let faults = without_needless(&shortest.faults, |faults| {
            fails(&Plan { faults: faults.to_vec(), ..shortest.clone() })
        });
        shortest.faults = faults;
        let operations = without_needless(&shortest.operations, |operations| {
            fails(&Plan { operations: operations.to_vec(), ..shortest.clone() })
        });
        shortest.operations = operations;
        if shortest.operations.len() + shortest.faults.len() == before {
            return shortest;
        }
    }
}

/// Leaves entries out while the rest fails: halves first, then ever smaller parts (delta debugging).
fn without_needless<T: Clone>(entries: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = entries.to_vec();
    let mut size = kept.len();
    while size > 0 {
        let mut start = 0;
        while start < kept.len() {
            let end = (start + size).min(kept.len());
            let rest = [&kept[..start], &kept[end..]].concat();
            if fails(&rest) { kept = rest } else { start = end }
        }
        size /= 2;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::{Action, FaultKind, Operation, Place, PlannedFault};
    use super::*;

    fn plan(operations: u32, faults: u32) -> Plan {
        let operation = |at_ms| Operation { at_ms, action: Action::Cancel { order: 0 } };
        let fault = |at| PlannedFault { kind: FaultKind::RelayCrashed, place: Place::Relay, at, amount: 0 };
        Plan {
            seed: 7,
            operations: (0..operations).map(operation).collect(),
            faults: (0..faults).map(fault).collect(),
        }
    }

    fn times(plan: &Plan) -> (Vec<u32>, Vec<u32>) {
        let operations = plan.operations.iter().map(|operation| operation.at_ms);
        (operations.collect(), plan.faults.iter().map(|fault| fault.at).collect())
    }

    #[test]
    fn only_what_the_failure_needs_is_left() {
        let mut runs = 0;
        let shortest = shrink(&plan(40, 33), |plan| {
            runs += 1;
            let (operations, faults) = times(plan);
            operations.contains(&3) && operations.contains(&29) && faults.contains(&17)
        });
        assert_eq!(times(&shortest), (vec![3, 29], vec![17]));
        assert_eq!(shortest.seed, 7);
        assert!(runs < 120, "{runs} runs");
    }

    #[test]
    fn an_entry_that_is_needless_only_without_another_is_left_out_too() {
        // Operation 1 is needed as long as fault 0 is there.
        let shortest = shrink(&plan(2, 2), |plan| {
            let (operations, faults) = times(plan);
            operations.contains(&0) && (operations.contains(&1) || !faults.contains(&1))
        });
        assert_eq!(times(&shortest), (vec![0], vec![]));
    }

    #[test]
    fn a_plan_that_fails_without_anything_becomes_empty() {
        assert_eq!(times(&shrink(&plan(9, 9), |_| true)), (vec![], vec![]));
    }
}
