use super::*;

/// Returns the first line in which two traces differ.
fn difference(one: &str, other: &str) -> Option<(usize, String, String)> {
    let (mut ones, mut others) = (one.lines(), other.lines());
    for number in 1.. {
        match (ones.next(), others.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => {
                let text = |line: Option<&str>| line.unwrap_or("the end").to_owned();
                return Some((number, text(one), text(other)));
            }
        }
    }
    None
}

#[test]
fn a_seed_has_one_trace_and_settles() {
    for seed in 0..50 {
        let plan = Plan::generate(seed);
        let (first, second) = (run(&plan), run(&plan));
        assert_eq!(difference(&first.trace, &second.trace), None, "seed {seed}");
        assert_eq!(first.faults, second.faults, "seed {seed}");
        assert!(first.trace.lines().count() > 100, "seed {seed}: {}", first.trace);
        assert_eq!(first.unsettled, None, "seed {seed}");
    }
}
