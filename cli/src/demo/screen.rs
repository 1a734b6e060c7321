//! What the demo writes: sentences, requests and their answers, in at most 80 columns.

use std::io::{self, IsTerminal};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::client::Output;
use crate::client::http::ApiRequest;
use crate::client::output::printable;
use crate::client::output::style::{Colours, Style};
use crate::client::output::width::wrapped;

const WIDTH: usize = 80;

/// The columns of the mark in front of a line.
const MARK: usize = 3;

/// The characters of an id for which there is no room.
const SHORT_ID: usize = 13;

/// How long a step stays before the next one begins, on a terminal, where a person reads it.
const READING_TIME: Duration = Duration::from_millis(2_500);

/// Writes the story of the demo.
pub(super) struct Screen<'a> {
    output: &'a mut Output,
    colours: Colours,
    steps: u32,
}

impl<'a> Screen<'a> {
    pub(super) fn new(output: &'a mut Output, colours: Colours) -> Self {
        Self { output, colours, steps: 0 }
    }

    /// Writes the title of the next step.
    pub(super) async fn step(&mut self, title: &str) -> io::Result<()> {
        if self.steps > 0 && io::stdout().is_terminal() {
            tokio::time::sleep(READING_TIME).await;
        }
        self.steps += 1;
        let number = self.steps;
        self.output.line("")?;
        self.write(&format!("{number}. {title}"), "", Style::Heading)
    }

    /// Writes what happens, in whole sentences.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.write(text, "   ", Style::Plain)
    }

    /// Writes what has been seen at the end of a step.
    pub(super) fn seen(&mut self, text: &str) -> io::Result<()> {
        self.write(text, "=> ", Style::Good)
    }

    /// Writes something that the demo does besides requests.
    pub(super) fn does(&mut self, text: &str) -> io::Result<()> {
        self.write(text, " > ", Style::Accent)
    }

    /// Writes a request.
    pub(super) fn request(&mut self, request: &ApiRequest) -> io::Result<()> {
        let line = format!("{} {}", request.method, request.path);
        // The id is that of the answer before; a line that is broken inside of it cannot be read.
        let line = match line.rsplit_once('/') {
            Some((path, id)) if line.len() > WIDTH - MARK && id.len() > SHORT_ID => {
                format!("{path}/{}...", &id[..SHORT_ID])
            }
            _ => line,
        };
        match &request.body {
            Some(body) => self.does(&format!("{line} {}", spaced(body))),
            None => self.does(&line),
        }
    }

    /// Writes the status and some members of an answer, or a line of it that is not JSON.
    pub(super) fn answer(&mut self, status: StatusCode, shown: &str) -> io::Result<()> {
        self.write(&format!("{} {shown}", status.as_u16()), " < ", Style::Faint)
    }

    /// Writes a text after a mark. Further lines are indented as far.
    fn write(&mut self, text: &str, mark: &str, style: Style) -> io::Result<()> {
        for (position, line) in wrapped(&printable(text), WIDTH - mark.len()).iter().enumerate() {
            let mark = if position == 0 { mark.to_owned() } else { " ".repeat(mark.len()) };
            let line = self.colours.paint(format!("{mark}{line}").trim_end(), style);
            // Painted lines have escape sequences of this program; the rest is made visible above.
            self.output.bytes(format!("{line}\n").as_bytes())?;
        }
        self.output.flush()
    }
}

/// Returns some members of an answer, as JSON.
pub(super) fn members(value: &Value, names: &[&str]) -> String {
    let picked = names.iter().filter_map(|&name| Some((name.to_owned(), value.get(name)?.clone())));
    spaced(&Value::Object(picked.collect()))
}

/// Returns JSON with a space behind each comma, where a line may be broken.
fn spaced(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), spaced(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_named_members_are_shown() {
        let value = json!({"a": [1, {"x": "y, z"}], "b": [2], "c": null});
        assert_eq!(members(&value, &["c", "a", "d"]), r#"{"a":[1, {"x":"y, z"}], "c":null}"#);
    }
}
