//! The recording of a terminal as an animated SVG: a page for each step. What cannot animate it shows the last one.

use std::fmt::Write as _;

const COLUMN: f64 = 7.8;
const LINE: usize = 19;
const TOP: usize = 62;

/// How long a page stays: some seconds, and more for each line.
const PAGE_SECONDS: f64 = 2.0;
const LINE_SECONDS: f64 = 0.5;

/// What a terminal has received, without what differs from run to run.
pub(crate) struct Recording {
    pages: Vec<Vec<Line>>,
}

/// A line: the class of its style, and its text. The demo styles whole lines.
struct Line {
    class: &'static str,
    text: String,
}

impl Recording {
    pub(crate) fn of(text: &str) -> Self {
        let mut pages: Vec<Vec<Line>> = Vec::new();
        for line in normalised(text).lines().map(Line::of) {
            if line.class == "heading" {
                pages.push(Vec::new());
            }
            if let Some(page) = pages.last_mut() {
                page.push(line);
            }
        }
        for page in &mut pages {
            while page.last().is_some_and(|line| line.text.trim().is_empty()) {
                page.pop();
            }
        }
        Self { pages }
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.pages.iter().flatten()
    }

    pub(crate) fn titles(&self) -> Vec<&str> {
        self.lines().filter(|line| line.class == "heading").map(|line| line.text.as_str()).collect()
    }

    pub(crate) fn widest_line(&self) -> usize {
        self.lines().map(|line| line.text.chars().count()).max().unwrap_or_default()
    }

    pub(crate) fn svg(&self) -> String {
        let rows = self.pages.iter().map(Vec::len).max().unwrap_or_default();
        let (width, height) = (COLUMN * 80.0 + 32.0, TOP + rows * LINE);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title\">\n\
             <title id=\"title\">A recording of orderflow demo</title>\n<style>\n{STYLE}"
        );
        let seconds = |page: &Vec<Line>| PAGE_SECONDS + LINE_SECONDS * page.len() as f64;
        let total: f64 = self.pages.iter().map(seconds).sum();
        let mut begin = 0.0;
        for (number, page) in self.pages.iter().enumerate() {
            let end = begin + seconds(page);
            let percent = |at: f64| format!("{:.2}%", 100.0 * at / total);
            let before = if number == 0 { String::new() } else { "0%{opacity:0}".to_owned() };
            let after = if end < total { format!("{}{{opacity:0}}", percent(end)) } else { String::new() };
            let shown = format!("{}{{opacity:1}}", percent(begin));
            writeln!(svg, "@keyframes page{number}{{{before}{shown}{after}}}").unwrap();
            writeln!(svg, "#page{number}{{animation-name:page{number};animation-duration:{total}s}}")
                .unwrap();
            begin = end;
        }
        write!(svg, "</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>\n")
            .unwrap();
        svg.push_str("<text class=\"accent\" x=\"16\" y=\"28\">$ orderflow demo</text>\n");
        for (number, page) in self.pages.iter().enumerate() {
            writeln!(svg, "<g class=\"page\" id=\"page{number}\">").unwrap();
            for (row, line) in page.iter().enumerate().filter(|(_, line)| !line.text.is_empty()) {
                let (class, y, text) = (line.class, TOP - 6 + row * LINE, escaped(&line.text));
                writeln!(svg, "<text class=\"{class}\" x=\"16\" y=\"{y}\">{text}</text>").unwrap();
            }
            svg.push_str("</g>\n");
        }
        svg.push_str("</svg>\n");
        svg
    }
}

const STYLE: &str = "\
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;fill:#e6edf3}
.ground{fill:#0d1117;stroke:#30363d}
.heading{font-weight:700;fill:#ffffff}
.accent{fill:#56d4dd}
.faint{fill:#b1bac4}
.good{fill:#56d364}
.bad{fill:#ff9492}
.page{opacity:0;animation-timing-function:step-end;animation-iteration-count:infinite}
.page:last-of-type{opacity:1}
@media (prefers-reduced-motion:reduce){.page{animation:none!important}}
";

impl Line {
    fn of(line: &str) -> Self {
        let styled = line.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m'));
        let (class, text) = match styled {
            None => ("plain", line),
            Some(("1", text)) => ("heading", text),
            Some(("2", text)) => ("faint", text),
            Some(("31", text)) => ("bad", text),
            Some(("32", text)) => ("good", text),
            Some(("36", text)) => ("accent", text),
            Some((code, _)) => panic!("the style {code} of {line:?} is not known"),
        };
        let text = text.strip_suffix("\u{1b}[0m").unwrap_or(text);
        assert!(!text.contains('\u{1b}'), "{line:?}");
        Self { class, text: text.to_owned() }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What precedes a number that differs from run to run, and the number that is shown instead.
const NUMBERS: [(&str, &str); 5] = [
    ("http://127.0.0.1:", "8080"),
    ("kill -9 ", "4242"),
    ("outcome=\"retried\"} ", "6"),
    ("Confirmed so far: ", "0"),
    ("Waiting for the provider: ", "20"),
];

/// Replaces ids by their position, and the other numbers that differ from run to run.
fn normalised(text: &str) -> String {
    let mut text = text.to_owned();
    for (before, shown) in NUMBERS {
        text = text
            .split(before)
            .enumerate()
            .map(|(part, rest)| match (part, rest.trim_start_matches(|c: char| c.is_ascii_digit())) {
                (0, _) => rest.to_owned(),
                (_, after) if after.len() == rest.len() => format!("{before}{rest}"),
                (_, after) => format!("{before}{shown}{after}"),
            })
            .collect();
    }
    let ids = ids(&text);
    for (position, id) in ids.iter().enumerate() {
        text = text.replace(id, &format!("01890a5d-ac96-774b-bcce-b30209{:06}", position + 1));
    }
    // Where there is no room for an id, its beginning is shown.
    ids.iter().fold(text, |text, id| text.replace(&id[..13], "01890a5d-ac96"))
}

/// Returns the ids in a text, each once.
fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for word in text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-')) {
        let lengths: Vec<usize> = word.split('-').map(str::len).collect();
        if lengths == [8, 4, 4, 4, 12] && !ids.iter().any(|id| id == word) {
            ids.push(word.to_owned());
        }
    }
    ids
}

#[test]
fn what_differs_from_run_to_run_is_replaced() {
    let id = "0199a7f2-1111-7222-8333-444455556666";
    assert_eq!(
        normalised(&format!("http://127.0.0.1:40123/x {id} kill -9 77\n{id} kill -9 in")),
        "http://127.0.0.1:8080/x 01890a5d-ac96-774b-bcce-b30209000001 kill -9 4242\n01890a5d-ac96-774b-bcce-b30209000001 kill -9 in"
    );
}
