//! The rule for texts that people see, and the conversion of validated strings to and from text and JSON.
//!
//! Texts are checked when they are accepted. Texts that earlier versions stored are shown with [`escaped`] and [`escaped_json`].

use std::borrow::Cow;
use std::fmt::Write;

use unicode_general_category::{GeneralCategory, get_general_category};

/// Why a text cannot be shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text has no visible character: it is empty, blank, or consists of characters without width.
    #[error("must contain a visible character")]
    Invisible,
    /// The text contains a control character, a bidirectional control, or a code point without an assigned character.
    #[error("must not contain the character U+{:04X}", u32::from(*.0))]
    Forbidden(char),
}

/// Checks a text of one line, such as a name: it contains a visible character, and no control character, bidirectional control, line
/// separator, private-use or unassigned code point.
///
/// # Errors
/// [`TextError`] says what is wrong.
pub fn check_line(text: &str) -> Result<(), TextError> {
    match text.chars().find(|&c| is_forbidden(c)) {
        Some(c) => Err(TextError::Forbidden(c)),
        None if text.chars().any(is_visible) => Ok(()),
        None => Err(TextError::Invisible),
    }
}

/// Checks a text that may have several lines, such as the body of a message: like [`check_line`], but tabs and line feeds are allowed, and
/// so is a carriage return before a line feed.
///
/// # Errors
/// [`TextError`] says what is wrong.
pub fn check_lines(text: &str) -> Result<(), TextError> {
    let text = unix_lines(text);
    match text.chars().find(|&c| is_forbidden(c) && !is_layout(c)) {
        Some(c) => Err(TextError::Forbidden(c)),
        None if text.chars().any(is_visible) => Ok(()),
        None => Err(TextError::Invisible),
    }
}

/// Replaces what [`check_lines`] does not allow by U+FFFD, the replacement character, and ends lines with a line feed. For texts that were
/// stored before the rule.
#[must_use]
pub fn replaced_lines(text: &str) -> String {
    let replaced = |c: char| if is_forbidden(c) && !is_layout(c) { char::REPLACEMENT_CHARACTER } else { c };
    unix_lines(text).chars().map(replaced).collect()
}

/// Makes a text safe and complete on a terminal: each character that has no visible form, or that changes how others are shown, is escaped
/// as `\u{202e}`, line breaks and tabs too. Two joiners stay in a visible text, because scripts and emoji need them.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    let joined = text.chars().any(is_visible);
    escape_each(text, |c, out| {
        if is_forbidden(c) || (is_invisible_format(c) && !(joined && is_joiner(c))) {
            out.extend(c.escape_default());
            return true;
        }
        false
    })
}

/// Makes JSON text safe on a terminal, with the same meaning: characters as in [`escaped`] are escaped as `\u202e`.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    escape_each(json, |c, out| {
        // Line feeds and tabs in valid JSON are layout.
        if is_layout(c) || !(is_forbidden(c) || is_invisible_format(c)) {
            return false;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").expect("writing to memory does not fail");
        }
        true
    })
}

/// Copies a text, letting `escape` write some characters in another form. Borrows it if there is none.
fn escape_each(text: &str, escape: impl Fn(char, &mut String) -> bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !escape(c, &mut out) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Returns whether [`check_line`] allows a character.
#[must_use]
pub fn is_allowed(c: char) -> bool {
    !is_forbidden(c)
}

fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

fn is_layout(c: char) -> bool {
    matches!(c, '\n' | '\t')
}

fn is_forbidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Noncharacters have no assigned category either.
    let without_form = matches!(
        get_general_category(c),
        GeneralCategory::Control
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
    );
    without_form || is_directional(c)
}

/// Returns whether a character changes the direction of others (the property `Bidi_Control`, and the deprecated format characters).
fn is_directional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

fn is_visible(c: char) -> bool {
    let without_ink = matches!(
        get_general_category(c),
        GeneralCategory::Format
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::NonspacingMark
            | GeneralCategory::EnclosingMark
    );
    !(without_ink || is_forbidden(c) || is_filler(c))
}

/// Returns whether a letter or symbol is shown as a blank.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

fn is_invisible_format(c: char) -> bool {
    get_general_category(c) == GeneralCategory::Format || is_filler(c)
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// [`is_text`] as a regular expression, without the length: no control character, and a character that is not blank.
pub(crate) const TEXT_PATTERN: &str = concat!(
    r"^[^\u0000-\u001F\u007F-\u009F]*",
    r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]",
    r"[^\u0000-\u001F\u007F-\u009F]*$"
);

/// Returns whether a text has the shape that the published schemas describe: 1 to `max` characters, none of them a control character and at least one not blank.
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

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: [&str; 8] = ["a", "Mouse", "Hüt ☕", "خدمات", "שלום", "क्‍ष", "👨‍👩‍👧", "❤️"];

    const FORBIDDEN: [char; 18] = [
        '\0',
        '\u{7}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{61c}',
        '\u{200e}',
        '\u{202e}',
        '\u{2028}',
        '\u{2029}',
        '\u{2066}',
        '\u{2069}',
        '\u{e000}',
        '\u{fdd0}',
        '\u{ffff}',
        '\u{10ffff}',
        '\u{378}',
    ];

    #[test]
    fn texts_of_every_script_are_allowed() {
        for text in SHOWN {
            assert_eq!(check_line(text), Ok(()), "{text}");
            assert_eq!(check_lines(&format!("{text}\n\t{text}\r\n")), Ok(()), "{text}");
            assert_eq!(escaped(text), text);
            assert_eq!(replaced_lines(text), text);
        }
    }

    #[test]
    fn a_character_that_is_hidden_or_hides_others_is_refused_and_escaped() {
        for c in FORBIDDEN {
            let text = format!("a{c}b");
            assert_eq!(check_line(&text), Err(TextError::Forbidden(c)));
            assert_eq!(check_lines(&text), Err(TextError::Forbidden(c)));
            assert_eq!(replaced_lines(&text), "a\u{fffd}b");
            assert_eq!(escaped(&text), format!("a{}b", c.escape_default()));
            let json = serde_json::to_string(&text).unwrap();
            let safe = escaped_json(&json);
            assert!(!safe.contains(c), "{safe}");
            assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }
        for c in ['\n', '\r', '\t'] {
            assert_eq!(check_line(&format!("a{c}b")), Err(TextError::Forbidden(c)));
        }
        assert_eq!(check_lines("a\r.\r\nb"), Err(TextError::Forbidden('\r')));
        assert_eq!(TextError::Forbidden('\u{202e}').to_string(), "must not contain the character U+202E");
    }

    #[test]
    fn a_text_without_a_visible_character_is_refused_and_made_visible() {
        for text in [
            "",
            " ",
            "\u{a0}",
            "\u{3000}",
            "\u{3164}",
            "\u{2800}",
            "\u{200b}\u{200d}",
            "\u{feff}",
            "\u{2060}",
            "\u{fe0f}",
            "\u{ad}",
        ] {
            assert_eq!(check_line(text), Err(TextError::Invisible), "{text:?}");
            assert_eq!(check_lines(text), Err(TextError::Invisible), "{text:?}");
        }
        assert_eq!(escaped("\u{200b}\u{200d}"), "\\u{200b}\\u{200d}");
        assert_eq!(escaped("ad\u{200b}min\n"), "ad\\u{200b}min\\n");
    }

    #[test]
    fn the_layout_of_json_is_kept() {
        let json = "{\n  \"a\": \"\u{202e}\u{e0067}\"\n}";
        assert_eq!(escaped_json(json), "{\n  \"a\": \"\\u202e\\udb40\\udc67\"\n}");
    }
}
