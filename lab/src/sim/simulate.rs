//! Runs the seeds that `orderflow sim` asks for.

use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::oneshot;

use super::Plan;
use super::args::SimArgs;
use super::batch::Batch;
use super::report::SimReport;
use super::verdict::examine;
use crate::interrupts::Interrupts;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The handlers of signals cannot be installed.
    #[error("the simulation cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// The trace cannot be written.
    #[error("--trace: {} cannot be written: {error}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A thread ended without a result.
    #[error("a thread of the simulation ended without a result")]
    Lost,
}

/// Runs the seeds. Ctrl-C ends the run after the seeds that have begun; the report says where to go on.
///
/// # Errors
/// [`SimError`] if the run cannot start, or the trace cannot be written.
pub fn simulate(args: &SimArgs) -> Result<SimReport, SimError> {
    write_trace(args)?;
    let processors =
        || std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1));
    let (seeds, threads) = match args.seed {
        Some(seed) => (seed..seed + 1, 1),
        None => (args.from..args.from + args.seeds, args.threads.map_or_else(processors, Into::into)),
    };
    let batch = Arc::new(Batch::new(seeds.clone(), progress_bar(seeds.end - seeds.start)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        let (sender, mut ended) = oneshot::channel();
        let running = Arc::clone(&batch);
        // The receiver is dropped only if this function ended, and then the report is of no use.
        std::thread::spawn(move || drop(sender.send(running.run(threads))));
        loop {
            tokio::select! {
                report = &mut ended => return report.map_err(|_| SimError::Lost),
                _ = interrupts.stop.changed(), if !interrupts.stopped() => batch.stop(),
            }
        }
    })
}

fn write_trace(args: &SimArgs) -> Result<(), SimError> {
    let (Some(path), Some(seed)) = (&args.trace, args.seed) else { return Ok(()) };
    let trace = examine(&Plan::generate(seed)).0.map(|run| run.trace).unwrap_or_default();
    std::fs::write(path, trace).map_err(|error| SimError::Trace { path: path.clone(), error })
}

fn progress_bar(seeds: u64) -> ProgressBar {
    // Nothing is drawn unless stderr is a terminal.
    let bar = ProgressBar::with_draw_target(Some(seeds), ProgressDrawTarget::stderr_with_hz(5));
    let template = "{wide_bar} {human_pos}/{human_len} seeds, {per_sec}, {msg}";
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    bar.with_style(style)
}
