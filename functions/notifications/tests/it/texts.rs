//! The golden texts: what customers read. A difference is a change of what they are told.

use std::collections::BTreeSet;

use orderflow_domain::ChannelKind;

use crate::outcomes::{golden, outcomes};
use crate::support::Notifications;

#[tokio::test]
async fn every_outcome_has_its_text_on_every_channel() {
    for (outcome, event) in outcomes() {
        let notifications = Notifications::start().await;
        notifications.handle(&[event]).await;
        for channel in ChannelKind::ALL {
            assert_eq!(notifications.text(channel), golden(outcome, channel), "{outcome}");
        }
    }
}

#[test]
fn no_text_is_left_of_an_outcome_that_is_no_more() {
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
