//! How Stripe is reached.

use std::fmt;

use reqwest::Url;

use crate::settings::SettingsError;

pub(crate) const API_KEY: &str = "STRIPE_API_KEY";
const API_URL: &str = "STRIPE_API_URL";

const DEFAULT_URL: &str = "https://api.stripe.com";

/// How keys begin that move real money: secret ones, and restricted ones.
const LIVE_PREFIXES: [&str; 2] = ["sk_live_", "rk_live_"];

/// A secret key of Stripe's API. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads a key: visible ASCII characters.
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

/// How Stripe is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeSettings {
    /// The key that requests are signed in with (`STRIPE_API_KEY`).
    pub api_key: ApiKey,
    /// Where the API is, without `/v1` (`STRIPE_API_URL`).
    pub api_url: Url,
}

impl StripeSettings {
    /// The settings that `STRIPE_API_KEY` and `STRIPE_API_URL` ask for.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable that is missing or cannot be used. The key is never quoted.
    pub(crate) fn from_variables(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        // Compose files and templates cannot leave a variable out, only empty.
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let key = set(API_KEY).ok_or(SettingsError::Missing { name: API_KEY })?;
        let api_key = ApiKey::parse(&key).ok_or(SettingsError::Secret {
            name: API_KEY,
            requirement: "must be visible ASCII characters",
        })?;
        let url = set(API_URL).unwrap_or_else(|| DEFAULT_URL.to_owned());
        let api_url = url.parse().ok().filter(|url: &Url| ["http", "https"].contains(&url.scheme()));
        let api_url = api_url.ok_or_else(|| {
            SettingsError::unusable(API_URL, &url, "must be a URL such as https://api.stripe.com")
        })?;
        if api_key.is_live() && api_url.scheme() != "https" {
            return Err(SettingsError::unusable(API_URL, &url, "must be https for a key of the live mode"));
        }
        Ok(Self { api_key, api_url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, url: &str) -> Result<StripeSettings, SettingsError> {
        StripeSettings::from_variables(|name| match name {
            API_KEY => Some(key.to_owned()),
            API_URL => Some(url.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_key_is_enough_and_never_shown() {
        let settings = read("sk_live_secret", "").unwrap();
        assert_eq!(settings.api_url.as_str(), "https://api.stripe.com/");
        let shown = format!("{settings:?}");
        assert!(shown.contains("ApiKey(hidden)") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_is_missing_or_unusable_is_named() {
        for (key, url, named) in [
            ("", "", API_KEY),
            ("sk_secret\n", "", API_KEY),
            ("sk_test_secret", "api.stripe.com", API_URL),
            ("sk_test_secret", "ftp://127.0.0.1", API_URL),
            ("rk_live_secret", "http://127.0.0.1:8420", API_URL),
        ] {
            let error = read(key, url).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.starts_with(named) && !shown.contains("secret"), "{shown}");
        }
        assert!(read("sk_test_secret", "http://127.0.0.1:8420").is_ok());
    }
}
