//! The golden texts that customers read. A difference changes what customers read, so it must be intended.

use std::collections::BTreeSet;

use orderflow_domain::ChannelKind;

use crate::harness::NotificationsHarness;
use crate::outcomes::{golden, outcomes};

#[tokio::test]
async fn every_outcome_has_a_golden_text_for_each_channel() {
    for (outcome, event) in outcomes() {
        let notifications = NotificationsHarness::open().await;
        notifications.deliver(&[event]).await;
        for channel in ChannelKind::ALL {
            assert_eq!(notifications.text(channel), golden(outcome, channel), "{outcome}");
        }
    }
}

#[test]
fn every_golden_text_belongs_to_an_outcome() {
    let expected: BTreeSet<String> = outcomes()
        .iter()
        .flat_map(|(outcome, _)| {
            ChannelKind::ALL.map(|channel| format!("{outcome}.{}.txt", channel.as_str()))
        })
        .collect();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap().flatten();
    let found = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(expected, found);
}
