//! The units of an order are those that docs/operate/cost.md states.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use orderflow_lab::{Bill, BillArgs, bill};

const COST: &str = include_str!("../../docs/operate/cost.md");

fn run(arguments: &[&str]) -> Bill {
    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: BillArgs,
    }
    let command: Command = clap::Parser::parse_from(std::iter::once("bill").chain(arguments.iter().copied()));
    bill(&command.args).unwrap()
}

/// Returns the figure of the page in the row of this name.
fn stated(row: &str) -> [f64; 2] {
    let line = COST.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap();
    let mut cells = line.split('|').skip(2).map(|cell| cell.trim().parse().unwrap());
    [cells.next().unwrap(), cells.next().unwrap()]
}

#[test]
fn an_order_uses_no_more_units_than_documented() {
    let full = run(&["--orders", "100"]);
    let alone = full.fill_1.as_deref().unwrap();
    assert_eq!((full.batch_fill, alone.batch_fill), (10, 1));
    for (row, counted) in [
        ("write units", [full.write_units_per_order, alone.write_units_per_order]),
        ("read units", [full.read_units_per_order, alone.read_units_per_order]),
    ] {
        for (counted, stated) in counted.into_iter().zip(stated(row)) {
            assert!((counted - stated).abs() <= 0.15, "{row}: {counted} counted, {stated} stated\n{full}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&full.json()).unwrap();
    assert_eq!(json["write_units_per_order"], full.write_units_per_order);
    assert_eq!(json["usd_per_million_orders"], full.usd_per_million_orders);
    assert_eq!(json["parts"].as_array().unwrap().len(), full.parts.len());
    for part in &full.parts {
        assert!(COST.contains(&format!("| `{}` |", part.name)), "{} is not explained", part.name);
    }
    let sum: f64 = full.parts.iter().map(|part| part.usd_per_million_orders).sum();
    assert!((sum - full.usd_per_million_orders).abs() < 0.01);
    for cheaper in full.as_workflow.values() {
        assert!(*cheaper > full.usd_per_million_orders);
    }
}

/// The bill counts the logs that a deployment writes if no parameter is set.
#[test]
fn logs_are_counted_with_the_levels_of_the_template() {
    let template = include_str!("../../template.yaml");
    let default_of = |parameter: &str| {
        let (_, rest) = template.split_once(&format!("\n  {parameter}:\n")).unwrap();
        rest.lines().find_map(|line| line.trim().strip_prefix("Default: ")).unwrap()
    };
    assert_eq!((default_of("LogLevel"), default_of("SystemLogLevel")), ("warn", "WARN"));
    let full = run(&["--orders", "50"]);
    let logs = full.parts.iter().find(|part| part.name == "logs_gb").unwrap();
    assert!(logs.usd_per_million_orders < 0.7, "{full}");
}

#[test]
fn the_indexes_cost_what_an_order_changes_in_them() {
    let full = run(&["--orders", "100"]);
    for (place, units) in [
        ("orders", 3.0),
        ("orders/all", 1.0),
        ("orders/by_customer", 1.0),
        ("orders/by_sku", 1.0),
        ("orders/open", 2.0),
        ("payments", 2.0),
        ("notifications", 1.0),
    ] {
        assert_eq!(full.write_units[place], units, "{place}");
    }
    assert_eq!(full.write_units.get("orders/by_status"), None, "confirmed orders are not in it");
    assert!(full.write_units["analytics"] <= 1.2, "{:?}", full.write_units);
}

#[test]
fn orders_for_one_product_share_the_write_of_its_stock() {
    let (spread, hot) = (run(&["--orders", "50"]), run(&["--orders", "50", "--products", "1"]));
    assert_eq!(hot.write_units["inventory"], 2.2);
    assert!(spread.write_units["inventory"] > 3.0);
    assert!(hot.write_units_per_order <= 14.5, "{hot}");
}
