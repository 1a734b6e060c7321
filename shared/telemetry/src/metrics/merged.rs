//! Puts metrics of several sets of labels into one log line.

use serde_json::{Map, Value};

/// The field with the directives of the format.
const DIRECTIVES: &str = "/_aws/CloudWatchMetrics";

/// Merges log lines in the Embedded Metric Format into as few as possible: each byte of a log is paid for, and each line repeats service, time and
/// namespace. A line names its metrics and labels in directives, which refer to the other fields of the line. Two lines become one with the directives
/// of both where no field has two values. A line that is not of the format stays as it is.
pub(super) fn merged(lines: &[u8]) -> Vec<u8> {
    let mut merged: Vec<Map<String, Value>> = Vec::new();
    let mut written = Vec::with_capacity(lines.len());
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Some(line) = parsed(line) else {
            written.extend_from_slice(line);
            written.push(b'\n');
            continue;
        };
        match merged.iter_mut().find(|other| agree(other, &line)) {
            Some(other) => merge(other, line),
            None => merged.push(line),
        }
    }
    for line in merged {
        written.extend_from_slice(Value::Object(line).to_string().as_bytes());
        written.push(b'\n');
    }
    written
}

fn parsed(line: &[u8]) -> Option<Map<String, Value>> {
    let line: Value = serde_json::from_slice(line).ok()?;
    line.pointer(DIRECTIVES)?.as_array()?;
    match line {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// Returns whether no field has different values in two lines. The time of a flush is that of its first line.
fn agree(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let differs = |(name, value): (&String, &Value)| {
        name != "_aws" && one.get(name).is_some_and(|same_name| same_name != value)
    };
    !other.iter().any(differs)
}

fn merge(line: &mut Map<String, Value>, other: Map<String, Value>) {
    for (name, value) in other {
        if name != "_aws" {
            line.insert(name, value);
            continue;
        }
        let more = value["CloudWatchMetrics"].as_array().cloned().unwrap_or_default();
        if let Some(directives) = line.get_mut("_aws").and_then(|aws| aws["CloudWatchMetrics"].as_array_mut())
        {
            directives.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(labels: &[(&str, &str)], metric: &str, value: u32) -> Value {
        let dimensions: Vec<&str> =
            std::iter::once("service").chain(labels.iter().map(|(name, _)| *name)).collect();
        let directive =
            json!({"Namespace": "Orderflow", "Dimensions": [dimensions], "Metrics": [{"Name": metric}]});
        let mut line =
            json!({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "service": "intake"});
        line[metric] = value.into();
        for (name, value) in labels {
            line[*name] = (*value).into();
        }
        line
    }

    fn merged_lines(lines: &[&Value]) -> Vec<Value> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let merged = String::from_utf8(merged(text.as_bytes())).unwrap();
        merged.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn lines_that_agree_become_one_with_the_directives_of_all() {
        let placed = line(&[], "orders", 1);
        let request = line(&[("method", "POST"), ("status", "202")], "requests", 1);
        let lookup = line(&[("outcome", "hit")], "lookups", 2);
        let merged = merged_lines(&[&placed, &request, &lookup]);
        let [merged] = &merged[..] else { panic!("{merged:?}") };
        for line in [&placed, &request, &lookup] {
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert!(merged["_aws"]["CloudWatchMetrics"].as_array().unwrap().contains(directive));
            for (name, value) in line.as_object().unwrap() {
                assert!(name == "_aws" || merged[name] == *value, "{name}");
            }
        }
    }

    #[test]
    fn lines_with_different_values_of_a_label_or_of_a_metric_stay_apart() {
        let [done, retry] = ["done", "retry"].map(|outcome| line(&[("outcome", outcome)], "deliveries", 3));
        assert_eq!(merged_lines(&[&done, &retry]), [done.clone(), retry]);
        let more = line(&[("consumer", "payment")], "deliveries", 4);
        assert_eq!(merged_lines(&[&done, &more]).len(), 2);
        let same = line(&[("consumer", "payment")], "deliveries", 3);
        assert_eq!(merged_lines(&[&done, &same]).len(), 1);
    }

    #[test]
    fn a_line_of_another_format_stays_as_it_is() {
        assert_eq!(merged(b"plain\n{\"a\":1}\n"), b"plain\n{\"a\":1}\n");
    }
}
