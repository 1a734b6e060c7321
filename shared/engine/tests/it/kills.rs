use std::time::{Duration, Instant};

use crate::workload;

/// Kills a process while it writes, again and again on the same data: with either setting, no answered write is lost.
#[tokio::test]
async fn kill_9_loses_no_answered_write() {
    for sync in ["normal", "full"] {
        let folder = tempfile::tempdir().unwrap();
        let (data, answers) = (folder.path().join("data"), folder.path().join("answers"));
        let noted = || std::fs::read_to_string(&answers).unwrap_or_default();
        for kill in 0..6 {
            let before = noted().len();
            let mut process = workload::command(&data, &answers, sync, 1_000_000).spawn().unwrap();
            let deadline = Instant::now() + Duration::from_secs(60);
            while noted().len() < before + 50 * (kill + 1) {
                assert!(
                    Instant::now() < deadline && process.try_wait().unwrap().is_none(),
                    "nothing is written"
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            process.kill().unwrap();
            process.wait().unwrap();
        }
        workload::check(&data, &noted()).await;
    }
}
