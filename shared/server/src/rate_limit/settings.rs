//! The settings of the limits.

use orderflow_settings::declared::{GLOBAL_RATE_LIMIT, RATE_BURST, RATE_LIMIT, TRUSTED_PROXIES};
use orderflow_settings::{NotAllowed, Reader, Setting};

use super::RateLimits;
use super::buckets::Rate;
use super::network::networks;

impl RateLimits {
    /// Reads the settings. Without them, nothing is limited.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let (per_second, burst) = (number(reader, &RATE_LIMIT), number(reader, &RATE_BURST));
        let global = number(reader, &GLOBAL_RATE_LIMIT);
        if reader.is_given(&RATE_BURST) && !reader.is_given(&RATE_LIMIT) {
            let _refused = reader.conflict([&RATE_BURST, &RATE_LIMIT], |[burst, limit]| {
                format!("{burst} has no effect without {limit}: set both, or neither")
            });
        }
        let rate = |per_second: u32, burst: Option<u32>| Rate {
            per_second,
            burst: burst.unwrap_or(per_second.saturating_mul(2)),
        };
        Self {
            per_caller: per_second.map(|per_second| rate(per_second, burst)),
            global: global.map(|per_second| rate(per_second, None)),
            trusted_proxies: reader.optional(&TRUSTED_PROXIES, networks).unwrap_or_default(),
        }
    }
}

/// Reads a number from 1 to a million.
fn number(reader: &mut Reader<'_>, setting: &'static Setting) -> Option<u32> {
    reader.optional(setting, |text| match text.trim().parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err(NotAllowed),
    })
}

#[cfg(test)]
mod tests {
    use orderflow_settings::{Snapshot, read};

    use super::*;

    fn limits(variables: &[(&str, &str)]) -> Result<RateLimits, String> {
        let snapshot = Snapshot::from_variables(variables.iter().copied());
        read(&snapshot, |reader| Ok(RateLimits::read(reader))).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_limited_without_settings() {
        let limits = limits(&[]).unwrap();
        assert!(limits.per_caller.is_none() && limits.global.is_none());
    }

    #[test]
    fn the_burst_is_twice_the_rate_unless_it_is_set() {
        let default = limits(&[("ORDERFLOW_RATE_LIMIT", "5")]).unwrap().per_caller;
        assert_eq!(default, Some(Rate { per_second: 5, burst: 10 }));
        let set = limits(&[("ORDERFLOW_RATE_LIMIT", "5"), ("ORDERFLOW_RATE_BURST", "1")]).unwrap().per_caller;
        assert_eq!(set, Some(Rate { per_second: 5, burst: 1 }));
    }

    #[test]
    fn a_limit_that_cannot_be_kept_is_refused() {
        for (name, value) in [
            ("ORDERFLOW_RATE_LIMIT", "0"),
            ("ORDERFLOW_RATE_LIMIT", "-1"),
            ("ORDERFLOW_RATE_LIMIT", "5/s"),
            ("ORDERFLOW_RATE_LIMIT", "99999999999"),
            ("ORDERFLOW_RATE_BURST", "3"),
            ("ORDERFLOW_GLOBAL_RATE_LIMIT", "many"),
            ("ORDERFLOW_TRUSTED_PROXIES", "proxy.example.com"),
        ] {
            let error = limits(&[(name, value)]).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
}
