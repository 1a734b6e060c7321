//! The `.http` file, which the HTTP clients of editors send requests from.

use super::sample::{Parameter, Request, Sample, Variable, variables};

const HEAD: &str = "\
# The calls of Orderflow's API, for the HTTP client of an editor. Generated from shared/documents/openapi.json.
# A system without authentication ignores the token.

@base_url = http://127.0.0.1:8080
@token = none
";

/// Writes the file.
pub(super) fn write(samples: &[Sample]) -> String {
    let variable = |Variable { name, value }: &Variable| format!("@{name} = {value}\n");
    let variables: String = variables(samples).iter().map(variable).collect();
    let requests: String = samples.iter().map(request).collect();
    format!("{HEAD}{variables}{requests}")
}

fn request(sample: &Sample) -> String {
    let mut lines = vec![String::new(), format!("### {}: {}", sample.tag, sample.summary)];
    lines.extend(optional("query", &sample.query));
    lines.extend(optional("headers", &sample.headers));
    lines.push(format!("{} {{{{base_url}}}}{}{}", sample.method, sample.path, query(sample)));
    if sample.takes_token {
        lines.push("Authorization: Bearer {{token}}".to_owned());
    }
    if sample.changes_something() {
        lines.push("Content-Type: application/json".to_owned());
    }
    if let Some(body) = &sample.body {
        lines.extend([String::new(), serde_json::to_string_pretty(body).unwrap()]);
    }
    lines.join("\n") + "\n"
}

/// Returns a comment with the parameters that the request does not have.
fn optional(place: &str, parameters: &[Parameter]) -> Option<String> {
    let optional = parameters.iter().filter(|parameter| !parameter.is_required);
    let names: Vec<&str> = optional.map(|parameter| parameter.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("# optional {place}: {}", names.join(", ")))
}

fn query(sample: &Sample) -> String {
    let required = sample.query.iter().filter(|parameter| parameter.is_required);
    let pairs: Vec<String> =
        required.map(|Parameter { name, value, .. }| format!("{name}={value}")).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Reads the requests of the file, with the values of its variables.
pub(super) fn read(text: &str) -> Vec<Request> {
    let (head, requests) = text.split_once("\n### ").unwrap();
    let variables = head.lines().filter_map(|line| line.strip_prefix('@')?.split_once(" = "));
    let filled = variables.fold(requests.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), if name == "base_url" { "" } else { value })
    });
    assert!(!filled.contains("{{"), "a variable has no value: {filled}");
    filled.split("\n### ").map(read_request).collect()
}

fn read_request(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines().skip(1).filter(|line| !line.starts_with('#'));
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: lines.filter_map(header).collect(),
        body: body.trim_end().to_owned(),
    }
}
