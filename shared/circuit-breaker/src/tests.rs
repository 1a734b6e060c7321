use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use proptest::prelude::*;
use tokio::time::advance;

use super::*;

fn breaker() -> CircuitBreaker {
    CircuitBreaker::new("test", BreakerSettings::default())
}

fn fail(breaker: &CircuitBreaker, times: usize) {
    for _ in 0..times {
        breaker.permit().unwrap().failed();
    }
}

/// Advances the clock to the end of the pause.
async fn wait_out(breaker: &CircuitBreaker) -> Duration {
    let pause = breaker.permit().unwrap_err().retry_after;
    advance(pause).await;
    pause
}

#[tokio::test(start_paused = true)]
async fn consecutive_failures_open_the_breaker_and_a_successful_probe_closes_it() {
    let breaker = breaker();
    fail(&breaker, 4);
    breaker.permit().unwrap().succeeded();
    fail(&breaker, 4);
    assert_eq!(breaker.state(), BreakerState::Closed);
    fail(&breaker, 1);
    assert_eq!(breaker.state(), BreakerState::Open);

    let pause = wait_out(&breaker).await;
    assert!((Duration::from_millis(500)..=Duration::from_secs(1)).contains(&pause), "{pause:?}");
    breaker.permit().unwrap().succeeded();
    assert_eq!(breaker.state(), BreakerState::Closed);
    fail(&breaker, 4);
    assert_eq!(breaker.state(), BreakerState::Closed, "a success resets the count of failures");
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_the_limit_and_a_success_resets_them() {
    let breaker = breaker();
    fail(&breaker, 5);
    for longest in [1, 2, 4, 8, 16, 20, 20] {
        let pause = wait_out(&breaker).await;
        let longest = Duration::from_secs(longest);
        assert!(pause >= longest / 2 && pause <= longest, "{pause:?} of {longest:?}");
        breaker.permit().unwrap().failed();
    }
    wait_out(&breaker).await;
    breaker.permit().unwrap().succeeded();
    fail(&breaker, 5);
    assert!(wait_out(&breaker).await <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn one_call_at_a_time_is_permitted_as_the_probe() {
    let breaker = breaker();
    fail(&breaker, 5);
    wait_out(&breaker).await;
    let probe = breaker.permit().unwrap();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(!breaker.permit().unwrap_err().retry_after.is_zero());
    probe.succeeded();
    let together = [breaker.permit(), breaker.permit()];
    assert!(together.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_probe_permits_another_probe() {
    let breaker = breaker();
    fail(&breaker, 5);
    wait_out(&breaker).await;
    for _ in 0..3 {
        drop(breaker.permit().unwrap());
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
    }
    breaker.permit().unwrap().succeeded();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn results_of_calls_permitted_before_a_transition_are_ignored() {
    let breaker = breaker();
    let (slow_success, slow_failure) = (breaker.permit().unwrap(), breaker.permit().unwrap());
    let slow_and_dropped = breaker.permit().unwrap();
    fail(&breaker, 5);
    slow_success.succeeded();
    assert_eq!(breaker.state(), BreakerState::Open);
    wait_out(&breaker).await;
    let probe = breaker.permit().unwrap();
    slow_failure.failed();
    drop(slow_and_dropped);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(breaker.permit().is_err(), "the probe has not returned yet");
    probe.succeeded();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

fn values(snapshotter: &Snapshotter) -> Vec<(String, DebugValue)> {
    let entries = snapshotter.snapshot().into_vec().into_iter();
    let labelled = entries.map(|(key, _, _, value)| {
        let labels: Vec<_> = key.key().labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        (format!("{} {}", key.key().name(), labels.join(" ")), value)
    });
    labelled.collect()
}

#[tokio::test(start_paused = true)]
async fn state_and_transitions_are_metrics() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let state =
        |number: f64| ("circuit_breaker_state breaker=test".to_owned(), DebugValue::Gauge(number.into()));
    let breaker = breaker();
    assert_eq!(values(&snapshotter), [state(0.0)]);
    fail(&breaker, 5);
    assert!(values(&snapshotter).contains(&state(2.0)));
    wait_out(&breaker).await;
    let probe = breaker.permit().unwrap();
    assert!(values(&snapshotter).contains(&state(1.0)));
    probe.succeeded();
    let now = values(&snapshotter);
    assert!(now.contains(&state(0.0)), "{now:?}");
    let closings = "circuit_breaker_transitions_total breaker=test to=closed".to_owned();
    assert!(now.contains(&(closings, DebugValue::Counter(1))), "{now:?}");
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask,
    Succeed(prop::sample::Index),
    Fail(prop::sample::Index),
    Cancel(prop::sample::Index),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Ask),
        2 => any::<prop::sample::Index>().prop_map(Step::Succeed),
        5 => any::<prop::sample::Index>().prop_map(Step::Fail),
        1 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        2 => (0_u64..2_000).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..120)
}

/// A model of the breaker's observable behaviour.
struct Watched<'a> {
    breaker: &'a CircuitBreaker,
    /// Calls in progress, each with whether it is the probe.
    calls: Vec<(Permit<'a>, bool)>,
    /// Failures since the last counted success.
    failures: u32,
    opened: Option<Instant>,
}

impl<'a> Watched<'a> {
    async fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let before = self.breaker.state();
        match step {
            Step::Wait(millis) => advance(Duration::from_millis(millis)).await,
            Step::Ask => self.ask(before)?,
            Step::Succeed(which) | Step::Fail(which) | Step::Cancel(which) if !self.calls.is_empty() => {
                let (permit, probe) = self.calls.swap_remove(which.index(self.calls.len()));
                self.answer(step, permit, probe, before)?;
            }
            Step::Succeed(_) | Step::Fail(_) | Step::Cancel(_) => {}
        }
        Ok(())
    }

    fn ask(&mut self, before: BreakerState) -> Result<(), TestCaseError> {
        match (before, self.breaker.permit()) {
            (BreakerState::Closed, permit) => {
                prop_assert!(permit.is_ok());
                self.calls.extend(permit.map(|permit| (permit, false)));
            }
            (BreakerState::Open, Err(open)) => prop_assert!(open.retry_after <= Duration::from_secs(20)),
            (BreakerState::HalfOpen, Err(_)) => prop_assert!(self.calls.iter().any(|(_, probe)| *probe)),
            (_, Ok(permit)) => {
                prop_assert!(self.calls.iter().all(|(_, probe)| !probe), "two probes at once");
                prop_assert_eq!(self.breaker.state(), BreakerState::HalfOpen);
                let opened = self
                    .opened
                    .ok_or_else(|| TestCaseError::fail("a probe without an open breaker before it"))?;
                prop_assert!(opened.elapsed() >= Duration::from_millis(500), "{:?}", opened.elapsed());
                self.calls.push((permit, true));
            }
        }
        Ok(())
    }

    fn answer(
        &mut self,
        step: Step,
        permit: Permit<'a>,
        probe: bool,
        before: BreakerState,
    ) -> Result<(), TestCaseError> {
        let counts =
            probe || before == BreakerState::Closed && permit.generation == self.breaker.lock().generation;
        match step {
            Step::Succeed(_) => permit.succeeded(),
            Step::Fail(_) => permit.failed(),
            _ => drop(permit),
        }
        let after = self.breaker.state();
        match (step, counts) {
            (Step::Succeed(_), true) => {
                prop_assert_eq!(after, BreakerState::Closed);
                self.failures = 0;
            }
            (Step::Fail(_), true) => {
                self.failures += 1;
                let opens = probe || self.failures >= 5;
                prop_assert_eq!(after == BreakerState::Open, opens, "{} failures", self.failures);
                self.opened = if opens { Some(Instant::now()) } else { self.opened };
            }
            _ => prop_assert_eq!(after, before),
        }
        Ok(())
    }
}

async fn holds(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let breaker = breaker();
    let mut watched = Watched { breaker: &breaker, calls: Vec::new(), failures: 0, opened: None };
    for step in steps {
        watched.take(step).await?;
    }
    // After all calls have ended and the longest pause is over, a successful call closes the breaker.
    watched.calls.clear();
    advance(Duration::from_secs(30)).await;
    let permit = breaker.permit().map_err(|open| TestCaseError::fail(open.to_string()))?;
    permit.succeeded();
    prop_assert_eq!(breaker.state(), BreakerState::Closed);
    Ok(())
}

proptest! {
    #[test]
    fn any_sequence_of_calls_probes_one_at_a_time_and_never_blocks_the_breaker_forever(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(holds(steps))?;
    }
}
