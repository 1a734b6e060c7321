//! Paths that servers and gateways read differently.

use crate::{Problem, ProblemKind};

/// Checks that every server reads a path alike, so that the path that a gateway, a proxy or this program authorises is the one that it
/// dispatches. `raw` is the path before any decoding.
///
/// # Errors
/// 400 for a path with a segment `.` or `..`, a backslash, or an encoded dot, slash or backslash, also if it is encoded several times.
pub fn check_path(raw: &str) -> Result<(), Problem> {
    if is_ambiguous(raw) {
        Err(Problem::new(
            ProblemKind::MalformedRequest,
            "The path has dot segments, backslashes, or encoded dots, slashes or backslashes, which servers read differently.",
        ))
    } else {
        Ok(())
    }
}

fn is_ambiguous(raw: &str) -> bool {
    raw.contains('\\')
        || raw.split(['/', ';']).any(|segment| matches!(segment, "." | ".."))
        || raw.split('%').skip(1).any(hides_a_separator)
}

/// Returns whether the text after a `%` is the code of a dot, a slash or a backslash. `25`, the code of `%` itself, encodes it once more.
fn hides_a_separator(mut code: &str) -> bool {
    while let Some(inner) = code.strip_prefix("25") {
        code = inner;
    }
    code.get(..2)
        .is_some_and(|code| ["2e", "2f", "5c"].iter().any(|hidden| code.eq_ignore_ascii_case(hidden)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_servers_read_differently_is_refused() {
        for hidden in [
            "..",
            ".",
            "../x",
            "./x",
            "..%2fx",
            "..%2Fx",
            "%2e%2e/x",
            "%2E./x",
            ".%2e/x",
            "%2e",
            "a%2eb",
            "a%2Fb",
            "..\\x",
            "\\..\\x",
            "..%5cx",
            "..%5Cx",
            "%5c",
            "%252e%252e%252fx",
            "%25252Fx",
            "..;/x",
            "..;a=b/x",
            "x;..",
        ] {
            for path in [format!("/api/v1/products/{hidden}"), format!("/{hidden}"), format!("/{hidden}/api")]
            {
                assert!(check_path(&path).is_err(), "{path}");
            }
        }
    }

    #[test]
    fn other_paths_are_not_refused() {
        for path in [
            "",
            "/",
            "/api/v1/orders",
            "/api/v1/products/A.B..C",
            "/api/v1/products/...",
            "/a%20b%25",
            "/a%2",
            "/a%",
            "/%2",
            "/100%25off",
            "/%C3%A4",
            "/ä",
            "/a;b",
            "/a//b",
            "/%e2%80%ae",
            "/%2525",
        ] {
            assert!(check_path(path).is_ok(), "{path}");
        }
    }
}
