//! `orderflow demo`: shows on a temporary shop how orders are processed, and how the shop recovers from failures.

mod error;
mod mail;
mod screen;
mod shop;
mod story;

use orderflow_settings::Snapshot;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::Output;
use crate::client::output::style::Colours;
use crate::serving::Termination;
use error::DemoError;
use screen::Screen;
use shop::DemoShop;

/// The flags of `orderflow demo`: there are none.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The shop is this program as a process of its own, with its data in a temporary folder, on a free port of this machine. Its messages go to a
mail server inside the demo. All of it is deleted at the end. Settings of the environment have no effect.

In a terminal the demo takes half a minute, most of it time to read. The exit code is 1 if a step does not end as its text says.

Example:
  orderflow demo")]
pub struct DemoArgs {}

/// Tells the story.
///
/// # Errors
/// If the shop cannot be started, a step does not end as its text says, or the user stops the demo.
pub fn run(_: &DemoArgs, environment: &Snapshot, output: &mut Output) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut screen = Screen::new(output, Colours::of_stdout(environment));
    runtime.block_on(async {
        // Ctrl-C and a closed terminal end the demo in order: the shop is a process of its own, which would go on.
        let (mut termination, mut hangup) = (Termination::listen()?, signal(SignalKind::hangup())?);
        tokio::select! {
            played = play(&mut screen) => played.map_err(|error| match error {
                // The program knows these: a closed pipe is no failure.
                DemoError::Client(error) => error.into(),
                error => error.into(),
            }),
            () = termination.signalled() => Err(DemoError::Interrupted.into()),
            _ = hangup.recv() => Err(DemoError::Interrupted.into()),
        }
    })
}

async fn play(screen: &mut Screen<'_>) -> Result<(), DemoError> {
    let mut shop = DemoShop::start().await?;
    if let Err(error) = story::play(screen, &mut shop).await {
        return Err(shop.cause_of(error).await);
    }
    shop.stop();
    Ok(())
}
