//! The settings of Stripe.

use std::fmt;

use orderflow_errors::url_without_secrets;
use orderflow_settings::declared::{STRIPE_API_KEY, STRIPE_API_URL};
use orderflow_settings::{NotAllowed, Reader};
use reqwest::Url;

/// The prefixes of secret and of restricted keys in live mode, which move real money.
const LIVE_PREFIXES: [&str; 2] = ["sk_live_", "rk_live_"];

/// A secret key of Stripe's API. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Parses a key, which consists of visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        visible.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn is_live(&self) -> bool {
        LIVE_PREFIXES.iter().any(|prefix| self.0.starts_with(prefix))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// The settings of Stripe.
#[derive(Clone, PartialEq, Eq)]
pub struct StripeSettings {
    /// The key that authenticates requests (`STRIPE_API_KEY`).
    pub api_key: ApiKey,
    /// The URL of the API, without `/v1` (`STRIPE_API_URL`).
    pub api_url: Url,
}

/// Writes the URL without its credentials.
impl fmt::Debug for StripeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = url_without_secrets(self.api_url.as_str());
        f.debug_struct("StripeSettings").field("api_key", &self.api_key).field("api_url", &url).finish()
    }
}

impl StripeSettings {
    /// Reads `STRIPE_API_KEY` and `STRIPE_API_URL`. Returns `None` if the key is missing or invalid.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let api_key = reader.optional(&STRIPE_API_KEY, |text| ApiKey::parse(text).ok_or(NotAllowed));
        let api_url = reader.value(&STRIPE_API_URL, |text| {
            let url = text.trim().parse().ok().filter(|url: &Url| ["http", "https"].contains(&url.scheme()));
            url.ok_or(NotAllowed)
        });
        let api_key = api_key?;
        if api_key.is_live() && api_url.scheme() != "https" {
            let _refused = reader.conflict([&STRIPE_API_URL, &STRIPE_API_KEY], |[url, key]| {
                format!("{url} must begin with https://, because {key} is a live-mode key")
            });
        } else if reader.snapshot().is_unencrypted_in_file(&STRIPE_API_URL) {
            let _refused = reader.conflict([&STRIPE_API_KEY, &STRIPE_API_URL], |[key, url]| {
                format!("{key} is not sent over plain HTTP to another host, because {url} comes from a file: use https://")
            });
        }
        Some(Self { api_key, api_url })
    }
}

#[cfg(test)]
mod tests {
    use orderflow_settings::{SettingsError, Snapshot};

    use super::*;

    fn read(key: &str, url: &str) -> Result<Option<StripeSettings>, SettingsError> {
        let variables = [(STRIPE_API_KEY.variable, key), (STRIPE_API_URL.variable, url)];
        orderflow_settings::read(&Snapshot::from_variables(variables), |reader| {
            Ok(StripeSettings::read(reader))
        })
    }

    #[test]
    fn only_the_key_is_required_and_it_is_never_shown() {
        assert_eq!(read("", ""), Ok(None));
        let settings = read("sk_live_secret", "").unwrap().unwrap();
        assert_eq!(settings.api_url.as_str(), "https://api.stripe.com/");
        let shown = format!("{settings:?}");
        assert!(shown.contains("ApiKey(hidden)") && !shown.contains("sk_live"), "{shown}");
        let shown = format!("{:?}", read("sk_test_a", "https://shop:hunter2@stripe.example").unwrap());
        assert!(shown.contains("stripe.example") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn an_invalid_value_is_refused_without_showing_the_key() {
        for (key, url, setting) in [
            ("sk_hunter2\n", "", &STRIPE_API_KEY),
            ("sk_test_hunter2", "api.stripe.com", &STRIPE_API_URL),
            ("sk_test_hunter2", "ftp://127.0.0.1", &STRIPE_API_URL),
            ("rk_live_hunter2", "http://127.0.0.1:8420", &STRIPE_API_URL),
        ] {
            let error = read(key, url).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.starts_with(setting.variable) && !shown.contains("hunter2"), "{shown}");
        }
        assert!(read("sk_test_hunter2", "http://127.0.0.1:8420").is_ok());
    }
}
