//! The built-in templates, one for each outcome of an order that customers are notified of, and the files that hold
//! templates.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use orderflow_domain::ChannelKind;

/// Declares each template once, with its name and the files that hold its texts.
macro_rules! templates {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A built-in template: an outcome of an order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Template {
            $($(#[$doc])* $variant,)*
        }

        impl Template {
            /// Every built-in template.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the name in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the built-in text.
            pub(crate) const fn source(self, channel: ChannelKind) -> &'static str {
                match (self, channel) {
                    $(
                        (Self::$variant, ChannelKind::Email) => {
                            include_str!(concat!("../templates/", $name, ".email.txt"))
                        }
                        (Self::$variant, ChannelKind::Sms) => {
                            include_str!(concat!("../templates/", $name, ".sms.txt"))
                        }
                    )*
                }
            }
        }
    };
}

templates! {
    /// The order is confirmed.
    OrderConfirmation = "order_confirmation";
    /// The order is rejected, because its units are not available.
    OrderOutOfStock = "order_out_of_stock";
    /// The order is rejected, because the payment was declined.
    OrderPaymentDeclined = "order_payment_declined";
    /// The order is cancelled.
    OrderCancelled = "order_cancelled";
    /// The charge of a refused order was refunded.
    OrderRefunded = "order_refunded";
}

/// The extension of template files. MiniJinja escapes nothing in templates with this extension.
const EXTENSION: &str = ".txt";

/// The name and the channel of a template, which make its file name: `NAME.email.txt` or `NAME.sms.txt`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TemplateFile {
    pub name: String,
    pub channel: ChannelKind,
}

impl fmt::Display for TemplateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}{EXTENSION}", self.name, self.channel.as_str())
    }
}

/// The templates of a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The directory cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// One of its files cannot be read.
    #[error("{file}: {source}")]
    UnreadableFile {
        /// The name of the file.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// The name of a file does not contain a template and a channel.
    #[error("{0} must be named NAME.email.txt or NAME.sms.txt, where NAME consists of a-z, 0-9 and _")]
    FileName(String),
}

/// The texts of templates, by file.
pub(crate) type Sources = BTreeMap<TemplateFile, String>;

/// Returns the built-in texts.
pub(crate) fn built_in() -> Sources {
    let files = Template::ALL.iter().flat_map(|template| {
        ChannelKind::ALL.map(|channel| {
            let file = TemplateFile { name: template.as_str().to_owned(), channel };
            (file, template.source(channel).to_owned())
        })
    });
    files.collect()
}

/// Reads the template files of a directory. Files without the extension `.txt` are ignored.
pub(crate) fn read(directory: &Path) -> Result<Sources, DirectoryError> {
    let mut sources = Sources::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(EXTENSION) else { continue };
        let file = parse(stem).ok_or_else(|| DirectoryError::FileName(name.clone()))?;
        let source = std::fs::read_to_string(entry.path());
        let source = source.map_err(|source| DirectoryError::UnreadableFile { file: name, source })?;
        sources.insert(file, source);
    }
    Ok(sources)
}

fn parse(stem: &str) -> Option<TemplateFile> {
    let (name, kind) = stem.split_once('.')?;
    let channel = ChannelKind::ALL.into_iter().find(|channel| channel.as_str() == kind)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let well_formed = !name.is_empty() && name.chars().all(allowed);
    well_formed.then(|| TemplateFile { name: name.to_owned(), channel })
}
