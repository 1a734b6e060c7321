//! Plain tables.

use std::io;

use crate::client::Output;
use crate::client::output::printable;

const GAP: &str = "  ";

/// A table of aligned columns that may be written piece by piece; columns only get wider.
#[derive(Debug)]
pub(crate) struct Table {
    widths: Vec<usize>,
    pending_headers: Option<Vec<String>>,
}

impl Table {
    /// A table with these headers, nothing of it written yet.
    pub(crate) fn new(headers: &[&str]) -> Self {
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        Self { widths: vec![0; headers.len()], pending_headers: Some(headers) }
    }

    /// Writes rows; the headers first where they are not written yet. No row, no more than the headers.
    ///
    /// # Errors
    /// Where the output does.
    pub(crate) fn write(&mut self, rows: Vec<Vec<String>>, output: &mut Output) -> io::Result<()> {
        let rows: Vec<Vec<String>> = self.pending_headers.take().into_iter().chain(rows).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
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
    fn columns_align_and_headers_come_once() {
        let (sender, receiver) = mpsc::channel();
        let mut output = Output::new(Box::new(Sent(sender)), Box::new(io::sink()));
        let mut table = Table::new(&["SKU", "NAME"]);
        table.write(vec![row(["AB-12", "Hüt"]), row(["C", ""])], &mut output).unwrap();
        table.write(vec![row(["D", "x\ny"])], &mut output).unwrap();
        drop(output);
        let text = String::from_utf8(receiver.iter().collect()).unwrap();
        assert_eq!(text, "SKU    NAME\nAB-12  Hüt\nC\nD      x y\n");
    }
}
