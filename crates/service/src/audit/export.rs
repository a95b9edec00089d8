//! The export of the audit log: lines of JSON, the first of which describes the file. Entries are exported as
//! stored, personal values are not.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use payment_store::audit::chain::Link;
use payment_store::{AuditHead, AuditQuery, Store, StoreError, StoredEntry};
use serde::{Deserialize, Serialize};

const KIND: &str = "pg-audit-export";
/// The longest line that is read, in bytes.
pub const LONGEST_LINE: u64 = 4 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HeadLine {
    kind: String,
    database_id: String,
    last_number: i64,
    last_hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntryLine {
    number: i64,
    entry: String,
    hash: String,
}

/// The reason an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the file cannot be read")]
    File(#[from] io::Error),
    #[error("line {0} is none of an export of the audit log")]
    Line(u64),
}

/// The first line.
pub fn head_line(head: &AuditHead) -> String {
    json_line(&HeadLine {
        kind: KIND.to_owned(),
        database_id: head.database_id.clone(),
        last_number: head.end.number,
        last_hash: hex::encode(head.end.hash),
    })
}

/// The line of an entry.
pub fn entry_line(entry: &StoredEntry) -> String {
    let hash = hex::encode(entry.hash);
    json_line(&EntryLine { number: entry.number, entry: entry.entry.clone(), hash })
}

/// An export under way, which was recorded before its first line.
pub struct Exporting {
    store: Arc<dyn Store>,
    head: AuditHead,
    is_begun: bool,
    /// The number of the last entry that was read.
    after: i64,
}

impl Exporting {
    /// The entries that are read at once.
    const PAGE: u32 = 500;

    pub(super) fn new(store: Arc<dyn Store>, head: AuditHead) -> Exporting {
        Exporting { store, head, is_begun: false, after: 0 }
    }

    /// The number of its entries.
    pub fn rows(&self) -> i64 {
        self.head.end.number
    }

    /// The next lines, each with its line break; `None` at the end.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        if !self.is_begun {
            self.is_begun = true;
            return Ok(Some(format!("{}\n", head_line(&self.head))));
        }
        if self.after >= self.rows() {
            return Ok(None);
        }
        let query = AuditQuery { after: self.after, limit: Exporting::PAGE, ..AuditQuery::default() };
        let entries = self.store.audit_entries(&query).await?;
        let Some(last) = entries.last() else { return Ok(None) };
        self.after = last.number;
        let mut lines = String::new();
        for entry in entries.iter().filter(|entry| entry.number <= self.head.end.number) {
            lines.push_str(&entry_line(entry));
            lines.push('\n');
        }
        Ok(Some(lines))
    }
}

/// Texts and numbers are always JSON.
fn json_line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads an export, line by line.
pub(super) struct ExportReader<R> {
    lines: Lines<R>,
    pub(super) head: AuditHead,
}

impl<R: BufRead> ExportReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// When it is none of an export.
    pub(super) fn open(file: R) -> Result<ExportReader<R>, ExportError> {
        let mut lines = Lines::of(file);
        let read = |line: Option<String>| -> Option<AuditHead> {
            let head: HeadLine = serde_json::from_str(&line?).ok()?;
            let hash = hex::decode(head.last_hash).ok()?.try_into().ok()?;
            let end = Link { number: head.last_number, hash };
            (head.kind == KIND).then_some(AuditHead { database_id: head.database_id, end })
        };
        let first = lines.next()?;
        let head = read(first).ok_or(ExportError::Line(1))?;
        Ok(ExportReader { lines, head })
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// When the line is no entry.
    pub(super) fn entry(&mut self) -> Result<Option<StoredEntry>, ExportError> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        let read = || -> Option<StoredEntry> {
            let EntryLine { number, entry, hash } = serde_json::from_str(&line).ok()?;
            let hash = hex::decode(hash).ok()?.try_into().ok()?;
            Some(StoredEntry { number, entry, hash, personal: Vec::new() })
        };
        read().map(Some).ok_or(ExportError::Line(self.lines.read))
    }
}

/// Lines of a bounded length.
pub(super) struct Lines<R> {
    file: R,
    pub(super) read: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn of(file: R) -> Lines<R> {
        Lines { file, read: 0 }
    }

    /// The next line that is not empty, without its line break.
    pub(super) fn next(&mut self) -> Result<Option<String>, ExportError> {
        loop {
            let mut line = Vec::new();
            let length = (&mut self.file).take(LONGEST_LINE + 1).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(None);
            }
            self.read += 1;
            if u64::try_from(length).unwrap_or(u64::MAX) > LONGEST_LINE {
                return Err(ExportError::Line(self.read));
            }
            let line = String::from_utf8(line).map_err(|_| ExportError::Line(self.read))?;
            let line = line.trim_end_matches(['\n', '\r']);
            if !line.is_empty() {
                return Ok(Some(line.to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> AuditHead {
        AuditHead { database_id: "d1".to_owned(), end: Link { number: 1, hash: [3; 32] } }
    }

    fn entry() -> StoredEntry {
        StoredEntry {
            number: 1, entry: "{\"a\":\"ਨਾਮ\\n\"}".to_owned(), hash: [3; 32], personal: Vec::new()
        }
    }

    fn read(bytes: &[u8]) -> Result<Vec<StoredEntry>, ExportError> {
        let mut reader = ExportReader::open(bytes)?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    #[test]
    fn entries_are_read_byte_for_byte_as_they_are_stored() {
        let text = format!("{}\n\n{}\r\n", head_line(&head()), entry_line(&entry()));
        assert_eq!(read(text.as_bytes()).unwrap(), [entry()]);
        assert_eq!(ExportReader::open(text.as_bytes()).unwrap().head, head());
        assert!(matches!(read(b""), Err(ExportError::Line(1))));
        assert!(matches!(read(entry_line(&entry()).as_bytes()), Err(ExportError::Line(1))));
        let twice = format!("{}\n{}\n", head_line(&head()), head_line(&head()));
        assert!(matches!(read(twice.as_bytes()), Err(ExportError::Line(2))));
    }

    #[test]
    fn a_line_without_an_end_is_not_read_into_memory() {
        let mut endless =
            ExportReader { lines: Lines::of(io::BufReader::new(io::repeat(b'x'))), head: head() };
        assert!(matches!(endless.entry(), Err(ExportError::Line(1))));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>, cut: prop::sample::Index, flip: (prop::sample::Index, u8)) {
            let _ = read(&bytes);
            let mut good = format!("{}\n{}\n", head_line(&head()), entry_line(&entry())).into_bytes();
            let place = flip.0.index(good.len());
            good[place] ^= flip.1;
            let _ = read(&good);
            let _ = read(&good[..cut.index(good.len())]);
        }
    }
}
