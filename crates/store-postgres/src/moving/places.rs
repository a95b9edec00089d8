//! Where the columns of an embedded database stand in this one.

use std::borrow::Cow;

use payment_domain::{Currency, Money};
use payment_store::moving::{Cell, CellRow, Kind, PAYMENTS, Table};
use serde_json::Value;

use crate::failure::Failure;
use crate::parameters::{ColumnLimits, JsonText, storable};

pub(super) const REFUNDS: &str = "eg_pg_transaction_refund";
const DUMPS: &str = "eg_pg_transactions_dump";

/// A column that is written: its name, its kind, the expression over the parameter `u.cN`.
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// `{}` is the parameter.
    pub(super) write: &'static str,
    /// The expression that reads it back as the embedded database holds it; `None` for one that is derived
    /// from others.
    pub(super) read: Option<String>,
}

/// The table that holds the rows.
pub(super) fn table_name(table: &Table) -> &'static str {
    match table.name {
        "eg_pg_event_keys" => "eg_pg_once_keys",
        other => other,
    }
}

/// The columns in the order of [`Table::columns`], then those that are derived ([`derived`]). `tenant` is the
/// name of the refunds' tenant.
pub(super) fn places(table: &Table, tenant: &'static str) -> Vec<Place> {
    let mut places: Vec<Place> =
        table.columns().map(|(column, kind)| place(table.name, column, kind, tenant)).collect();
    let text = |name, write| Place { name, kind: Kind::Text, write, read: None };
    places.extend(match table.name {
        PAYMENTS => vec![
            text("txn_amount", "{}::numeric"),
            text("additional_details_exact", "{}"),
            text("whole_texts", "{}::jsonb"),
        ],
        DUMPS => vec![text("txn_response_exact", "{}")],
        REFUNDS => vec![
            text("id", "{}"),
            text("original_amount", "{}::numeric"),
            text("refund_amount", "{}::numeric"),
            text("created_by", "{}"),
            text("gateway_status_code", "{}"),
            text("gateway_status_msg", "{}"),
        ],
        _ => Vec::new(),
    });
    places
}

fn place(table: &'static str, column: &'static str, kind: Kind, tenant: &'static str) -> Place {
    let name = match (table, column) {
        ("eg_pg_job_runs", "ended") => "end_kind",
        ("eg_pg_job_runs", "ended_detail") => "end_detail",
        (REFUNDS, "tenant_id") => tenant,
        (REFUNDS, own) => refund_column(own),
        (_, same) => same,
    };
    let (write, read) = match (table, column, kind) {
        (PAYMENTS, "additional_details", _) => {
            ("{}::jsonb", "coalesce(additional_details_exact, additional_details::text)".to_owned())
        }
        (DUMPS, "txn_response", _) => {
            ("{}::jsonb", "coalesce(txn_response_exact, txn_response::text)".to_owned())
        }
        (PAYMENTS, _, Kind::Text) => ("{}", format!("coalesce(whole_texts ->> '{name}', {name})")),
        (_, _, Kind::Text) => ("{}", format!("{name}::text")),
        (_, _, Kind::Json) => ("{}::json", format!("{name}::text")),
        (_, _, Kind::Flag) => ("({} <> 0)", format!("{name}::int::bigint")),
        (_, "only_row", Kind::Integer) => ("{}::integer", format!("{name}::bigint")),
        (_, _, Kind::Integer | Kind::Bytes) => ("{}", name.to_owned()),
    };
    Place { name, kind, write, read: Some(read) }
}

fn refund_column(own: &'static str) -> &'static str {
    match own {
        "workflow_status" => "pg_status",
        "currency" => "pg_currency",
        "captured_minor" => "pg_captured_minor",
        "amount_minor" => "pg_amount_minor",
        "capture_key" => "pg_capture_key",
        "consumer_code" => "pg_consumer_code",
        "requested_by" => "pg_requested_by",
        "approved_by" => "pg_approved_by",
        "second_approved_by" => "pg_second_approved_by",
        "waiver" => "pg_waiver",
        "case_id" => "pg_case_id",
        "receipt_status" => "pg_receipt_status",
        "version" => "pg_version",
        "details" => "pg_details",
        "request_scope" => "pg_request_scope",
        "request_key" => "pg_request_key",
        "request_digest" => "pg_request_digest",
        "due_at" => "pg_due_at",
        "checks" => "pg_checks",
        same => same,
    }
}

/// Whether a column is of type jsonb, which does not keep the text.
fn is_searchable(table: &str, column: &str) -> bool {
    matches!((table, column), (PAYMENTS, "additional_details") | (DUMPS, "txn_response"))
}

/// A row as PostgreSQL can hold it: without the character NUL in texts, JSON in one order where it is parsed,
/// texts as long as their columns except those of payments, which are kept whole beside them.
pub(super) fn canonical(table: &Table, row: &CellRow, limits: &ColumnLimits) -> CellRow {
    let cells = table.columns().zip(row).map(|((column, _), cell)| match cell {
        Cell::Text(text) if is_searchable(table.name, column) => Cell::Text(one_order(text)),
        Cell::Text(text) if table.name == DUMPS || table.name == REFUNDS => {
            Cell::Text(limits.cut(pg_column(table, column), text).into_owned())
        }
        Cell::Text(text) => Cell::Text(storable(text).into_owned()),
        Cell::Null if (table.name, column) == (REFUNDS, "service_code") => Cell::Text(String::new()),
        Cell::Null | Cell::Integer(_) | Cell::Bytes(_) => cell.clone(),
    });
    cells.collect()
}

/// A row that was read back.
pub(super) fn read_back(table: &Table, mut row: CellRow) -> CellRow {
    for ((column, _), cell) in table.columns().zip(&mut row) {
        if let Cell::Text(text) = cell
            && is_searchable(table.name, column)
        {
            *text = one_order(text);
        }
    }
    row
}

fn pg_column(table: &Table, column: &'static str) -> &'static str {
    if table.name == REFUNDS { refund_column(column) } else { column }
}

/// JSON with its members in one order.
fn one_order(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => sorted(value).to_string(),
        Err(_) => text.to_owned(),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// The cells that are written for a canonical row: texts cut to their columns, jsonb as it can be held, the
/// derived columns at the end.
pub(super) fn written(table: &Table, row: &CellRow, limits: &ColumnLimits) -> Result<CellRow, Failure> {
    let mut cells = row.clone();
    match table.name {
        PAYMENTS => {
            let mut whole = serde_json::Map::new();
            for ((column, kind), cell) in table.columns().zip(&mut cells) {
                if let (Cell::Text(text), Kind::Text) = (&mut *cell, kind) {
                    let cut = limits.cut(column, text).into_owned();
                    if cut != *text {
                        whole.insert(column.to_owned(), Value::String(std::mem::replace(text, cut)));
                    }
                }
            }
            let amount = money(table, row, "txn_amount_minor")?;
            let exact = exact(table, &mut cells, "additional_details")?;
            let whole =
                if whole.is_empty() { Cell::Null } else { Cell::Text(Value::Object(whole).to_string()) };
            cells.extend([amount, exact, whole]);
        }
        DUMPS => {
            let exact = exact(table, &mut cells, "txn_response")?;
            cells.push(exact);
        }
        REFUNDS => {
            let text = |column| text_of(table, row, column);
            let id = text("refund_id")?;
            let maker = limits.cut("created_by", text("requested_by")?).into_owned();
            let details: Value =
                serde_json::from_str(text("details")?).map_err(|_| unreadable(table, "details"))?;
            let detail = |name: &str, column| match details.get(name).and_then(Value::as_str) {
                Some(word) => Cell::Text(limits.cut(column, word).into_owned()),
                None => Cell::Null,
            };
            let derived = [
                Cell::Text(id.to_owned()),
                money(table, row, "captured_minor")?,
                money(table, row, "amount_minor")?,
                Cell::Text(maker),
                detail("statusCode", "gateway_status_code"),
                detail("statusMessage", "gateway_status_msg"),
            ];
            cells.extend(derived);
        }
        _ => {}
    }
    Ok(cells)
}

/// Makes the JSON of a column searchable, and returns the exact text where that alters it.
fn exact(table: &Table, cells: &mut CellRow, column: &'static str) -> Result<Cell, Failure> {
    let place = table.place(column).ok_or_else(|| unreadable(table, column))?;
    let Some(Cell::Text(text)) = cells.get_mut(place) else { return Ok(Cell::Null) };
    let value: Value = serde_json::from_str(text).map_err(|_| unreadable(table, column))?;
    let JsonText { searchable, exact } = JsonText::of(&value);
    *text = searchable;
    Ok(exact.map_or(Cell::Null, Cell::Text))
}

/// An amount in major units.
fn money(table: &Table, row: &CellRow, column: &'static str) -> Result<Cell, Failure> {
    let place = table.place(column).and_then(|place| row.get(place));
    let Some(Cell::Integer(minor)) = place else { return Err(unreadable(table, column)) };
    let currency =
        Currency::from_code(text_of(table, row, "currency")?).ok_or_else(|| unreadable(table, "currency"))?;
    let amount = Money::from_minor(*minor, currency).map_err(|_| unreadable(table, column))?;
    Ok(Cell::Text(amount.to_string()))
}

fn text_of<'a>(table: &Table, row: &'a CellRow, column: &'static str) -> Result<&'a str, Failure> {
    match table.place(column).and_then(|place| row.get(place)) {
        Some(Cell::Text(text)) => Ok(text),
        Some(Cell::Null | Cell::Integer(_) | Cell::Bytes(_)) | None => Err(unreadable(table, column)),
    }
}

pub(super) fn unreadable(table: &Table, column: &'static str) -> Failure {
    Failure::Unreadable { table: table.name, row: "a row".to_owned(), column }
}

/// The cells of one column as an array for the server.
pub(super) enum Values<'a> {
    Text(Vec<Option<Cow<'a, str>>>),
    Integer(Vec<Option<i64>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> Values<'a> {
    pub(super) fn of(kind: Kind, cells: impl Iterator<Item = &'a Cell>) -> Option<Values<'a>> {
        match kind {
            Kind::Text | Kind::Json => cells
                .map(|cell| match cell {
                    Cell::Null => Some(None),
                    Cell::Text(text) => Some(Some(Cow::Borrowed(text.as_str()))),
                    Cell::Integer(_) | Cell::Bytes(_) => None,
                })
                .collect::<Option<_>>()
                .map(Values::Text),
            Kind::Integer | Kind::Flag => cells
                .map(|cell| match cell {
                    Cell::Null => Some(None),
                    Cell::Integer(number) => Some(Some(*number)),
                    Cell::Text(_) | Cell::Bytes(_) => None,
                })
                .collect::<Option<_>>()
                .map(Values::Integer),
            Kind::Bytes => cells
                .map(|cell| match cell {
                    Cell::Null => Some(None),
                    Cell::Bytes(bytes) => Some(Some(bytes.as_slice())),
                    Cell::Text(_) | Cell::Integer(_) => None,
                })
                .collect::<Option<_>>()
                .map(Values::Bytes),
        }
    }

    pub(super) fn sql(&self) -> &(dyn tokio_postgres::types::ToSql + Sync) {
        match self {
            Values::Text(values) => values,
            Values::Integer(values) => values,
            Values::Bytes(values) => values,
        }
    }
}

/// The type of the array of a kind.
pub(super) fn array(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "text[]",
        Kind::Integer | Kind::Flag => "bigint[]",
        Kind::Bytes => "bytea[]",
    }
}
