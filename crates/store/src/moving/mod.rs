//! The rows of an embedded database as plain values, for moving them into another kind of store.
//!
//! [`TABLES`] is the one list of moved tables; both stores compare it with their tables in a test, so that a
//! migration that adds a table or a column has to decide on it.

mod tables;

use std::fmt;

use sha2::{Digest as _, Sha256};

pub use self::tables::TABLES;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The kind of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Bytes,
    /// JSON text.
    Json,
    /// 0 or 1.
    Flag,
}

/// A table and its columns, by the names of the embedded database.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    /// The columns that rows are read by, in the order of an index.
    pub key: &'static [&'static str],
    text: &'static [&'static str],
    integer: &'static [&'static str],
    bytes: &'static [&'static str],
    json: &'static [&'static str],
    flag: &'static [&'static str],
    /// Whether it has one row from the start, which is overwritten.
    pub has_one_row: bool,
}

/// One row; its cells are in the order of [`Table::columns`].
pub type CellRow = Vec<Cell>;

impl Table {
    /// The columns with their kinds, in the order of the cells of a row.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        let of = |names: &'static [&'static str], kind| names.iter().map(move |name| (*name, kind));
        of(self.text, Kind::Text)
            .chain(of(self.integer, Kind::Integer))
            .chain(of(self.bytes, Kind::Bytes))
            .chain(of(self.json, Kind::Json))
            .chain(of(self.flag, Kind::Flag))
    }

    /// The place of a column in a row.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns().position(|(name, _)| name == column)
    }
}

/// The table of payments, on which others rest.
pub const PAYMENTS: &str = "eg_pg_transactions";
/// The end of the audit log, with the identity of the database.
pub const AUDIT_HEAD: &str = "eg_pg_audit_head";
/// The audit log, and the personal values of its entries.
pub const AUDIT: &str = "eg_pg_audit";
pub const AUDIT_PERSONAL: &str = "eg_pg_audit_personal";
/// The histories of payments; the numbering that seals cover is a column of it here.
pub const HISTORY: &str = "eg_pg_transaction_history";

/// The last numbers that an embedded database has given, which are never given again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastNumbers {
    pub event: i64,
    pub run: i64,
    pub case: i64,
    /// Of the lines of histories.
    pub position: i64,
}

/// The number of rows and a digest of their cells, in any order: the sum of SHA-256 over each row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    sum: [u8; 32],
}

impl Digest {
    pub fn add(&mut self, row: &[Cell]) {
        let mut hash = Sha256::new();
        for cell in row {
            match cell {
                Cell::Null => hash.update([0]),
                Cell::Integer(number) => {
                    hash.update([1]);
                    hash.update(number.to_be_bytes());
                }
                Cell::Text(text) => {
                    hash.update([2]);
                    sized(&mut hash, text.as_bytes());
                }
                Cell::Bytes(bytes) => {
                    hash.update([3]);
                    sized(&mut hash, bytes);
                }
            }
        }
        let hash: [u8; 32] = hash.finalize().into();
        let mut carry = 0;
        for (sum, byte) in self.sum.iter_mut().zip(hash).rev() {
            let total = u16::from(*sum) + u16::from(byte) + carry;
            let [high, low] = total.to_be_bytes();
            (*sum, carry) = (low, u16::from(high));
        }
        self.rows += 1;
    }

    /// All of it, in hexadecimal.
    pub fn hex(&self) -> String {
        hex::encode(self.sum)
    }
}

fn sized(hash: &mut Sha256, bytes: &[u8]) {
    hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(bytes);
}

/// The beginning of the digest, as a fingerprint for people.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sum.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Cell]]) -> Digest {
        let mut digest = Digest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest
    }

    #[test]
    fn a_digest_is_of_the_rows_in_any_order_and_of_every_cell() {
        let (one, two) =
            ([Cell::Text("a".to_owned()), Cell::Null], [Cell::Integer(-1), Cell::Bytes(vec![1])]);
        assert_eq!(digest(&[&one, &two]), digest(&[&two, &one]));
        assert_ne!(digest(&[&one, &one]), digest(&[&one, &two]));
        assert_ne!(digest(&[&one, &one]), digest(&[&one, &one, &one, &one]));
        for other in [
            [Cell::Text("a".to_owned()), Cell::Text(String::new())],
            [Cell::Bytes(b"a".to_vec()), Cell::Null],
            [Cell::Null, Cell::Text("a".to_owned())],
        ] {
            assert_ne!(digest(&[&one]), digest(&[&other]), "{other:?}");
        }
        assert_eq!(digest(&[]).to_string(), "0000000000000000");
    }

    #[test]
    fn every_key_is_made_of_columns_and_no_column_is_named_twice() {
        for table in TABLES {
            let names: Vec<_> = table.columns().map(|(name, _)| name).collect();
            assert!(table.key.iter().all(|key| names.contains(key)), "{}", table.name);
            let distinct: std::collections::BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{}", table.name);
        }
    }
}
