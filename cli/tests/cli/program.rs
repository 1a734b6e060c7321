//! The program and the bodies that it reads.

use std::process::Command;

use serde_json::{Value, json};

pub(crate) const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program with these arguments, separated by blanks, and nothing in its environment.
pub(crate) fn program(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderflow"));
    command.env_clear().args(arguments.split_whitespace());
    command
}

pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
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
