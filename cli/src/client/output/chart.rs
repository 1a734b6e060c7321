//! Charts of columns, drawn with characters.

use orderflow_settings::Snapshot;

/// The widest line.
const WIDTH: usize = 80;

/// The rows of the columns.
const ROWS: usize = 8;

/// The characters of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// The eighths of a block (U+2581 to U+2588).
    Eighths,
    /// `#`, for a terminal that does not show other characters than ASCII.
    Ascii,
}

impl Blocks {
    /// Chooses by the locale: one without UTF-8 shows ASCII.
    pub(crate) fn of(environment: &Snapshot) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| environment.variable(name));
        let locale = locale.map(|locale| locale.to_string_lossy().to_ascii_lowercase().replace('-', ""));
        if locale.is_some_and(|locale| locale.contains("utf8")) { Self::Eighths } else { Self::Ascii }
    }

    /// Returns the character for the filled eighths of a cell.
    fn cell(self, eighths: usize) -> char {
        const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        match self {
            Self::Eighths => EIGHTHS[eighths.min(8)],
            Self::Ascii if eighths >= 4 => '#',
            Self::Ascii => ' ',
        }
    }
}

/// Columns in the order of time.
#[derive(Debug)]
pub(crate) struct Chart<'a> {
    values: &'a [u64],
}

impl<'a> Chart<'a> {
    pub(crate) fn new(values: &'a [u64]) -> Self {
        Self { values }
    }

    /// Returns the lines of the chart, with the largest number beside its top, and what the first and the last column stand for below it.
    pub(crate) fn lines(
        &self,
        blocks: Blocks,
        in_words: impl Fn(u64) -> String,
        ends: [&str; 2],
    ) -> Vec<String> {
        // The label of a sum of several columns is wider than that of one of them.
        let widest = in_words(self.values.iter().sum()).chars().count();
        let columns = self.columns(WIDTH - widest - 2);
        let top = columns.iter().copied().max().unwrap_or(0);
        let label_width = in_words(top).chars().count();
        let mut lines: Vec<String> = (0..ROWS)
            .rev()
            .map(|row| {
                let label = if row == ROWS - 1 { in_words(top) } else { String::new() };
                let cells: String =
                    columns.iter().map(|value| blocks.cell(filled(*value, top, row))).collect();
                format!("{label:>label_width$} |{cells}").trim_end().to_owned()
            })
            .collect();
        lines.push(format!("{:>label_width$} +{}", 0, "-".repeat(columns.len())));
        let [first, last] = ends;
        let between = columns.len().saturating_sub(first.chars().count());
        lines.push(format!("{:label_width$}  {first} {last:>between$}", "").trim_end().to_owned());
        lines
    }

    /// Returns the columns: the values, or the sums of as many neighbours as fit into the width.
    fn columns(&self, width: usize) -> Vec<u64> {
        let neighbours = self.values.len().div_ceil(width.max(1)).max(1);
        self.values.chunks(neighbours).map(|values| values.iter().sum()).collect()
    }
}

/// Returns how many eighths of a row are filled. A value above zero fills half of the lowest row at least, so that a chart without eighths shows it.
fn filled(value: u64, top: u64, row: usize) -> usize {
    if value == 0 || top == 0 {
        return 0;
    }
    let eighths = u128::from(value) * (ROWS as u128) * 8 / u128::from(top);
    let eighths = usize::try_from(eighths).unwrap_or(ROWS * 8).max(4);
    eighths.saturating_sub(row * 8).min(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[u64], blocks: Blocks) -> Vec<String> {
        Chart::new(values).lines(blocks, |value| value.to_string(), ["10:00", "12:00"])
    }

    #[test]
    fn the_largest_value_fills_its_column() {
        let lines = drawn(&[8, 0, 4, 1], Blocks::Eighths);
        assert_eq!(lines[0], "8 |█");
        assert_eq!(lines[4], "  |█ █");
        assert_eq!(lines[7], "  |█ ██");
        assert_eq!(lines[8], "0 +----");
        assert!(lines[9].contains("10:00") && lines[9].contains("12:00"));
        let lines = drawn(&[100, 1], Blocks::Ascii);
        assert_eq!((lines[0].as_str(), lines[7].as_str()), ("100 |#", "    |##"));
    }

    #[test]
    fn a_chart_of_nothing_has_no_columns() {
        assert_eq!(drawn(&[0, 0], Blocks::Eighths)[7], "  |");
        assert_eq!(drawn(&[], Blocks::Eighths)[8], "0 +");
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        let values: Vec<u64> = (0..1_500).collect();
        let lines = drawn(&values, Blocks::Eighths);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
        let columns = Chart::new(&values).columns(70);
        assert!(columns.len() <= 70 && columns.iter().sum::<u64>() == values.iter().sum::<u64>());
    }

    #[test]
    fn the_locale_decides_about_the_characters() {
        let of = |name, value| Blocks::of(&Snapshot::from_variables([(name, value)]));
        assert_eq!(of("LANG", "C.UTF-8"), Blocks::Eighths);
        assert_eq!(of("LC_ALL", "de_DE.utf8"), Blocks::Eighths);
        assert_eq!(of("LANG", "C"), Blocks::Ascii);
    }
}
