//! How columns become values again. A row that cannot be read is an error that names its
//! transaction and column, and nothing of what is in it.
//!
//! Rows that an earlier service has written are read as they are, with what they lack: see
//! [`transaction`].

use std::cell::Cell;

use payment_domain::{
    Actor, ActorKind, Audit, BillId, BillKey, BillPayment, Currency, GatewayDetails, GatewayName,
    HistoryEntry, Money, Payer, Personal, Status, StatusName, TenantId, Timestamp, Transaction, TxnId,
    UnknownValues,
};
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, FromSqlOwned};

use crate::adopted;
use crate::failure::Failure;

/// The columns of `eg_pg_transactions` (called `t`) in the order in which [`transaction`] reads them.
macro_rules! transaction_columns {
    () => {
        "t.txn_id, t.whole_texts::text, t.version, t.txn_status, t.receipt, t.currency, \
         t.txn_amount::text, t.tenant_id, t.bill_id, t.module, t.consumer_code, t.bills::text, \
         coalesce(t.additional_details_exact, t.additional_details::text) AS additional_details, \
         t.product_info, t.gateway, t.callback_url, t.redirect_url, t.user_uuid, t.user_name, t.name, \
         t.mobile_number, t.email_id, t.user_tenant_id, t.txn_status_msg, t.gateway_txn_id, \
         t.gateway_payment_mode, t.gateway_status_code, t.gateway_status_msg, t.created_by, \
         t.created_time, t.last_modified_by, t.last_modified_time"
    };
}
pub(crate) use transaction_columns;

/// Reads the columns of a row one after the other, and turns what it cannot read into an error. A
/// column is asked for by name but read by place, which is several times faster; the names must come
/// in the order of the statement.
pub(crate) struct Columns<'a> {
    row: &'a Row,
    next: Cell<usize>,
    table: &'static str,
    key: String,
    /// By column, the texts that did not fit.
    whole: Map<String, Value>,
}

impl<'a> Columns<'a> {
    /// The columns of a row that begins with `txn_id`.
    pub(crate) fn of(row: &'a Row, table: &'static str) -> Result<Columns<'a>, Failure> {
        let mut columns = Columns::keyless(row, table);
        columns.key = columns.get("txn_id")?;
        Ok(columns)
    }

    /// The columns of a row that belongs to no transaction.
    pub(crate) fn keyless(row: &'a Row, table: &'static str) -> Columns<'a> {
        Columns { row, next: Cell::new(0), table, key: String::new(), whole: Map::new() }
    }

    fn place(&self, column: &str) -> usize {
        let place = self.next.get();
        debug_assert_eq!(self.row.columns().get(place).map(|c| c.name()), Some(column));
        self.next.set(place + 1);
        place
    }

    /// The column as PostgreSQL holds it.
    pub(crate) fn get<T: FromSql<'a>>(&self, column: &'static str) -> Result<T, Failure> {
        self.row.try_get(self.place(column)).map_err(|_| self.unreadable(column))
    }

    /// A text column, whole; NULL where an earlier service left it out.
    fn whole(&self, column: &'static str) -> Result<Option<&str>, Failure> {
        let held: Option<&str> = self.row.try_get(self.place(column)).map_err(|_| self.unreadable(column))?;
        Ok(self.whole.get(column).and_then(Value::as_str).or(held))
    }

    /// The same; NULL is nothing.
    fn text(&self, column: &'static str) -> Result<String, Failure> {
        Ok(self.whole(column)?.unwrap_or_default().to_owned())
    }

    fn optional(&self, column: &'static str) -> Result<Option<String>, Failure> {
        Ok(self.whole(column)?.map(str::to_owned))
    }

    fn personal(&self, column: &'static str) -> Result<Personal, Failure> {
        Ok(Personal::new(self.whole(column)?.unwrap_or_default()))
    }

    /// A text column that `read` understands.
    pub(crate) fn read<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Failure> {
        self.read_optional(column, read)?.ok_or_else(|| self.unreadable(column))
    }

    /// A text column that `read` understands, or NULL.
    pub(crate) fn read_optional<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        match self.get::<Option<&str>>(column)? {
            None => Ok(None),
            Some(text) => read(text).map(Some).ok_or_else(|| self.unreadable(column)),
        }
    }

    /// A number that is stored in a column large enough for every `T`.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, Failure> {
        T::try_from(self.get(column)?).map_err(|_| self.unreadable(column))
    }

    /// A column of milliseconds.
    pub(crate) fn moment(&self, column: &'static str) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_millis(self.get(column)?))
    }

    /// A column of milliseconds, or NULL.
    pub(crate) fn optional_moment(&self, column: &'static str) -> Result<Option<Timestamp>, Failure> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    /// A column of milliseconds; the beginning of time where an earlier service left it out.
    pub(crate) fn moment_or_zero(&self, column: &'static str) -> Result<Timestamp, Failure> {
        Ok(self.optional_moment(column)?.unwrap_or(Timestamp::from_millis(0)))
    }

    /// The transaction the row belongs to.
    pub(crate) fn txn_id(&self) -> TxnId {
        TxnId::stored(self.key.as_str())
    }

    /// A column with a tenant.
    pub(crate) fn tenant(&self, column: &'static str) -> Result<TenantId, Failure> {
        Ok(TenantId::stored(self.get::<Option<&str>>(column)?.unwrap_or_default()))
    }

    /// A column with a bill.
    pub(crate) fn bill(&self, column: &'static str) -> Result<BillId, Failure> {
        Ok(BillId::stored(self.get::<Option<&str>>(column)?.unwrap_or_default()))
    }

    /// A column with a gateway.
    pub(crate) fn gateway(&self, column: &'static str) -> Result<GatewayName, Failure> {
        Ok(GatewayName::new(self.get::<Option<&str>>(column)?.unwrap_or_default()))
    }

    /// The four audit columns.
    pub(crate) fn audit(&self) -> Result<Audit, Failure> {
        Ok(Audit {
            created_by: self.text("created_by")?,
            created_at: self.moment_or_zero("created_time")?,
            modified_by: self.optional("last_modified_by")?,
            modified_at: self.optional_moment("last_modified_time")?,
        })
    }

    /// What to say of a column that cannot be read.
    pub(crate) fn unreadable(&self, column: &'static str) -> Failure {
        Failure::Unreadable { table: self.table, row: self.key.clone(), column }
    }
}

/// JSON text.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Reads a row of [`transaction_columns`]. What an adopted row lacks is empty, its moment of creation
/// the beginning of time, its version 1; a receipt counts only where there was a success; its bills
/// are those its details name, with what was paid towards each, and otherwise the one bill it names. An
/// amount or a status that is none of ours is kept as it stands ([`Transaction::unknown`]).
pub(crate) fn transaction(row: &Row) -> Result<Transaction, Failure> {
    let mut columns = Columns::of(row, "eg_pg_transactions")?;
    let whole = columns.read_optional("whole_texts", json)?;
    columns.whole = whole.unwrap_or_default();
    let version = columns.get::<Option<i64>>("version")?;
    let is_adopted = version.is_none();
    let version = u32::try_from(version.unwrap_or(1)).map_err(|_| columns.unreadable("version"))?;
    let status_text = columns.get::<Option<&str>>("txn_status")?.unwrap_or_default();
    let status = StatusName::from_word(status_text);
    let receipt = columns.optional("receipt")?;
    // There is one currency; a column says so that there can be more.
    let currency = columns.get::<Option<&str>>("currency")?;
    if !is_adopted && currency.is_some_and(|code| Currency::from_code(code).is_none()) {
        return Err(columns.unreadable("currency"));
    }
    let amount_text = columns.get::<Option<&str>>("txn_amount")?.unwrap_or_default();
    let amount = adopted::money(amount_text);
    let unknown = UnknownValues {
        amount: amount.is_none().then(|| amount_text.to_owned()),
        status: status.is_none().then(|| status_text.to_owned()),
    };
    let tenant_id = columns.tenant("tenant_id")?;
    let bill_id = columns.bill("bill_id")?;
    let module = columns.optional("module")?;
    let consumer_code = columns.text("consumer_code")?;
    let own_bills = columns.read_optional("bills", json::<Vec<BillPayment>>)?;
    let details = columns.get::<Option<&str>>("additional_details")?;
    let named = || {
        let amount_paid = amount.filter(|_| !bill_id.is_absent())?;
        Some(BillPayment { tax_amount: None, amount_paid, bill_id: bill_id.clone() })
    };
    let bills = own_bills
        .or_else(|| details.and_then(adopted::bills))
        .unwrap_or_else(|| named().into_iter().collect());
    // An earlier service took anything for details; only an object can be one.
    let additional_details = match details.map(serde_json::from_str) {
        Some(Ok(Value::Object(details))) => details,
        None
        | Some(Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))) => {
            Map::new()
        }
        Some(Err(_)) if is_adopted => Map::new(),
        Some(Err(_)) => return Err(columns.unreadable("additional_details")),
    };
    Ok(Transaction {
        id: columns.txn_id(),
        tenant_id,
        amount: amount.unwrap_or(Money::ZERO),
        bill_id,
        module,
        consumer_code,
        bills,
        product_info: columns.text("product_info")?,
        gateway: GatewayName::new(&columns.text("gateway")?),
        callback_url: columns.optional("callback_url")?,
        redirect_url: columns.optional("redirect_url")?,
        payer: Payer {
            uuid: columns.text("user_uuid")?,
            user_name: columns.personal("user_name")?,
            name: columns.personal("name")?,
            mobile_number: columns.personal("mobile_number")?,
            email_id: columns.whole("email_id")?.map(Personal::new),
            tenant_id: columns.text("user_tenant_id")?,
        },
        status: match status {
            Some(StatusName::Pending) | None => Status::Pending,
            Some(StatusName::Failure) => Status::Failure,
            Some(StatusName::Success) => Status::Success { receipt },
        },
        status_message: columns.text("txn_status_msg")?,
        gateway_details: GatewayDetails {
            txn_id: columns.optional("gateway_txn_id")?,
            payment_mode: columns.optional("gateway_payment_mode")?,
            status_code: columns.optional("gateway_status_code")?,
            status_message: columns.optional("gateway_status_msg")?,
        },
        audit: columns.audit()?,
        additional_details,
        version,
        unknown: (unknown != UnknownValues::default()).then(|| Box::new(unknown)),
    })
}

/// Every bill that a row of [`transaction_columns`] may hold claims on: those of the transaction, and
/// of an adopted one every bill that its details name, however little sense they make otherwise.
pub(crate) fn claimable(row: &Row, txn: &Transaction) -> Vec<BillKey> {
    let own: Option<&str> = row.try_get("bills").unwrap_or_default();
    let details: Option<&str> = row.try_get("additional_details").unwrap_or_default();
    let named = match (own, details) {
        (None, Some(details)) => adopted::bill_ids(details),
        (Some(_), _) | (None, None) => Vec::new(),
    };
    let paid = txn.bills.iter().map(|payment| &payment.bill_id);
    BillKey::all_of(&txn.tenant_id, paid.chain([&txn.bill_id]).chain(&named))
}

/// Reads a row of `eg_pg_transaction_history`.
pub(crate) fn history_entry(row: &Row) -> Result<HistoryEntry, Failure> {
    let columns = Columns::of(row, "eg_pg_transaction_history")?;
    Ok(HistoryEntry {
        txn_id: columns.txn_id(),
        at: columns.moment("at_time")?,
        actor: Actor {
            kind: columns.read("actor_kind", ActorKind::from_word)?,
            id: columns.get("actor_id")?,
        },
        from: columns.read_optional("from_status", StatusName::from_word)?,
        to: columns.read("to_status", StatusName::from_word)?,
        why: columns.get("why")?,
        evidence: columns.read("evidence", json)?,
    })
}

/// The first column of the first row.
pub(crate) fn first<T: FromSqlOwned>(found: &[Row]) -> Result<Option<T>, Failure> {
    Ok(found.first().map(|row| row.try_get(0)).transpose()?)
}

/// The number of rows that a statement has changed, of those that it returns.
pub(crate) fn count(changed: &[Row]) -> Result<u32, Failure> {
    u32::try_from(changed.len()).map_err(|_| Failure::OutOfRange)
}

/// Every row, read.
pub(crate) fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    rows.iter().map(read).collect()
}
