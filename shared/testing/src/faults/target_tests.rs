use std::sync::Mutex;
use std::time::Duration;

use super::*;

const PAYLOAD: &[u8] = br#"{"Records":[{"messageId":"0"},{"messageId":"1"}]}"#;
const REVERSED: &[u8] = br#"{"Records":[{"messageId":"1"},{"messageId":"0"}]}"#;

/// Returns its payload, and records it.
#[derive(Default)]
struct Echo(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl Target for Echo {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        self.0.lock().unwrap().push(payload.clone());
        Ok(payload)
    }
}

/// Returns the results, the payloads of the function, and the counts.
async fn invoked(faults: TargetFaults) -> (Result<Vec<u8>, TargetError>, Vec<Vec<u8>>, FaultCounts) {
    let echo = Arc::new(Echo::default());
    let target = FaultyTarget::new(echo.clone(), faults, 1);
    let answer = target.invoke(PAYLOAD.to_vec()).await;
    let calls = echo.0.lock().unwrap().clone();
    (answer, calls, target.counts())
}

fn rates(rates: FaultRates) -> TargetFaults {
    TargetFaults { rates, ..TargetFaults::default() }
}

#[tokio::test]
async fn without_rates_no_fault_happens() {
    let untouched = (Ok(PAYLOAD.to_vec()), vec![PAYLOAD.to_vec()], FaultCounts::default());
    assert_eq!(invoked(TargetFaults::default()).await, untouched);
}

#[tokio::test]
async fn failures_happen_before_or_after_the_call() {
    let (answer, calls, counts) = invoked(rates(FaultRates { fail_before: 1.0, ..Default::default() })).await;
    assert!(matches!(answer, Err(TargetError::Failed(_))) && calls.is_empty());
    assert_eq!(counts, FaultCounts { failed_before: 1, ..Default::default() });
    let (answer, calls, counts) = invoked(rates(FaultRates { fail_after: 1.0, ..Default::default() })).await;
    assert!(matches!(answer, Err(TargetError::Failed(_))) && calls.len() == 1);
    assert_eq!(counts, FaultCounts { failed_after: 1, ..Default::default() });
    let (answer, calls, counts) = invoked(TargetFaults { unreachable: 1.0, ..Default::default() }).await;
    assert!(matches!(answer, Err(TargetError::Unreachable(_))) && calls.is_empty());
    assert_eq!(counts, FaultCounts { unreachable: 1, ..Default::default() });
}

#[tokio::test]
async fn calls_are_repeated_delayed_and_reversed() {
    let faults = rates(FaultRates {
        repeat: 1.0,
        reorder: 1.0,
        delay: 1.0,
        longest_delay: Duration::from_millis(2),
        ..FaultRates::default()
    });
    let (answer, calls, counts) = invoked(faults).await;
    assert_eq!((answer, calls), (Ok(REVERSED.to_vec()), vec![REVERSED.to_vec(); 2]));
    assert_eq!(counts, FaultCounts { repeated: 1, reordered: 1, delayed: 1, ..FaultCounts::default() });
}

#[tokio::test]
async fn a_single_record_is_not_reordered() {
    assert_eq!(reversed(br#"{"Records":[{"messageId":"0"}]}"#), None);
    assert_eq!(reversed(b"no JSON"), None);
}

#[tokio::test]
#[should_panic(expected = "told to panic")]
async fn a_panic_is_a_panic() {
    drop(invoked(TargetFaults { panic: 1.0, ..TargetFaults::default() }).await);
}

#[tokio::test]
async fn the_seed_determines_the_faults() {
    let run = async |seed| {
        let faults =
            rates(FaultRates { fail_before: 0.3, fail_after: 0.3, reorder: 0.5, ..Default::default() });
        let target = FaultyTarget::new(Arc::new(Echo::default()), faults, seed);
        let mut answers = Vec::new();
        for _ in 0..50 {
            answers.push(target.invoke(PAYLOAD.to_vec()).await);
        }
        answers
    };
    let first = run(1).await;
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
}
