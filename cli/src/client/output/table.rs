//! Plain text tables.

use std::io;

use crate::client::Output;
use crate::client::output::printable;

const GAP: &str = "  ";

/// A table with aligned columns that can be written in several parts. A later part can only widen columns.
#[derive(Debug)]
pub(crate) struct Table {
    widths: Vec<usize>,
    pending_headers: Option<Vec<String>>,
}

impl Table {
    /// Makes a table with these headers. Writes nothing.
    pub(crate) fn new(headers: &[&str]) -> Self {
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        Self { widths: vec![0; headers.len()], pending_headers: Some(headers) }
    }

    /// Writes rows, before the first ones the headers. Without rows only the headers are written.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub(crate) fn write(&mut self, rows: Vec<Vec<String>>, output: &mut Output) -> io::Result<()> {
        let rows: Vec<Vec<String>> = self.pending_headers.take().into_iter().chain(rows).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(printable(cell).chars().count());
            }
        }
        for row in &rows {
            output.line(self.aligned(row).trim_end())?;
        }
        Ok(())
    }

    fn aligned(&self, row: &[String]) -> String {
        let cells = row.iter().zip(&self.widths);
        let padded = cells.map(|(cell, &width)| format!("{:width$}", printable(cell)));
        padded.collect::<Vec<_>>().join(GAP)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Sent(mpsc::Sender<u8>);

    impl io::Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            bytes.iter().for_each(|byte| self.0.send(*byte).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn row(cells: [&str; 2]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_align_and_headers_are_written_once() {
        let (sender, receiver) = mpsc::channel();
        let mut output = Output::new(Box::new(Sent(sender)), Box::new(io::sink()));
        let mut table = Table::new(&["SKU", "NAME"]);
        table.write(vec![row(["AB-12", "Hüt"]), row(["C", ""])], &mut output).unwrap();
        table.write(vec![row(["D", "x\ny"])], &mut output).unwrap();
        drop(output);
        let text = String::from_utf8(receiver.iter().collect()).unwrap();
        assert_eq!(text, "SKU    NAME\nAB-12  Hüt\nC\nD      x\\ny\n");
    }
}
