//! Durations as people write them.

use std::time::Duration;

/// Reads a whole number with a unit: `500ms`, `30s`, `2m`, `1h`.
///
/// # Errors
/// With what is expected.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "must be a whole number with a unit, such as 500ms, 30s, 2m or 1h";
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u32 = digits.parse().map_err(|_| EXPECTED)?;
    let milliseconds = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(EXPECTED),
    };
    Ok(Duration::from_millis(u64::from(number) * milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in
            [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for bad in ["", "30", "s", "-1s", "1.5s", "1d", "1 s", "99999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }
}
