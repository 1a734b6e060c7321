//! Every bundle as a Lambda function, under AWS's Runtime Interface Emulator.
//!
//! Each test has its own DynamoDB, topic and queues, and invokes the bundles with the events that API Gateway, SQS and table streams would
//! send. The requests of a bundle to AWS pass through a [recorder](recorder), which refuses those that its role in template.yaml does not
//! allow. `cargo xtask test` builds the bundles and sets `ORDERFLOW_RIE`, `ORDERFLOW_MINISTACK` and `ORDERFLOW_BUNDLES` to the emulators and
//! the bundles.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod amazon_mq;
mod api;
mod bridge;
mod calls;
mod cloud;
mod deployment;
mod expiry;
mod facts;
mod freeze;
mod http;
mod order;
mod policy;
mod queues;
mod recorder;
mod relay;
mod rights;
mod samples;
mod settings;
mod streams;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use crate::world::{BUNDLES, bundle_path};

#[test]
fn every_bundle_is_tested() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let folders = std::fs::read_dir(functions).unwrap().flatten();
    let binaries = folders.filter_map(|function| std::fs::read_dir(function.path().join("src/bin")).ok());
    let names: BTreeSet<String> = binaries
        .flat_map(|binaries| binaries.flatten())
        .map(|binary| binary.path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, BUNDLES.iter().map(|name| (*name).to_owned()).collect());
    for name in BUNDLES {
        assert!(bundle_path(name).is_file(), "{} is not built", bundle_path(name).display());
    }
}
