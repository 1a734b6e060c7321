//! Reads the scenarios of the page: commands and their expected output.

use crate::answer::Expected;

/// The commands below one heading.
pub(crate) struct Scenario {
    pub title: String,
    pub steps: Vec<Step>,
}

/// One command with its expected output.
pub(crate) struct Step {
    pub command: String,
    pub expected: Expected,
}

/// Returns every scenario of docs/reference/scenarios.md, in order.
pub(crate) fn scenarios() -> Vec<Scenario> {
    read(include_str!("../../../docs/reference/scenarios.md"))
}

fn read(page: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut lines = page.lines();
    let mut title = "";
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            title = line.trim_start_matches(['#', ' ']);
        } else if line == "```console" {
            let steps = steps(&mut lines);
            match scenarios.last_mut().filter(|scenario| scenario.title == title) {
                Some(scenario) => scenario.steps.extend(steps),
                None => scenarios.push(Scenario { title: title.to_owned(), steps }),
            }
        }
    }
    scenarios
}

/// Reads the commands of a block up to and including its end.
fn steps<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(line) = lines.next().filter(|line| *line != "```") {
        let mut command =
            line.strip_prefix("$ ").unwrap_or_else(|| panic!("not a command: {line}")).to_owned();
        while command.ends_with('\\') {
            command.push('\n');
            command.push_str(lines.next().unwrap());
        }
        let answer = lines.next().unwrap();
        steps.push(Step {
            command,
            expected: answer.parse().unwrap_or_else(|error| panic!("{answer}: {error}")),
        });
    }
    steps
}

#[test]
fn blocks_under_one_heading_are_one_scenario() {
    let page = "## A\n```console\n$ one \\\n  two\n200\n```\ntext\n```console\n$ three\ncontains x\n```\n## B\n```sh\nno\n```\n";
    let scenarios = read(page);
    assert_eq!(scenarios.len(), 1);
    let commands: Vec<&str> = scenarios[0].steps.iter().map(|step| step.command.as_str()).collect();
    assert_eq!(commands, ["one \\\n  two", "three"]);
}
