//! Programs that other modes need.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::check::Check;

/// The time that a program has to say its version. The SAM CLI takes two seconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A program: its name, how it says its version, and what to do if it is absent.
struct Tool {
    name: &'static str,
    command: &'static [&'static str],
    advice: &'static str,
}

const TOOLS: [Tool; 4] = [
    Tool {
        name: "docker",
        command: &["docker", "version", "--format", "{{.Server.Version}}"],
        advice: "Docker Compose, `sam local` and the emulators need it: https://docs.docker.com/engine/install",
    },
    Tool {
        name: "compose",
        command: &["docker", "compose", "version", "--short"],
        advice: "docker-compose.yml needs it: https://docs.docker.com/compose/install",
    },
    Tool {
        name: "sam",
        command: &["sam", "--version"],
        advice: "deploying template.yaml needs it: https://aws.amazon.com/serverless/sam",
    },
    Tool {
        name: "cargo-lambda",
        command: &["cargo-lambda", "lambda", "--version"],
        advice: "building bundles for Lambda needs it: https://www.cargo-lambda.info/guide/installation.html",
    },
];

/// Asks every program for its version, at the same time.
pub(super) fn checks() -> Vec<Check> {
    let running: Vec<_> = TOOLS.iter().map(|tool| (tool, thread::spawn(|| version(tool.command)))).collect();
    let found = running.into_iter().map(|(tool, running)| {
        let found = running.join().unwrap_or_else(|_| Err("it cannot be asked".to_owned()));
        match found {
            Ok(version) => Check::ok(tool.name, version),
            Err(reason) => Check::absent(tool.name, reason, tool.advice),
        }
    });
    found.collect()
}

/// Runs a program and returns the first line that it prints, or why there is none.
fn version(command: &[&str]) -> Result<String, String> {
    let [program, arguments @ ..] = command else { return Err("no program".to_owned()) };
    let mut started = Command::new(program);
    started.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = started.spawn().map_err(|_| format!("{program} is not on the PATH"))?;
    let deadline = Instant::now() + TIMEOUT;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            _ => {
                // Both fail if it has ended meanwhile.
                let (_killed, _waited) = (child.kill(), child.wait());
                return Err(format!("{program} did not answer within {} s", TIMEOUT.as_secs()));
            }
        }
    };
    let mut text = String::new();
    let read = child.stdout.take().map(|mut output| output.read_to_string(&mut text));
    let line = text.lines().next().unwrap_or_default().trim();
    match (status.success(), read) {
        (true, Some(Ok(_))) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("`{}` failed: is it set up, and does its service run?", command.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_its_version_or_why_not() {
        assert_eq!(version(&["sh", "-c", "echo 1.2; echo more"]), Ok("1.2".to_owned()));
        assert!(version(&["sh", "-c", "exit 3"]).unwrap_err().contains("failed"));
        assert!(version(&["orderflow-no-such-program"]).unwrap_err().contains("not on the PATH"));
    }
}
