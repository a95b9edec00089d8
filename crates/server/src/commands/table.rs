//! Text tables with aligned columns.

use crate::terminal::{Paint, escaped};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
    Waiting,
    Quiet,
}

/// A column with its title; numbers are aligned right.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Text(&'static str),
    Number(&'static str),
}

#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    pub(super) fn new(columns: impl Into<Vec<Column>>) -> Table {
        Table { columns: columns.into(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl Into<Vec<(String, Tone)>>) {
        let escape = |(text, tone): (String, Tone)| (escaped(&text).into_owned(), tone);
        self.rows.push(cells.into().into_iter().map(escape).collect());
    }

    pub(super) fn render(&self, paint: Paint) -> String {
        let titles = self.columns.iter().map(|column| match column {
            Column::Text(title) | Column::Number(title) => (*title).to_owned(),
        });
        let titles: Vec<String> = titles.collect();
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|(text, _)| text);
            cells.chain(titles.get(at)).map(|text| text.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..titles.len()).map(width).collect();
        let pad = |at: usize, text: &str| {
            let width = widths.get(at).copied().unwrap_or_default();
            match self.columns.get(at) {
                Some(Column::Number(_)) => format!("{text:>width$}"),
                // The last column needs no padding.
                Some(Column::Text(_)) | None if at + 1 == widths.len() => text.to_owned(),
                Some(Column::Text(_)) | None => format!("{text:width$}"),
            }
        };
        let head: Vec<String> = titles.iter().enumerate().map(|(at, title)| pad(at, title)).collect();
        let mut lines = vec![paint.title(head.join("  ").trim_end())];
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(at, (text, tone))| {
                let text = pad(at, text);
                match tone {
                    Tone::Plain => text,
                    Tone::Good => paint.good(&text),
                    Tone::Bad => paint.bad(&text),
                    Tone::Waiting => paint.waiting(&text),
                    Tone::Quiet => paint.quiet(&text),
                }
            });
            lines.push(cells.collect::<Vec<_>>().join("  "));
        }
        lines.join("\n")
    }
}

pub(super) fn plain(text: impl ToString) -> (String, Tone) {
    (text.to_string(), Tone::Plain)
}

/// A number; zero is dimmed.
pub(super) fn count(count: u32, tone: Tone) -> (String, Tone) {
    (count.to_string(), if count == 0 { Tone::Quiet } else { tone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new([Column::Text("gateway"), Column::Number("paid"), Column::Text("took")]);
        table.row([plain("AXIS"), count(12, Tone::Good), plain("3 ms")]);
        table.row([plain("ਪੰਜਾਬ-BANK"), count(0, Tone::Good), plain("1.2 s")]);
        let expected = "gateway     paid  took\nAXIS          12  3 ms\nਪੰਜਾਬ-BANK     0  1.2 s";
        assert_eq!(table.render(Paint::plain()), expected);
    }
}
