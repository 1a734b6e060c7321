//! The currencies of ISO 4217.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::text::string_conversions;

/// The active codes of ISO 4217 by the number of decimal places of their minor unit. Codes without a minor unit, such as
/// XAU (gold) and XXX (no currency), are left out: no price can be in them.
const CURRENCIES: [(usize, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY \
         COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS \
         INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR \
         MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP \
         STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// The decimal places of a code that is stored and no longer active.
const DEFAULT_PLACES: usize = 2;

/// A currency by its three-letter ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(String);

/// A text that is not a valid [`Currency`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the ISO 4217 code of a currency, such as USD")]
pub struct CurrencyError;

impl Currency {
    /// Parses an active ISO 4217 code in any case.
    ///
    /// # Errors
    /// [`CurrencyError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let currency = Self::of_three_letters(text)?;
        places_of(&currency.0).map(|_| currency).ok_or(CurrencyError)
    }

    /// Returns the number of decimal places of the minor unit.
    pub fn decimal_places(&self) -> usize {
        places_of(&self.0).unwrap_or(DEFAULT_PLACES)
    }

    /// Parses any three letters, for a text that is then compared with a known currency.
    ///
    /// # Errors
    /// [`CurrencyError`] for any other text.
    pub fn of_three_letters(text: &str) -> Result<Self, CurrencyError> {
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(CurrencyError)
        }
    }
}

/// Returns the decimal places of an active code.
fn places_of(code: &str) -> Option<usize> {
    let lists =
        CURRENCIES.iter().find(|(_, codes)| codes.split_ascii_whitespace().any(|listed| listed == code));
    lists.map(|(places, _)| *places)
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

string_conversions!(Currency, CurrencyError);

/// Reads any three letters, so that stored amounts stay readable when ISO 4217 withdraws their currency.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::of_three_letters(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn currency_codes_are_normalised_and_checked() {
        assert_eq!(Currency::parse("eur").unwrap().as_str(), "EUR");
        for bad in ["", "US", "USDX", "U$D", "ÜSD"] {
            assert!(Currency::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn unknown_and_withdrawn_codes_are_refused_and_stay_readable() {
        for code in ["XYZ", "AAA", "XAU", "XXX", "XTS", "HRK", "DEM", "R US"] {
            assert_eq!(Currency::parse(code), Err(CurrencyError), "{code}");
        }
        let stored: Currency = serde_json::from_str(r#""HRK""#).unwrap();
        assert_eq!((stored.as_str(), stored.decimal_places()), ("HRK", 2));
        assert!(serde_json::from_str::<Currency>(r#""HR""#).is_err());
    }

    #[test]
    fn each_code_is_listed_once() {
        let codes: Vec<_> = CURRENCIES.iter().flat_map(|(_, codes)| codes.split_ascii_whitespace()).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert!(codes.iter().all(|code| code.len() == 3));
    }

    #[test]
    fn decimal_places_are_those_of_iso_4217() {
        for (code, places) in
            [("USD", 2), ("MGA", 2), ("JPY", 0), ("ISK", 0), ("UGX", 0), ("KWD", 3), ("CLF", 4)]
        {
            assert_eq!(Currency::parse(code).unwrap().decimal_places(), places, "{code}");
        }
    }
}
