//! The rows that the service wrote for one payment: the model for pgbench's rows and for a history.

use anyhow::{Context, Result, ensure};
use tokio_postgres::Client;

use crate::pgbench::Script;

/// The tables of a payment, in the service's order of writing, each with the order of one payment's rows.
pub(crate) const TABLES: [Table; 6] = [
    Table { name: "eg_pg_bill_claims", key: "txn_id", order: "bill_id" },
    Table { name: "eg_pg_transactions", key: "txn_id", order: "txn_id" },
    Table { name: "eg_pg_transaction_bills", key: "txn_id", order: "bill_id" },
    Table { name: "eg_pg_transaction_history", key: "txn_id", order: "entry_number" },
    Table { name: "eg_pg_transactions_dump", key: "txn_id", order: "txn_id" },
    Table { name: "eg_pg_outbox", key: "txn_id", order: "sequence" },
];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The column by which the rows of one payment, or of one refund, are found.
    pub(crate) key: &'static str,
    pub(crate) order: &'static str,
}

pub(crate) type Row = Vec<(String, Option<String>)>;

/// The columns of a table, except those that the database assigns.
pub(crate) async fn columns(client: &Client, table: &str) -> Result<Vec<String>> {
    const COLUMNS: &str = "
        SELECT column_name::text FROM information_schema.columns
        WHERE table_schema = current_schema AND table_name = $1 AND is_identity = 'NO'
            AND is_generated = 'NEVER'
            AND (table_name, column_name) <> ('eg_pg_transaction_history', 'position')
        ORDER BY ordinal_position";
    let found = client.query(COLUMNS, &[&table]).await?;
    ensure!(!found.is_empty(), "there is no table {table}");
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// The rows of a payment, or of a refund, in a table.
pub(crate) async fn of(client: &Client, table: Table, id: &str) -> Result<Vec<Row>> {
    let columns = columns(client, table.name).await?;
    let list: Vec<String> = columns.iter().map(|column| format!("{column}::text")).collect();
    let Table { name, key, order } = table;
    let sql = format!("SELECT {} FROM {name} WHERE {key} = $1 ORDER BY {order}", list.join(", "));
    let found = client.query(&sql, &[&id]).await.with_context(|| format!("reading {name}"))?;
    let row = |row: &tokio_postgres::Row| {
        columns.iter().enumerate().map(|(at, column)| (column.clone(), row.get(at))).collect()
    };
    Ok(found.iter().map(row).collect())
}

/// A script being built: statements with variables as values.
#[derive(Debug, Default)]
pub(crate) struct Statements(Script);

impl Statements {
    /// Defines a variable.
    pub(crate) fn define(&mut self, variable: &str, value: &str) {
        self.0.variables.push((variable.to_owned(), value.to_owned()));
    }

    /// Adds unchanged lines.
    pub(crate) fn line(&mut self, line: &str) {
        self.0.text.push_str(line);
        self.0.text.push('\n');
    }

    /// Adds the `INSERT` of a row; `own` has the expressions of columns that differ between payments.
    pub(crate) fn insert(&mut self, table: &str, row: &Row, own: &[(&str, &str)]) {
        let columns: Vec<&str> = row.iter().map(|(column, _)| column.as_str()).collect();
        let values: Vec<String> =
            row.iter().map(|(column, value)| self.value(column, value.as_deref(), own)).collect();
        self.line(&format!("INSERT INTO {table} ({}) VALUES ({});", columns.join(", "), values.join(", ")));
    }

    /// Adds the `UPDATE` of a row's columns, except those `kept`.
    pub(crate) fn update(
        &mut self,
        Table { name, key, .. }: Table,
        row: &Row,
        kept: &[&str],
        own: &[(&str, &str)],
        id: &str,
    ) {
        let changed: Vec<String> = row
            .iter()
            .filter(|(column, _)| !kept.contains(&column.as_str()))
            .map(|(column, value)| format!("{column} = {}", self.value(column, value.as_deref(), own)))
            .collect();
        self.line(&format!("UPDATE {name} SET {} WHERE {key} = {id};", changed.join(", ")));
    }

    pub(crate) fn finish(self) -> Script {
        self.0
    }

    /// The expression of a value: one from `own`, `NULL`, or a new variable.
    fn value(&mut self, column: &str, value: Option<&str>, own: &[(&str, &str)]) -> String {
        if let Some((_, expression)) = own.iter().find(|(name, _)| *name == column) {
            return (*expression).to_owned();
        }
        let Some(value) = value else { return "NULL".to_owned() };
        if value.is_empty() {
            // No variable of pgbench is.
            return "''".to_owned();
        }
        let name = format!("value_{}", self.0.variables.len());
        self.0.variables.push((name.clone(), value.to_owned()));
        format!(":{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sent_as_parameters_and_keys_are_made_anew() {
        let row: Row = vec![
            ("txn_id".to_owned(), Some("T1".to_owned())),
            ("body".to_owned(), Some("{\"a\":1}".to_owned())),
            ("published_at".to_owned(), None),
        ];
        let mut statements = Statements::default();
        statements.insert("eg_pg_outbox", &row, &[("txn_id", "'B_' || :n")]);
        statements.update(TABLES[5], &row, &["txn_id"], &[], "'B_' || :n");
        let script = statements.finish();
        assert_eq!(
            script.text,
            "INSERT INTO eg_pg_outbox (txn_id, body, published_at) VALUES ('B_' || :n, :value_0, NULL);\n\
             UPDATE eg_pg_outbox SET body = :value_1, published_at = NULL WHERE txn_id = 'B_' || :n;\n"
        );
        assert_eq!(script.variables[0], ("value_0".to_owned(), "{\"a\":1}".to_owned()));
    }
}
