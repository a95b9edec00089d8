//! XLSX, in a temporary file: its table of contents is at its end. Rows go to disk as they are written.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use payment_domain::Timestamp;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::ExportError;
use super::columns::{Shown, Table, write_page};
use super::lines::is_decimal;
use super::moments::Moments;
use super::source::Source;

/// The rows of a sheet, without its heading.
pub const MOST_SHEET_ROWS: u32 = 1_048_575;
/// The characters of a cell.
const LONGEST_TEXT: usize = 32_767;

/// A sheet that was written.
pub(super) struct Written {
    /// At its begin.
    pub(super) file: File,
    pub(super) rows: u64,
}

/// Writes a whole list, on a thread that may wait.
pub(super) fn write(
    mut source: Source,
    mut shown: Shown,
    moments: Moments,
    gone: &CancellationToken,
    runtime: &Handle,
) -> Result<Written, ExportError> {
    let mut workbook = Workbook::new();
    let mut sheet = Sheet {
        rows: 0,
        column: 0,
        failed: None,
        moments,
        moment: Vec::new(),
        worksheet: workbook.add_worksheet_with_constant_memory().map_err(failed)?,
    };
    sheet.begin(source.columns())?;
    while let Some(page) = runtime.block_on(source.next())? {
        if gone.is_cancelled() {
            return Err(ExportError::File("the reader is gone".to_owned()));
        }
        write_page(&page, &mut shown, &mut sheet);
        sheet.check()?;
    }
    let rows = u64::from(sheet.rows);
    let mut file = tempfile::tempfile().map_err(|error| ExportError::File(error.to_string()))?;
    workbook.save_to_writer(&mut file).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(|error| ExportError::File(error.to_string()))?;
    Ok(Written { file, rows })
}

struct Sheet<'a> {
    worksheet: &'a mut Worksheet,
    /// Without the heading.
    rows: u32,
    column: u16,
    /// The first failure.
    failed: Option<XlsxError>,
    moments: Moments,
    moment: Vec<u8>,
}

impl Sheet<'_> {
    fn begin(&mut self, names: &[&str]) -> Result<(), ExportError> {
        let bold = Format::new().set_bold();
        for (column, name) in (0..).zip(names) {
            self.worksheet.write_string_with_format(0, column, *name, &bold).map_err(failed)?;
        }
        self.worksheet.set_freeze_panes(1, 0).map_err(failed)?;
        Ok(())
    }

    fn check(&mut self) -> Result<(), ExportError> {
        if self.rows > MOST_SHEET_ROWS {
            return Err(ExportError::TooLong);
        }
        self.failed.take().map_or(Ok(()), |error| Err(failed(error)))
    }

    /// The place of the next value; none behind the last row.
    fn place(&mut self) -> Option<(u32, u16)> {
        let place = (self.rows + 1, self.column);
        self.column += 1;
        (self.rows < MOST_SHEET_ROWS).then_some(place)
    }

    fn note(&mut self, failed: Option<XlsxError>) {
        self.failed = self.failed.take().or(failed);
    }
}

fn failed(error: XlsxError) -> ExportError {
    ExportError::File(error.to_string())
}

impl Table for Sheet<'_> {
    fn text(&mut self, text: &str) {
        let Some((row, column)) = self.place() else { return };
        if text.is_empty() {
            return;
        }
        let end = text.char_indices().nth(LONGEST_TEXT).map_or(text.len(), |(end, _)| end);
        let written = self.worksheet.write_string(row, column, text.get(..end).unwrap_or_default());
        let failed = written.err();
        self.note(failed);
    }

    fn number(&mut self, number: i64) {
        let Some((row, column)) = self.place() else { return };
        let failed = self.worksheet.write_number(row, column, number as f64).err();
        self.note(failed);
    }

    /// A spreadsheet keeps fifteen digits, as many as an amount has.
    fn amount(&mut self, amount: &str) {
        match amount.parse::<f64>() {
            Ok(number) if is_decimal(amount) => {
                let Some((row, column)) = self.place() else { return };
                let failed = self.worksheet.write_number(row, column, number).err();
                self.note(failed);
            }
            Ok(_) | Err(_) => self.text(amount),
        }
    }

    fn moment(&mut self, at: Option<Timestamp>) {
        let mut moment = std::mem::take(&mut self.moment);
        moment.clear();
        if let Some(at) = at {
            self.moments.write(at, &mut moment);
        }
        self.text(str::from_utf8(&moment).unwrap_or_default());
        self.moment = moment;
    }

    fn end_row(&mut self) {
        self.rows = self.rows.saturating_add(1);
        self.column = 0;
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_list_that_does_not_fit_a_sheet_is_refused_and_not_cut() {
        let mut workbook = Workbook::new();
        let mut sheet = Sheet {
            rows: MOST_SHEET_ROWS - 1,
            column: 0,
            failed: None,
            moments: Moments::of(TimeZone::UTC),
            moment: Vec::new(),
            worksheet: workbook.add_worksheet_with_constant_memory().unwrap(),
        };
        sheet.begin(&["a", "b"]).unwrap();
        sheet.text(&"ਪ".repeat(LONGEST_TEXT + 1));
        sheet.amount("9999999999999.99");
        sheet.end_row();
        sheet.check().unwrap();
        sheet.text("one too many");
        sheet.end_row();
        assert!(matches!(sheet.check(), Err(ExportError::TooLong)));
    }
}
