//! The commands that talk to a running Orderflow over HTTP.
//!
//! They check only what they must understand themselves; whether a value is allowed is the server's decision, and its
//! problem details are shown as they are.

mod arguments;
mod completions;
mod error;
mod health;
pub(crate) mod http;
mod notification;
mod order;
pub(crate) mod output;
mod payment;
mod product;
pub(crate) mod session;
mod stock;

pub use arguments::{PriceError, parse_price};
pub use completions::CompletionsArgs;
pub use error::ClientError;
pub use health::HealthArgs;
pub use http::Problem;
pub use notification::NotificationArgs;
pub use order::OrderArgs;
pub use output::Output;
pub use payment::PaymentArgs;
pub use product::ProductArgs;
pub use session::ConnectionArgs;
pub use stock::StockArgs;

/// A command for a running system.
#[derive(clap::Subcommand)]
pub enum ClientCommand {
    /// Place orders and follow them.
    Order(OrderArgs),
    /// Add products, list them, change and remove them.
    Product(ProductArgs),
    /// Read and change the stock.
    Stock(StockArgs),
    /// See what was charged, and try refunds again that failed.
    Payment(PaymentArgs),
    /// See what was sent to customers, and send messages.
    Notification(NotificationArgs),
    /// Ask a running system how it is; exit code 1 where it is unhealthy or cannot be reached.
    Health(HealthArgs),
    /// Print the completion script of a shell.
    Completions(CompletionsArgs),
}

/// Runs one command to its end.
///
/// # Errors
/// Any [`ClientError`]; it says itself which exit code it stands for.
pub fn run(command: ClientCommand, output: &mut Output) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            ClientCommand::Order(args) => args.run(output).await,
            ClientCommand::Product(args) => args.run(output).await,
            ClientCommand::Stock(args) => args.run(output).await,
            ClientCommand::Payment(args) => args.run(output).await,
            ClientCommand::Notification(args) => args.run(output).await,
            ClientCommand::Health(args) => args.run(output).await,
            ClientCommand::Completions(args) => args.run(output),
        }
    })?;
    output.flush()?;
    Ok(())
}
