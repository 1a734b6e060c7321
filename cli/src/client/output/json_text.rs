//! Formatting of JSON text without decoding it: members keep their order and numbers their digits.

/// Returns the same JSON on several lines, indented by two. The text must be JSON.
pub(crate) fn pretty(json: &str) -> String {
    let tokens = compact(json);
    let mut out = String::with_capacity(tokens.len() * 2);
    let mut depth = 0;
    let mut outside = Outside::default();
    let mut characters = tokens.chars().peekable();
    while let Some(c) = characters.next() {
        if !outside.at(c) {
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = usize::saturating_sub(depth, 1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    out
}

/// Returns the same JSON on one line, without whitespace. The text must be JSON.
pub(crate) fn compact(json: &str) -> String {
    let mut outside = Outside::default();
    json.chars().filter(|c| !(outside.at(*c) && c.is_ascii_whitespace())).collect()
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Tracks, character by character, whether a position in JSON text is outside all strings.
#[derive(Default)]
struct Outside {
    in_string: bool,
    escaped: bool,
}

impl Outside {
    /// Takes the next character of the text and returns whether it is outside all strings. Quotes count as part of their string.
    fn at(&mut self, c: char) -> bool {
        let outside = !self.in_string && c != '"';
        if self.escaped {
            self.escaped = false;
        } else if c == '"' {
            self.in_string = !self.in_string;
        } else if self.in_string && c == '\\' {
            self.escaped = true;
        }
        outside
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn order_of_members_and_digits_of_numbers_are_kept() {
        let json = r#"{"b":[1,{}],"a":{"x y":"q\": {, ","n":10000000000000000000001.10},"e":[]}"#;
        let expected = r#"{
  "b": [
    1,
    {}
  ],
  "a": {
    "x y": "q\": {, ",
    "n": 10000000000000000000001.10
  },
  "e": []
}"#;
        assert_eq!(pretty(json), expected);
        assert_eq!(pretty(expected), expected);
        assert_eq!(compact(expected), json);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..4)
                    .prop_map(|members| { Value::Object(members.into_iter().collect()) }),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_layout_is_that_of_serde_json(value in any_json()) {
            let text = value.to_string();
            let laid_out = pretty(&text);
            prop_assert_eq!(&laid_out, &serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(compact(&laid_out), text);
        }
    }
}
