//! The commands of the troubleshooting guide.

use orderflow::cli::Cli;

use crate::program::ID;

const GUIDE: &str = include_str!("../../../docs/operate/troubleshooting.md");

#[test]
fn every_command_of_the_guide_is_valid() {
    let blocks = GUIDE.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("orderflow "));
    let mut commands = 0;
    for line in lines {
        let command = line.split(" #").next().unwrap_or(line).replace(" ID", &format!(" {ID}"));
        if let Err(error) = Cli::command_from(command.split_whitespace()) {
            panic!("{line}: {error}");
        }
        commands += 1;
    }
    assert!(commands > 10, "{commands}");
}
