//! Environment variables: the template sets for each bundle every setting that it reads, and no other.

use std::collections::BTreeSet;

use orderflow_settings::Program;
use orderflow_settings::declared::ALL;

use crate::reading::{binaries, functions};

/// The settings that the template does not set, with the reason.
const NOT_SET: [(&str, &str); 3] = [
    ("AWS_ENDPOINT_URL", "the SDK knows the endpoints of AWS"),
    ("JWT_SECRET", "the template takes the public keys of the issuer, which are no secret"),
    ("TEMPLATES_DIR", "a bundle has the templates it was built with"),
];

#[test]
fn every_bundle_gets_every_setting_that_it_reads_and_no_other() {
    let functions = functions();
    assert_eq!(functions.len(), Program::BUNDLES.len());
    for bundle in Program::BUNDLES {
        let reads = ALL.iter().filter(|setting| setting.is_read_by(bundle)).map(|setting| setting.variable);
        let not_set = |name: &&str| !NOT_SET.iter().any(|(not_set, _)| not_set == name);
        let read: BTreeSet<String> = reads.filter(not_set).map(str::to_owned).collect();
        let set: BTreeSet<String> = functions[bundle.name()].environment().into_keys().collect();
        assert_eq!(set, read, "{}", bundle.name());
    }
}

#[test]
fn every_bundle_is_declared_as_a_program() {
    let declared: BTreeSet<&str> = Program::BUNDLES.into_iter().map(Program::name).collect();
    let binaries = binaries();
    assert_eq!(declared, binaries.keys().map(String::as_str).collect());
}
