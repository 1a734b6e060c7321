//! Time and randomness: the code that a simulation runs takes both from where the simulation can replace them.

use std::path::Path;

/// The code that a simulation runs.
const SIMULATED: &[&str] = &[
    "functions",
    "shared/domain/src",
    "shared/backoff/src",
    "shared/circuit-breaker/src",
    "shared/store/src",
    "shared/messaging/src",
    "shared/bridge/src/relay",
    "shared/bridge/src/runtime_table",
];

/// What reads the system's clock or randomness, and what to use instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("Utc::now", "Timestamp::now"),
    ("SystemTime::now", "Timestamp::now"),
    ("std::time::Instant", "tokio::time::Instant"),
    ("now_v7", "orderflow_domain::ordered_id"),
    ("new_v4", "orderflow_domain::random_id"),
    ("getrandom", "orderflow_domain::random_id"),
    ("rand::", "orderflow_domain::random_id, or fastrand's generator of the thread"),
    ("fastrand::Rng::new", "fastrand's generator of the thread, which a simulation seeds"),
];

#[test]
fn simulated_code_reads_no_other_clock_and_no_other_randomness() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in SIMULATED {
        search(&root.join(folder), &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn search(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" {
                search(&path, found);
            }
        } else if name.ends_with(".rs")
            && !name.ends_with("tests.rs")
            && !path.ends_with("domain/src/source.rs")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            found.extend(code.lines().enumerate().filter_map(|(line, code)| {
                let instead = offence(code)?;
                Some(format!("{}:{}: use {instead}", path.display(), line + 1))
            }));
        }
    }
}

/// Returns what to use instead of what a line uses, if that is forbidden.
fn offence(code: &str) -> Option<&'static str> {
    let code = code.split("//").next().unwrap_or_default();
    let imported = code.contains("use std::time::") && code.contains("Instant");
    let (_, instead) = FORBIDDEN.iter().find(|(name, _)| match *name {
        "std::time::Instant" => imported || code.contains(name),
        "rand::" => code.match_indices(name).any(|(at, _)| !code[..at].ends_with("fast")),
        _ => code.contains(name),
    })?;
    Some(instead)
}

#[test]
fn each_forbidden_use_is_found_and_the_permitted_ones_are_not() {
    for code in [
        "let id = Uuid::now_v7();",
        "use std::time::{Duration, Instant};",
        "let now = std::time::Instant::now();",
        "let x = rand::random();",
        "fastrand::Rng::new()",
    ] {
        assert!(offence(code).is_some(), "{code}");
    }
    for code in ["fastrand::u8(..)", "use tokio::time::Instant;", "use std::time::Duration; // not Instant"] {
        assert!(offence(code).is_none(), "{code}");
    }
}
