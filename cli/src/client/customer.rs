//! `orderflow customer`.

use orderflow_settings::Snapshot;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::http::ApiRequest;
use crate::client::output::Table;
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};

/// The flags and subcommands of `orderflow customer`.
#[derive(clap::Args)]
pub struct CustomerArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: CustomerCommand,
}

#[derive(clap::Subcommand)]
enum CustomerCommand {
    /// Print everything that is stored about a customer, as one JSON document.
    #[command(after_help = EXPORT_AFTER_HELP)]
    Export(OneCustomer),
    /// Blank a customer's addresses, numbers, payment tokens and texts permanently. Orders, amounts and the customer's id stay.
    #[command(after_help = FORGET_AFTER_HELP)]
    Forget(OneCustomer),
}

const EXPORT_AFTER_HELP: &str = "\
The document has the customer's orders, each with its events, its payment and the notifications about it, and the notifications that were
requested with `orderflow notification send`. Payment tokens are left out.

Example:
  orderflow customer export C100
  orderflow customer export C100 > C100.json";

const FORGET_AFTER_HELP: &str = "\
This cannot be undone. It is refused while an order of the customer is not settled; the message names the orders. A command that was
interrupted can be run again.

Example:
  orderflow customer forget C100
  orderflow customer forget C100 --json";

#[derive(clap::Args)]
struct OneCustomer {
    /// The id of the customer.
    #[arg(value_name = "CUSTOMER")]
    customer: String,
}

/// A page of an export.
#[derive(Deserialize)]
struct ExportPage {
    orders: Vec<Box<RawValue>>,
    notifications: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// A whole export.
#[derive(Serialize)]
struct Export<'a> {
    customer_id: &'a str,
    orders: Vec<Box<RawValue>>,
    notifications: Vec<Box<RawValue>>,
}

/// What one call blanked.
#[derive(Deserialize)]
struct ForgottenPart {
    orders: u64,
    payments: u64,
    notifications: u64,
    messages: u64,
    next_cursor: Option<String>,
}

/// What all calls blanked.
#[derive(Default, Serialize)]
struct Forgotten {
    customer_id: String,
    orders: u64,
    payments: u64,
    notifications: u64,
    messages: u64,
}

impl CustomerArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        match self.command {
            CustomerCommand::Export(one) => one.export(&mut session).await,
            CustomerCommand::Forget(one) => one.forget(&mut session).await,
        }
    }
}

impl OneCustomer {
    fn request(&self, method: Method, cursor: Option<String>) -> ApiRequest {
        // No path can have an id with a slash, a query can.
        let request = ApiRequest::new(method, "/api/v1/customers").query("customer_id", Some(&self.customer));
        request.query("cursor", cursor).retried()
    }

    async fn export(&self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let customer_id = &*self.customer;
        let mut export = Export { customer_id, orders: Vec::new(), notifications: Vec::new() };
        let mut cursor = None;
        loop {
            let response = session.api.fetch(&self.request(Method::GET, cursor)).await?;
            let page: ExportPage = response.decode()?;
            export.orders.extend(page.orders);
            export.notifications.extend(page.notifications);
            cursor = page.next_cursor;
            if cursor.is_none() {
                let json = serde_json::to_string(&export);
                return session.write_json(&json.map_err(|error| response.unexpected(Some(&error)))?);
            }
            session.output.note(format_args!("{} orders so far", export.orders.len()));
        }
    }

    async fn forget(&self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let mut done = Forgotten { customer_id: self.customer.clone(), ..Forgotten::default() };
        let mut cursor = None;
        loop {
            let response = session.api.fetch(&self.request(Method::DELETE, cursor)).await?;
            let part: ForgottenPart = response.decode()?;
            done.orders += part.orders;
            done.payments += part.payments;
            done.notifications += part.notifications;
            done.messages += part.messages;
            cursor = part.next_cursor;
            if cursor.is_none() {
                return done.show(session);
            }
            if part.orders > 0 {
                session.output.note(format_args!("{} orders blanked so far", done.orders));
            }
        }
    }
}

impl Forgotten {
    fn show(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        match session.format {
            Format::Json => {
                let json = serde_json::to_string(&self).expect("texts and numbers under text keys are JSON");
                session.write_json(&json)
            }
            Format::Table => {
                let counts = [self.orders, self.payments, self.notifications, self.messages];
                let row = std::iter::once(self.customer_id).chain(counts.map(|count| count.to_string()));
                let headers = ["CUSTOMER", "ORDERS", "PAYMENTS", "NOTIFICATIONS", "MESSAGES"];
                Ok(Table::new(&headers).write(vec![row.collect()], session.output)?)
            }
        }
    }
}
