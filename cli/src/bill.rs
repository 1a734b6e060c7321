//! `orderflow bill`: what a confirmed order costs on AWS. The counting itself is in `orderflow-lab`.

use orderflow_lab::BillArgs;

use crate::client::{ClientError, Output};

/// Counts and prices what orders use, and prints the bill.
///
/// # Errors
/// If a flag cannot be used, if an order is not confirmed, or if the figures cannot be written.
pub fn run(args: &BillArgs, output: &mut Output) -> anyhow::Result<()> {
    let bill = orderflow_lab::bill(args)?;
    let text = if args.json { bill.json() } else { bill.to_string() };
    output.line(text.trim_end()).map_err(ClientError::from)?;
    output.flush().map_err(ClientError::from)?;
    Ok(())
}
