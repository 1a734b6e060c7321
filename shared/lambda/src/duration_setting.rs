//! Durations in the environment.

use std::time::Duration;

/// A setting of the environment that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value:?} must be a time such as 30s, 500ms or 5m")]
pub struct DurationSettingError {
    name: &'static str,
    value: String,
}

/// The duration that a variable asks for, as people write it (`30s`, `5m`, `1h 30m`); none where it is not set.
///
/// # Errors
/// [`DurationSettingError`] names the variable that cannot be used.
pub fn duration_setting(name: &'static str) -> Result<Option<Duration>, DurationSettingError> {
    std::env::var(name).ok().map(|value| parse(name, value)).transpose()
}

fn parse(name: &'static str, value: String) -> Result<Duration, DurationSettingError> {
    humantime::parse_duration(value.trim()).map_err(|_| DurationSettingError { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("30s", 30), ("2m", 120), (" 1h 30m ", 5_400), ("0s", 0)] {
            assert_eq!(parse("WAIT", text.to_owned()).unwrap(), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn what_is_none_is_named() {
        for bad in ["", "30", "-1s", "soon"] {
            let error = parse("WAIT", bad.to_owned()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("WAIT={bad:?}")), "{error}");
        }
    }
}
