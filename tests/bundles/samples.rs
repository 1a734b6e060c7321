//! The sample events: every bundle takes its own.

use std::path::Path;

use serde_json::Value;

use crate::world::{BUNDLES, PREFIX, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bundle_takes_its_sample() {
    let world = World::open().await;
    for bundle in BUNDLES {
        let function = world.start(bundle).await;
        let answer = function.invoke(&sample(bundle)).await.unwrap();
        if let Some(status) = answer.get("statusCode") {
            let status = status.as_u64().unwrap();
            // An order of what nobody sells yet is refused, and understood.
            assert!(matches!(status, 201 | 422), "{bundle}: {answer}");
        }
        let letters = world.cloud.dead_letters(bundle).await;
        assert!(letters.is_empty(), "{bundle}: {letters:?}");
    }
}

pub(crate) fn sample(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(format!("{name}.json"));
    // They name the tables and queues of the default prefix.
    let text =
        std::fs::read_to_string(file).unwrap().replace(":table/orderflow-", &format!(":table/{PREFIX}-"));
    serde_json::from_str(&text).unwrap()
}
