//! The rule for text that people see, and conversion of validated strings to and from text and JSON.

/// [`is_text`] as a regular expression, without the length: no control character, and a character that is not blank.
pub(crate) const TEXT_PATTERN: &str = concat!(
    r"^[^\u0000-\u001F\u007F-\u009F]*",
    r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]",
    r"[^\u0000-\u001F\u007F-\u009F]*$"
);

/// Returns whether a text has 1 to `max` characters, none of them a control character and at least one not blank.
pub fn is_text(text: &str, max: usize) -> bool {
    text.chars().count() <= max && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// Implements `as_str`, `FromStr`, `AsRef<str>` and `Serialize` for a newtype over `String` that has
/// `parse(&str) -> Result<Self, Error>`.
macro_rules! string_conversions {
    ($name:ident, $error:ty) => {
        impl $name {
            /// Returns the normalised text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

/// Implements [`string_conversions`] and `Deserialize`, which parses the string again when it is read.
macro_rules! parsed_string {
    ($name:ident, $error:ty) => {
        $crate::text::string_conversions!($name, $error);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {parsed_string, string_conversions};
