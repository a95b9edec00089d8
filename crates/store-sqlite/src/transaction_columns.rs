//! The columns of `eg_pg_transactions`: one list, of which its INSERT, its UPDATE and its SELECT are made.
//! A new column is an entry here, a field of [`Transaction`] and a migration.

use std::sync::LazyLock;

use payment_domain::{
    AccountRef, BillId, BillPayment, Currency, HistoryEntry, Money, Personal, Status, StatusName, TenantId,
    Transaction, TxnId,
};
use payment_store::{Change, Dump, NewTransaction};
use rusqlite::types::{Null, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use serde_json::Value;

use crate::failure::Failure;
use crate::rows::{Columns, json};

/// Reads the column of this name into a transaction.
type Read = fn(&mut Transaction, &Columns<'_, '_>, &'static str) -> Result<(), Failure>;

struct Column {
    name: &'static str,
    on_change: OnChange,
    put: for<'a> fn(&'a Transaction, &'a JsonParts) -> ToSqlOutput<'a>,
    /// `None`: it is not read with the others.
    read: Option<Read>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnChange {
    /// A change that differs from the stored row is refused.
    Fixed,
    /// The same of a column that may be NULL.
    FixedOrNull,
    Set,
    /// Set unless it is NULL.
    SetIfGiven,
    /// Set to one more than the stored one.
    Version,
}

use OnChange::{Fixed, FixedOrNull, Set, SetIfGiven, Version};

const KEY: &str = "txn_id";

/// In the order in which a row is read: a column before those that depend on it.
const COLUMNS: &[Column] = &[
    Column { name: KEY, on_change: Fixed, put: |txn, _| txn.id.as_str().into(), read: None },
    column(
        "txn_status",
        Set,
        |txn, _| txn.status.name().as_str().into(),
        |txn, row, name| {
            txn.status = match row.read(name, StatusName::from_word)? {
                StatusName::Pending => Status::Pending,
                StatusName::Success => Status::Success { receipt: None },
                StatusName::Failure => Status::Failure,
            };
            Ok(())
        },
    ),
    column(
        "receipt",
        Set,
        |txn, _| optional(txn.receipt()),
        |txn, row, name| {
            let stored: Option<String> = row.get(name)?;
            match &mut txn.status {
                Status::Success { receipt } => *receipt = stored,
                Status::Pending | Status::Failure if stored.is_some() => return Err(row.unreadable(name)),
                Status::Pending | Status::Failure => {}
            }
            Ok(())
        },
    ),
    column(
        "currency",
        Fixed,
        |txn, _| txn.amount.currency().code().into(),
        |txn, row, name| {
            let currency = row.read(name, Currency::from_code)?;
            txn.amount = Money::from_minor(0, currency).map_err(|_| row.unreadable(name))?;
            Ok(())
        },
    ),
    column(
        "txn_amount_minor",
        Fixed,
        |txn, _| txn.amount.minor().into(),
        |txn, row, name| {
            txn.amount =
                Money::from_minor(row.get(name)?, txn.amount.currency()).map_err(|_| row.unreadable(name))?;
            Ok(())
        },
    ),
    column(
        "tenant_id",
        Fixed,
        |txn, _| txn.tenant_id.as_str().into(),
        |txn, row, name| {
            txn.tenant_id = row.read(name, |text| TenantId::new(text).ok())?;
            Ok(())
        },
    ),
    column(
        "bill_id",
        Fixed,
        |txn, _| txn.bill_id.as_str().into(),
        |txn, row, name| {
            txn.bill_id = row.read(name, |text| BillId::new(text).ok())?;
            Ok(())
        },
    ),
    column(
        "module",
        Set,
        |txn, _| optional(txn.module.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.module),
    ),
    column(
        "consumer_code",
        Fixed,
        |txn, _| txn.consumer_code.as_str().into(),
        |txn, row, name| row.read_into(name, &mut txn.consumer_code),
    ),
    column(
        "bills",
        Fixed,
        |_, json| json.bills.as_str().into(),
        |txn, row, name| {
            let currency = txn.amount.currency();
            txn.bills = row.read(name, |json| BillPayment::read_all(json, currency).ok())?;
            Ok(())
        },
    ),
    column(
        "product_info",
        Set,
        |txn, _| txn.product_info.as_str().into(),
        |txn, row, name| row.read_into(name, &mut txn.product_info),
    ),
    column(
        "gateway",
        Set,
        |txn, _| txn.gateway.as_str().into(),
        |txn, row, name| {
            txn.gateway = row.gateway(name)?;
            Ok(())
        },
    ),
    column(
        "merchant_account",
        FixedOrNull,
        |txn, _| txn.account.as_ref().map_or_else(|| Null.into(), |account| account.to_string().into()),
        |txn, row, name| {
            txn.account = row.read_optional(name, AccountRef::stored)?;
            Ok(())
        },
    ),
    column(
        "callback_url",
        Set,
        |txn, _| optional(txn.callback_url.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.callback_url),
    ),
    column(
        "redirect_url",
        Set,
        |txn, _| optional(txn.redirect_url.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.redirect_url),
    ),
    Column {
        name: "redirect_form",
        on_change: SetIfGiven,
        put: |_, json| optional(json.redirect_form.as_deref()),
        read: None,
    },
    column(
        "user_uuid",
        Fixed,
        |txn, _| txn.payer.uuid.as_str().into(),
        |txn, row, name| row.read_into(name, &mut txn.payer.uuid),
    ),
    column(
        "user_name",
        Set,
        |txn, _| txn.payer.user_name.expose().into(),
        |txn, row, name| {
            txn.payer.user_name = row.read(name, personal)?;
            Ok(())
        },
    ),
    column(
        "name",
        Set,
        |txn, _| txn.payer.name.expose().into(),
        |txn, row, name| {
            txn.payer.name = row.read(name, personal)?;
            Ok(())
        },
    ),
    column(
        "mobile_number",
        Set,
        |txn, _| txn.payer.mobile_number.expose().into(),
        |txn, row, name| {
            txn.payer.mobile_number = row.read(name, personal)?;
            Ok(())
        },
    ),
    column(
        "email_id",
        Set,
        |txn, _| optional(txn.payer.email_id.as_ref().map(Personal::expose)),
        |txn, row, name| {
            txn.payer.email_id = row.read_optional(name, personal)?;
            Ok(())
        },
    ),
    column(
        "user_tenant_id",
        Set,
        |txn, _| txn.payer.tenant_id.as_str().into(),
        |txn, row, name| row.read_into(name, &mut txn.payer.tenant_id),
    ),
    column(
        "txn_status_msg",
        Set,
        |txn, _| txn.status_message.as_str().into(),
        |txn, row, name| row.read_into(name, &mut txn.status_message),
    ),
    column(
        "gateway_txn_id",
        Set,
        |txn, _| optional(txn.gateway_details.txn_id.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.gateway_details.txn_id),
    ),
    column(
        "gateway_payment_mode",
        Set,
        |txn, _| optional(txn.gateway_details.payment_mode.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.gateway_details.payment_mode),
    ),
    column(
        "pg_bank_transaction_no",
        Set,
        |txn, _| optional(txn.gateway_details.bank_txn_no.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.gateway_details.bank_txn_no),
    ),
    column(
        "gateway_status_code",
        Set,
        |txn, _| optional(txn.gateway_details.status_code.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.gateway_details.status_code),
    ),
    column(
        "gateway_status_msg",
        Set,
        |txn, _| optional(txn.gateway_details.status_message.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.gateway_details.status_message),
    ),
    column(
        "created_by",
        Fixed,
        |txn, _| txn.audit.created_by.as_str().into(),
        |txn, row, name| row.read_into(name, &mut txn.audit.created_by),
    ),
    column(
        "created_time",
        Fixed,
        |txn, _| txn.audit.created_at.as_millis().into(),
        |txn, row, name| {
            txn.audit.created_at = row.moment(name)?;
            Ok(())
        },
    ),
    column(
        "last_modified_by",
        Set,
        |txn, _| optional(txn.audit.modified_by.as_deref()),
        |txn, row, name| row.read_into(name, &mut txn.audit.modified_by),
    ),
    column(
        "last_modified_time",
        Set,
        |txn, _| txn.audit.modified_at.map_or_else(|| Null.into(), |at| at.as_millis().into()),
        |txn, row, name| {
            txn.audit.modified_at = row.optional_moment(name)?;
            Ok(())
        },
    ),
    column(
        "additional_details",
        Set,
        |_, json| json.additional_details.as_str().into(),
        |txn, row, name| {
            txn.additional_details = row.read(name, json)?;
            Ok(())
        },
    ),
    column(
        "version",
        Version,
        |txn, _| txn.version.into(),
        |txn, row, name| row.read_into(name, &mut txn.version),
    ),
];

const fn column(
    name: &'static str,
    on_change: OnChange,
    put: for<'a> fn(&'a Transaction, &'a JsonParts) -> ToSqlOutput<'a>,
    read: Read,
) -> Column {
    Column { name, on_change, put, read: Some(read) }
}

fn optional(text: Option<&str>) -> ToSqlOutput<'_> {
    text.map_or_else(|| Null.into(), Into::into)
}

fn personal(text: &str) -> Option<Personal> {
    Some(Personal::new(text))
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    let places: Vec<String> = (1..=COLUMNS.len()).map(|place| format!("?{place}")).collect();
    format!(
        "INSERT INTO eg_pg_transactions ({}) VALUES ({}) ON CONFLICT (txn_id) DO NOTHING",
        names.join(", "),
        places.join(", ")
    )
});

/// The condition holds the fixed values, and the version that the change rests on.
static UPDATE: LazyLock<String> = LazyLock::new(|| {
    let (mut settings, mut conditions) = (Vec::new(), Vec::new());
    for (place, Column { name, on_change, .. }) in (1..).zip(COLUMNS) {
        match on_change {
            Fixed => conditions.push(format!("{name} = ?{place}")),
            FixedOrNull => conditions.push(format!("{name} IS ?{place}")),
            Set => settings.push(format!("{name} = ?{place}")),
            SetIfGiven => settings.push(format!("{name} = coalesce(?{place}, {name})")),
            Version => {
                settings.push(format!("{name} = ?{place}"));
                conditions.push(format!("{name} = ?{place} - 1"));
            }
        }
    }
    format!("UPDATE eg_pg_transactions SET {} WHERE {}", settings.join(", "), conditions.join(" AND "))
});

static FIND: LazyLock<String> = LazyLock::new(|| {
    let read = COLUMNS.iter().filter(|column| column.read.is_some()).map(|column| column.name);
    let selected: Vec<&str> = [KEY].into_iter().chain(read).collect();
    format!("SELECT {} FROM eg_pg_transactions WHERE txn_id = ?1", selected.join(", "))
});

/// Stores a transaction; `false` when its id is taken.
pub(crate) fn insert(conn: &Connection, txn: &Transaction, json: &JsonParts) -> Result<bool, Failure> {
    execute(conn, &INSERT, txn, json)
}

/// Stores a change; `false` when the stored row is at another version, or has other fixed values.
pub(crate) fn update(conn: &Connection, txn: &Transaction, json: &JsonParts) -> Result<bool, Failure> {
    execute(conn, &UPDATE, txn, json)
}

fn execute(conn: &Connection, sql: &str, txn: &Transaction, json: &JsonParts) -> Result<bool, Failure> {
    let values = COLUMNS.iter().map(|column| (column.put)(txn, json));
    Ok(conn.prepare_cached(sql)?.execute(params_from_iter(values))? > 0)
}

pub(crate) fn find(conn: &Connection, id: &TxnId) -> Result<Option<Transaction>, Failure> {
    let mut statement = conn.prepare_cached(&FIND)?;
    let mut found = statement.query([id.as_str()])?;
    found.next()?.map(read).transpose()
}

/// Distinguishes a stale change from one with other fixed values, which never succeeds.
pub(crate) fn is_stale(conn: &Connection, txn: &Transaction) -> Result<bool, Failure> {
    let stored: Option<u32> = conn
        .prepare_cached("SELECT version FROM eg_pg_transactions WHERE txn_id = ?1")?
        .query_row([txn.id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(stored.is_none_or(|version| version.checked_add(1) != Some(txn.version)))
}

fn read(row: &Row<'_>) -> Result<Transaction, Failure> {
    let columns = Columns::of(row, "eg_pg_transactions")?;
    let mut txn = Transaction::unread(columns.txn_id()?);
    for Column { name, read, .. } in COLUMNS {
        if let Some(read) = read {
            read(&mut txn, &columns, name)?;
        }
    }
    Ok(txn)
}

/// The JSON parts of a transaction and its change, written before the work is queued so that the one writing
/// thread need not.
pub(crate) struct JsonParts {
    bills: String,
    additional_details: String,
    redirect_form: Option<String>,
    pub(crate) evidence: String,
    pub(crate) response: Option<String>,
}

impl JsonParts {
    pub(crate) fn of_new(new: &NewTransaction) -> Result<JsonParts, Failure> {
        JsonParts::of(&new.txn, new.redirect_form.as_ref(), &new.history, Some(&new.dump))
    }

    pub(crate) fn of_change(change: &Change) -> Result<JsonParts, Failure> {
        JsonParts::of(&change.txn, change.redirect_form.as_ref(), &change.history, change.dump.as_ref())
    }

    fn of(
        txn: &Transaction,
        redirect_form: Option<&Value>,
        history: &HistoryEntry,
        dump: Option<&Dump>,
    ) -> Result<JsonParts, Failure> {
        Ok(JsonParts {
            bills: serde_json::to_string(&txn.bills)?,
            additional_details: serde_json::to_string(&txn.additional_details)?,
            redirect_form: redirect_form.map(Value::to_string),
            evidence: history.evidence.to_string(),
            response: dump.and_then(|dump| dump.response.as_ref()).map(Value::to_string),
        })
    }
}
