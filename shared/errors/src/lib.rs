//! Errors and URLs as people may see them: one sentence with its causes, and no credentials.

use std::borrow::Cow;
use std::error::Error;
use std::iter::successors;

/// What stands for credentials.
const HIDDEN: &str = "***";

/// Returns an error and its causes as one text, such as `request failed: connection refused`, without credentials of URLs. A cause that the text
/// before it quotes is left out.
///
/// `Debug` forms of errors are for developers. The `Display` form of most libraries names the kind of error only, and leaves the cause to
/// [`Error::source`].
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for error in successors(Some(error), |&error| error.source()) {
        let cause = error.to_string();
        if cause.is_empty() || text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    without_credentials(&text).into_owned()
}

/// Returns what a service said about a failed request, as `code: message`, or else the [`causes`] of the error. The errors of the AWS SDK carry
/// code and message beside their text.
pub fn reason(code: Option<&str>, message: Option<&str>, error: &(dyn Error + 'static)) -> String {
    match (code, message) {
        (Some(code), Some(message)) => without_credentials(&format!("{code}: {message}")).into_owned(),
        (Some(one), None) | (None, Some(one)) => without_credentials(one).into_owned(),
        (None, None) => causes(error),
    }
}

/// Replaces user names and passwords of all URLs in a text by `***`. In each URL, everything between `://` and the last `@` before a blank, a
/// quotation mark or a control character is replaced, because a password may hold any other character.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    const SCHEME_END: &str = "://";
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(SCHEME_END) {
        let (before, after) = rest.split_at(start + SCHEME_END.len());
        let end = after.find(ends_url).unwrap_or(after.len());
        shown.push_str(before);
        rest = match after[..end].rfind('@') {
            // A second URL in the same word is hidden with the first.
            Some(at) => {
                shown.push_str(HIDDEN);
                &after[at..]
            }
            None => after,
        };
    }
    if shown.is_empty() {
        return Cow::Borrowed(text);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// Replaces the user name, the password, the query and the fragment of a URL. A password that was not encoded may hold any character, so
/// everything up to the last `@` is replaced, and all after the scheme if a query may hold that `@`. Returns `None` if it is unknown which
/// part could be a password.
pub fn url_without_secrets(url: &str) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (!url.contains(['@', ':', '?', '#'])).then(|| url.to_owned());
    };
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    if user.is_some_and(|user| user.contains(['?', '#'])) {
        return Some(format!("{scheme}://{HIDDEN}"));
    }
    let user = if user.is_some() { "***@" } else { "" };
    Some(match rest.find(['?', '#']) {
        Some(end) => format!("{scheme}://{user}{}{HIDDEN}", &rest[..=end]),
        None => format!("{scheme}://{user}{rest}"),
    })
}

/// Replaces each of these arguments of a command line by its form without secrets, where the text quotes it. An argument that is no URL, but
/// holds an `@` after a `:`, may be one that was given without its scheme.
pub fn without_secrets_of<'a>(arguments: impl IntoIterator<Item = &'a str>, text: &str) -> String {
    let quoted = arguments.into_iter().flat_map(|argument| {
        let value = argument.strip_prefix('-').and_then(|flag| flag.split_once('=')).map(|(_, value)| value);
        [Some(argument), value]
    });
    let mut shown = text.to_owned();
    for argument in quoted.flatten() {
        let may_hold_password =
            argument.contains("://") || argument.split_once(':').is_some_and(|(_, end)| end.contains('@'));
        if may_hold_password {
            let hidden = url_without_secrets(argument).unwrap_or_else(|| HIDDEN.to_owned());
            shown = shown.replace(argument, &hidden);
        }
    }
    without_credentials(&shown).into_owned()
}

#[cfg(test)]
mod tests;
