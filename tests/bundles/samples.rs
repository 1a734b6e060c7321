//! The sample events in events/.

use std::path::Path;

use serde_json::Value;

use crate::world::{BUNDLES, PREFIX, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bundle_accepts_its_sample() {
    let world = World::open().await;
    for bundle in BUNDLES {
        let function = world.start(bundle).await;
        let answer = function.invoke(&sample(bundle)).await.unwrap();
        if let Some(status) = answer.get("statusCode") {
            let status = status.as_u64().unwrap();
            // The order of an unknown product is refused, which shows that the event was understood.
            assert!(matches!(status, 201 | 422), "{bundle}: {answer}");
        }
        let letters = world.cloud.dead_letters(bundle).await;
        assert!(letters.is_empty(), "{bundle}: {letters:?}");
    }
}

pub(crate) fn sample(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(format!("{name}.json"));
    // The samples name the tables and queues of the default prefix.
    let text =
        std::fs::read_to_string(file).unwrap().replace(":table/orderflow-", &format!(":table/{PREFIX}-"));
    serde_json::from_str(&text).unwrap()
}
