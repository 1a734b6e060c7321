//! The files that hold templates.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use orderflow_domain::ChannelKind;

use crate::template::Template;

/// What the names of templates' files end with. It has no characters escaped.
const EXTENSION: &str = ".txt";

/// Which file a template is in: `NAME.email.txt` or `NAME.sms.txt`.
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

/// Why a directory gives no templates.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// One of its files cannot be read.
    #[error("{file}: {source}")]
    UnreadableFile {
        /// The file's name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The name of a file says neither template nor channel.
    #[error("{0} must be called NAME.email.txt or NAME.sms.txt, its NAME in the characters a-z, 0-9 and _")]
    FileName(String),
}

/// The texts of templates, by their files.
pub(crate) type Sources = BTreeMap<TemplateFile, String>;

/// The texts that come with the program.
pub(crate) fn built_in() -> Sources {
    let files = Template::ALL.iter().flat_map(|template| {
        ChannelKind::ALL.map(|channel| {
            let file = TemplateFile { name: template.as_str().to_owned(), channel };
            (file, template.source(channel).to_owned())
        })
    });
    files.collect()
}

/// The texts in the files of a directory; what does not end in `.txt` is something else.
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
