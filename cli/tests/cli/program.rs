//! Runs of the program, and bodies that the server sends.

use std::process::Command;

use orderflow_testing::program::{self, Launch, Run};
use serde_json::{Value, json};

pub(crate) const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Returns the program with these arguments, separated by spaces, and an empty environment.
pub(crate) fn program(arguments: &str) -> Command {
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments.split_whitespace()).command()
}

pub(crate) fn finish(command: &mut Command) -> Run {
    program::run(command)
}

/// Runs the program against the system at `url`.
pub(crate) fn run(url: &str, arguments: &str) -> Run {
    finish(program(arguments).env("ORDERFLOW_URL", url))
}

pub(crate) fn order(status: &str) -> Value {
    let mut order = json!({
        "id": ID, "customer_id": "C100", "email": "c100@example.com",
        "items": [{"sku": "TSHIRT-BLK-M", "name": "T-shirt", "quantity": 2, "unit_price": 1999}],
        "total": {"amount": 3998, "currency": "USD"}, "status": status,
        "created_at": "2026-11-20T10:00:00.000Z", "updated_at": "2026-11-20T10:00:01.000Z",
    });
    if status == "rejected" {
        order["reason"] = json!("out_of_stock");
    }
    order
}
