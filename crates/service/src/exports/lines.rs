//! CSV and JSONL. Rows are gathered into pieces that end with a row.

use bytes::Bytes;
use payment_domain::Timestamp;

use super::columns::Table;
use super::moments::Moments;

/// The size at which a piece is full.
const PIECE: usize = 64 * 1024;
/// By this Excel knows UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Bytes of whole rows.
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) rows: u64,
}

pub(super) struct Lines {
    kind: Kind,
    names: &'static [&'static str],
    /// The next column.
    column: usize,
    piece: Vec<u8>,
    rows: u64,
    full: Vec<Piece>,
    moments: Moments,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Csv,
    Jsonl,
}

impl Lines {
    pub(super) fn new(kind: Kind, names: &'static [&'static str], moments: Moments) -> Lines {
        let mut piece = empty();
        if kind == Kind::Csv {
            piece.extend_from_slice(BYTE_ORDER_MARK);
            piece.extend_from_slice(names.join(",").as_bytes());
            piece.extend_from_slice(b"\r\n");
        }
        Lines { kind, names, column: 0, piece, rows: 0, full: Vec::new(), moments }
    }

    /// The full pieces.
    pub(super) fn take_full(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.full)
    }

    /// The rest, when there are no more rows.
    pub(super) fn take_last(&mut self) -> Piece {
        let bytes = std::mem::take(&mut self.piece);
        Piece { bytes: bytes.into(), rows: std::mem::take(&mut self.rows) }
    }

    /// Begins a value.
    fn begin(&mut self) {
        match self.kind {
            Kind::Csv if self.column > 0 => self.piece.push(b','),
            Kind::Csv => {}
            Kind::Jsonl => {
                self.piece.push(if self.column > 0 { b',' } else { b'{' });
                self.piece.push(b'"');
                let name = self.names.get(self.column).copied().unwrap_or_default();
                self.piece.extend_from_slice(name.as_bytes());
                self.piece.extend_from_slice(b"\":");
            }
        }
        self.column += 1;
    }
}

fn empty() -> Vec<u8> {
    const LONGEST_USUAL_ROW: usize = 4096;
    Vec::with_capacity(PIECE + LONGEST_USUAL_ROW)
}

impl Table for Lines {
    fn text(&mut self, text: &str) {
        self.begin();
        match self.kind {
            Kind::Csv => write_csv(text, &mut self.piece),
            Kind::Jsonl => write_json(text, &mut self.piece),
        }
    }

    fn number(&mut self, number: i64) {
        self.begin();
        self.piece.extend_from_slice(number.to_string().as_bytes());
    }

    fn amount(&mut self, amount: &str) {
        // An unknown amount of an earlier service may be any text.
        if is_decimal(amount) {
            self.begin();
            self.piece.extend_from_slice(amount.as_bytes());
        } else {
            self.text(amount);
        }
    }

    fn moment(&mut self, at: Option<Timestamp>) {
        self.begin();
        match (self.kind, at) {
            (Kind::Csv, None) => {}
            (Kind::Csv, Some(at)) => self.moments.write(at, &mut self.piece),
            (Kind::Jsonl, None) => self.piece.extend_from_slice(b"null"),
            (Kind::Jsonl, Some(at)) => {
                self.piece.push(b'"');
                self.moments.write(at, &mut self.piece);
                self.piece.push(b'"');
            }
        }
    }

    fn end_row(&mut self) {
        self.piece.extend_from_slice(match self.kind {
            Kind::Csv => b"\r\n",
            Kind::Jsonl => b"}\n",
        });
        self.column = 0;
        self.rows += 1;
        if self.piece.len() >= PIECE {
            let bytes = std::mem::replace(&mut self.piece, empty());
            self.full.push(Piece { bytes: bytes.into(), rows: std::mem::take(&mut self.rows) });
        }
    }
}

/// Whether a text is a number in every format: digits, and a point between them.
pub(super) fn is_decimal(text: &str) -> bool {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_padded = whole.len() > 1 && whole.starts_with('0');
    is_number(whole) && is_number(decimals) && !is_padded
}

/// RFC 4180. Spreadsheets take a cell that begins with one of these for a formula: an apostrophe before it makes it a
/// text.
fn write_csv(text: &str, out: &mut Vec<u8>) {
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let is_formula = text.starts_with(FORMULA);
    let must_quote = text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'));
    match (is_formula, must_quote) {
        (false, false) => out.extend_from_slice(text.as_bytes()),
        (true, false) => {
            out.push(b'\'');
            out.extend_from_slice(text.as_bytes());
        }
        (_, true) => {
            out.push(b'"');
            if is_formula {
                out.push(b'\'');
            }
            for (nth, part) in text.split('"').enumerate() {
                if nth > 0 {
                    out.extend_from_slice(b"\"\"");
                }
                out.extend_from_slice(part.as_bytes());
            }
            out.push(b'"');
        }
    }
}

fn write_json(text: &str, out: &mut Vec<u8>) {
    let is_plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if is_plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn csv(text: &str) -> String {
        let mut out = Vec::new();
        write_csv(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_cell_is_a_formula_and_none_leaves_its_place() {
        for (text, cell) in [
            ("", ""),
            ("plain ਪਾਠ", "plain ਪਾਠ"),
            ("=1+1", "'=1+1"),
            ("+91 98", "'+91 98"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=cmd|' /C calc'!A0,\"x\"", "\"'=cmd|' /C calc'!A0,\"\"x\"\"\""),
            ("a\r\nb", "\"a\r\nb\""),
        ] {
            assert_eq!(csv(text), cell, "{text:?}");
        }
    }

    #[test]
    fn rows_are_pieces_that_end_with_a_row() {
        let mut lines = Lines::new(Kind::Jsonl, &["a", "b", "at"], Moments::of(TimeZone::UTC));
        for nth in 0..3_000 {
            lines.text("\u{1}\"ਪਾਠ");
            lines.amount(if nth == 0 { "NaN" } else { "1.50" });
            lines.moment(Some(Timestamp::from_millis(nth)).filter(|_| nth > 1));
            lines.end_row();
        }
        let mut pieces = lines.take_full();
        assert!(pieces.len() > 1);
        pieces.push(lines.take_last());
        assert_eq!(pieces.iter().map(|piece| piece.rows).sum::<u64>(), 3_000);
        assert!(pieces.iter().all(|piece| piece.bytes.ends_with(b"}\n")));
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
        let text = String::from_utf8(whole).unwrap();
        let mut rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let first = rows.next().unwrap();
        assert_eq!(first, serde_json::json!({ "a": "\u{1}\"ਪਾਠ", "b": "NaN", "at": null }));
        assert!(text.lines().nth(1).unwrap().contains("\"b\":1.50,"));
    }

    #[test]
    fn an_amount_is_a_number_in_every_format_or_a_text() {
        for (text, is) in [("0", true), ("0.05", true), ("100.00", true), ("", false), ("-1", false)] {
            assert_eq!(is_decimal(text), is, "{text}");
        }
        for text in ["1.", ".5", "1e3", "01", "1,5", "NaN", "=1", "1.5.2"] {
            assert!(!is_decimal(text), "{text}");
        }
    }
}
