//! The names of the parts.

use orderflow_settings::declared::PARTS;
use orderflow_system::Part;

#[test]
fn only_takes_every_consumer_and_every_other_part() {
    let parts: Vec<&str> = Part::all().map(Part::name).collect();
    assert_eq!(
        parts, PARTS,
        "shared/settings/src/declared/mod.rs names every part, consumers in the order of the subscriptions"
    );
}
