//! The commands that talk to a running Orderflow over HTTP.
//!
//! They check only values that they have to interpret themselves, such as a price in major units. Whether a value is allowed is the server's
//! decision, and its problem details are shown as they are.

mod arguments;
mod consumer;
mod customer;
mod error;
mod faults;
mod health;
pub(crate) mod http;
mod notification;
mod order;
pub(crate) mod output;
mod payment;
mod product;
mod queues;
pub(crate) mod session;
mod stock;

use orderflow_settings::Snapshot;

pub use arguments::{PriceError, parse_price};
pub use consumer::ConsumerArgs;
pub use customer::CustomerArgs;
pub use error::ClientError;
pub use faults::FaultsArgs;
pub use health::HealthArgs;
pub use http::Problem;
pub use notification::NotificationArgs;
pub use order::OrderArgs;
pub use output::Output;
pub use payment::PaymentArgs;
pub use product::ProductArgs;
pub use queues::QueuesArgs;
pub use session::ConnectionArgs;
pub use stock::StockArgs;

/// A command that talks to a running system.
#[derive(clap::Subcommand)]
pub enum ClientCommand {
    /// Place, list, cancel and follow orders.
    Order(OrderArgs),
    /// Add, list, change and remove products.
    Product(ProductArgs),
    /// Read and change stock levels.
    Stock(StockArgs),
    /// List payments, and retry refunds that failed.
    Payment(PaymentArgs),
    /// List the messages sent to customers, and send messages.
    Notification(NotificationArgs),
    /// Export what is stored about a customer, and forget a customer.
    Customer(CustomerArgs),
    /// Show the consumers and their queues, pause and resume them.
    Consumer(ConsumerArgs),
    /// Count the messages of each consumer's queue.
    Queues(QueuesArgs),
    /// Break a local system on purpose, and end that.
    Faults(FaultsArgs),
    /// Show the health of a running system; exit code 1 if it is unhealthy or cannot be reached, 3 if it is degraded.
    Health(HealthArgs),
}

/// Runs one command.
///
/// # Errors
/// Any [`ClientError`]; [`ClientError::exit_code`] gives the exit code of the program.
pub fn run(command: ClientCommand, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match command {
            ClientCommand::Order(args) => args.run(environment, output).await,
            ClientCommand::Product(args) => args.run(environment, output).await,
            ClientCommand::Stock(args) => args.run(environment, output).await,
            ClientCommand::Payment(args) => args.run(environment, output).await,
            ClientCommand::Notification(args) => args.run(environment, output).await,
            ClientCommand::Customer(args) => args.run(environment, output).await,
            ClientCommand::Consumer(args) => args.run(environment, output).await,
            ClientCommand::Queues(args) => args.run(environment, output).await,
            ClientCommand::Faults(args) => args.run(environment, output).await,
            ClientCommand::Health(args) => args.run(environment, output).await,
        }
    });
    // A thread may still block on reading the answer to a question.
    runtime.shutdown_background();
    done?;
    output.flush()?;
    Ok(())
}
