//! The text of a dead letter in a file of its own, while it is edited.

use std::fs;
use std::io::{self, Write};

use orderflow_messaging::StoredDeadLetter;
use tempfile::TempPath;

use super::DlqError;
use super::editor::Editor;
use super::letter::laid_out;

/// A file that only its owner can read: there are customers' addresses in it. It is removed at the end, unless what was typed into it
/// would be lost.
pub(super) struct Draft {
    file: TempPath,
    original: String,
}

impl Draft {
    /// Writes the message of a dead letter into a new file.
    ///
    /// # Errors
    /// Where that is not possible.
    pub(super) fn of(letter: &StoredDeadLetter) -> io::Result<Self> {
        let original = laid_out(letter);
        let mut file = tempfile::Builder::new().prefix("orderflow-").suffix(".json").tempfile()?;
        // Editors add the last line's end by themselves.
        writeln!(file, "{original}")?;
        Ok(Self { file: file.into_temp_path(), original })
    }

    /// Has it edited. Gives the text, where it is another than before.
    ///
    /// # Errors
    /// Why there is no edited text, for a person.
    pub(super) async fn edit(&self, editor: &Editor) -> Result<Option<String>, String> {
        editor.open(&self.file).await?;
        let text = self.read().map_err(|error| format!("the edited text cannot be read: {error}"))?;
        Ok(Some(text).filter(|text| self.is_changed(text)))
    }

    /// Ends without having put the text back. What was typed stays.
    pub(super) fn give_up(self, reason: String) -> DlqError {
        // What cannot be read may hold something all the same.
        let is_changed = self.read().map_or(true, |text| self.is_changed(&text));
        let kept = is_changed.then(|| self.file.keep().ok()).flatten();
        DlqError::NotPutBack { reason, kept }
    }

    fn read(&self) -> io::Result<String> {
        fs::read_to_string(&self.file)
    }

    fn is_changed(&self, text: &str) -> bool {
        text.trim_end() != self.original.trim_end()
    }
}
