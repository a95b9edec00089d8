//! The columns of `eg_pg_transactions`: one list, of which its INSERT, its UPDATE and its SELECT are made.
//! A new column is an entry here, a field of [`Transaction`] and a migration.
//!
//! Rows of an earlier service are read as they are, with their missing values: see [`read`].

use std::sync::LazyLock;

use payment_domain::{
    AccountRef, BillId, BillKey, BillPayment, Currency, GatewayName, HistoryEntry, Money, Personal, Status,
    StatusName, TenantId, Timestamp, Transaction, UnknownValues,
};
use payment_store::{Attention, Change, Dump, NewTransaction};
use serde_json::{Map, Value};
use tokio_postgres::Row;

use crate::adopted;
use crate::failure::Failure;
use crate::parameters::{ColumnLimits, JsonText, Parameter, Rows, Truncation, element_rows};
use crate::rows::Columns;

struct Column {
    name: &'static str,
    sql: SqlType,
    put: Put,
    on_change: OnChange,
    read: Read,
}

#[derive(Clone, Copy)]
enum SqlType {
    Text,
    Bigint,
    Numeric,
    Json,
    Jsonb,
}

impl SqlType {
    /// The type of a parameter, and the cast to the column's.
    fn parameter(self) -> (&'static str, &'static str) {
        match self {
            SqlType::Text => ("text", ""),
            SqlType::Bigint => ("bigint", ""),
            SqlType::Numeric => ("text", "::numeric"),
            SqlType::Json => ("text", "::json"),
            SqlType::Jsonb => ("text", "::jsonb"),
        }
    }
}

enum Put {
    Value(for<'a> fn(&'a Transaction, &'a JsonParts) -> Parameter<'a>),
    /// A text that is truncated to the limit of its column, and kept whole in `whole_texts`.
    Limited(for<'a> fn(&'a Transaction) -> Option<&'a str>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnChange {
    /// Fixed when the transaction is created; in `txn_id` the key of the row.
    Fixed,
    Set,
    /// To the value of an expression: `u` is the change, `t` the stored row.
    SetTo(&'static str),
}

enum Read {
    No,
    /// A text, whole; `None` is NULL.
    Text(fn(&mut Transaction, Option<&str>)),
    Moment(fn(&mut Transaction, Option<Timestamp>)),
    /// Of more than one field, or by a rule of its own; `SELECT` takes this expression.
    Own(&'static str, fn(&mut Draft, &Columns<'_>, &'static str) -> Result<(), Failure>),
}

/// A transaction while its row is read.
struct Draft {
    txn: Transaction,
    is_adopted: bool,
    currency: Currency,
    /// The amount in minor units.
    amount: Option<Money>,
    has_bills: bool,
}

/// In the order in which a row is read: `version` and `txn_status` before the columns that depend on them.
const COLUMNS: &[Column] = &[
    value("txn_id", SqlType::Text, Fixed, |txn, _| Parameter::text(txn.id.as_str()), Read::No),
    value(
        "version",
        SqlType::Bigint,
        Set,
        |txn, _| Parameter::number(txn.version),
        Read::Own("t.version", |draft, row, column| {
            let version: Option<i64> = row.get(column)?;
            draft.is_adopted = version.is_none();
            draft.txn.version = u32::try_from(version.unwrap_or(1)).map_err(|_| row.unreadable(column))?;
            Ok(())
        }),
    ),
    value(
        "txn_status",
        SqlType::Text,
        Set,
        |txn, _| Parameter::text(txn.status.name().as_str()),
        Read::Own("t.txn_status", |draft, row, column| {
            let word = row.get::<Option<&str>>(column)?.unwrap_or_default();
            draft.txn.status = match StatusName::from_word(word) {
                Some(StatusName::Pending) => Status::Pending,
                Some(StatusName::Failure) => Status::Failure,
                Some(StatusName::Success) => Status::Success { receipt: None },
                None => {
                    draft.unknown().status = Some(word.to_owned());
                    Status::Pending
                }
            };
            Ok(())
        }),
    ),
    limited(
        "receipt",
        Set,
        |txn| txn.receipt(),
        |txn, text| match &mut txn.status {
            Status::Success { receipt } => *receipt = text.map(str::to_owned),
            // A receipt counts only where there was a success.
            Status::Pending | Status::Failure => {}
        },
    ),
    value(
        "currency",
        SqlType::Text,
        Fixed,
        |txn, _| Parameter::text(txn.amount.currency().code()),
        // NULL in a row of an earlier service, which had rupees alone.
        Read::Own("t.currency", |draft, row, column| {
            let code = row.get::<Option<&str>>(column)?.unwrap_or(Currency::INR.code());
            match Currency::from_code(code) {
                Some(currency) => draft.currency = currency,
                None if draft.is_adopted => draft.unknown().currency = Some(code.to_owned()),
                None => return Err(row.unreadable(column)),
            }
            Ok(())
        }),
    ),
    // The column is optional: a change by reports to the next column fails no payment.
    value(
        "txn_amount_minor",
        SqlType::Bigint,
        Fixed,
        |txn, _| Parameter::number(txn.amount.minor()),
        Read::Own("t.txn_amount_minor", |draft, row, column| {
            let amount = |minor| Money::from_minor(minor, draft.currency).map_err(|_| row.unreadable(column));
            draft.amount = row.get::<Option<i64>>(column)?.map(amount).transpose()?;
            Ok(())
        }),
    ),
    value(
        "txn_amount",
        SqlType::Numeric,
        Fixed,
        |txn, _| Parameter::owned(txn.amount.to_string()),
        Read::Own("t.txn_amount::text", |draft, row, column| {
            let text = row.get::<Option<&str>>(column)?.unwrap_or_default();
            let stored = draft.amount.or_else(|| Money::parse(text, draft.currency).ok());
            match stored.filter(|_| !draft.is_in_unknown_currency()) {
                Some(amount) => draft.txn.amount = amount,
                None => draft.unknown().amount = Some(text.to_owned()),
            }
            Ok(())
        }),
    ),
    value(
        "tenant_id",
        SqlType::Text,
        Fixed,
        |txn, _| Parameter::text(txn.tenant_id.as_str()),
        Read::Text(|txn, text| txn.tenant_id = TenantId::stored(text.unwrap_or_default())),
    ),
    value(
        "bill_id",
        SqlType::Text,
        Fixed,
        |txn, _| Parameter::text(txn.bill_id.as_str()),
        Read::Text(|txn, text| txn.bill_id = BillId::stored(text.unwrap_or_default())),
    ),
    limited("module", Set, |txn| txn.module.as_deref(), |txn, text| txn.module = text.map(str::to_owned)),
    limited(
        "consumer_code",
        Fixed,
        |txn| Some(&txn.consumer_code),
        |txn, text| {
            txn.consumer_code = owned(text);
        },
    ),
    value(
        "bills",
        SqlType::Json,
        Fixed,
        |_, json| Parameter::text(&json.bills),
        Read::Own("t.bills::text", |draft, row, column| {
            let currency = draft.currency;
            let bills = row.read_optional(column, |json| BillPayment::read_all(json, currency).ok())?;
            draft.has_bills = bills.is_some();
            draft.txn.bills = bills.unwrap_or_default();
            Ok(())
        }),
    ),
    value(
        "additional_details",
        SqlType::Jsonb,
        SetTo(
            "CASE WHEN u.additional_details = '{}'
                AND coalesce(jsonb_typeof(t.additional_details), '') <> 'object'
            THEN t.additional_details ELSE u.additional_details::jsonb END",
        ),
        |_, json| Parameter::text(&json.details.searchable),
        Read::Own(
            "coalesce(t.additional_details_exact, t.additional_details::text) AS additional_details",
            Draft::read_details,
        ),
    ),
    value(
        "additional_details_exact",
        SqlType::Text,
        Set,
        |_, json| Parameter::optional(json.details.exact.as_deref()),
        Read::No,
    ),
    limited("product_info", Set, |txn| Some(&txn.product_info), |txn, text| txn.product_info = owned(text)),
    limited(
        "gateway",
        Set,
        |txn| Some(txn.gateway.as_str()),
        |txn, text| {
            txn.gateway = GatewayName::new(text.unwrap_or_default());
        },
    ),
    value(
        "merchant_account",
        SqlType::Text,
        Fixed,
        |txn, _| Parameter::Text(txn.account.as_ref().map(|account| account.to_string().into())),
        Read::Own("t.merchant_account", |draft, row, column| {
            draft.txn.account = row.read_optional(column, AccountRef::stored)?;
            Ok(())
        }),
    ),
    value(
        "callback_url",
        SqlType::Text,
        Set,
        |txn, _| Parameter::optional(txn.callback_url.as_deref()),
        Read::Text(|txn, text| txn.callback_url = text.map(str::to_owned)),
    ),
    value(
        "redirect_url",
        SqlType::Text,
        Set,
        |txn, _| Parameter::optional(txn.redirect_url.as_deref()),
        Read::Text(|txn, text| txn.redirect_url = text.map(str::to_owned)),
    ),
    value(
        "redirect_form",
        SqlType::Json,
        SetTo("coalesce(u.redirect_form::json, t.redirect_form)"),
        |_, json| Parameter::optional(json.redirect_form.as_deref()),
        Read::No,
    ),
    limited("user_uuid", Fixed, |txn| Some(&txn.payer.uuid), |txn, text| txn.payer.uuid = owned(text)),
    limited(
        "user_name",
        Set,
        |txn| Some(txn.payer.user_name.expose()),
        |txn, text| {
            txn.payer.user_name = Personal::new(text.unwrap_or_default());
        },
    ),
    limited(
        "name",
        Set,
        |txn| Some(txn.payer.name.expose()),
        |txn, text| {
            txn.payer.name = Personal::new(text.unwrap_or_default());
        },
    ),
    limited(
        "mobile_number",
        Set,
        |txn| Some(txn.payer.mobile_number.expose()),
        |txn, text| {
            txn.payer.mobile_number = Personal::new(text.unwrap_or_default());
        },
    ),
    limited(
        "email_id",
        Set,
        |txn| txn.payer.email_id.as_ref().map(Personal::expose),
        |txn, text| {
            txn.payer.email_id = text.map(Personal::new);
        },
    ),
    limited(
        "user_tenant_id",
        Set,
        |txn| Some(&txn.payer.tenant_id),
        |txn, text| {
            txn.payer.tenant_id = owned(text);
        },
    ),
    limited(
        "txn_status_msg",
        Set,
        |txn| Some(&txn.status_message),
        |txn, text| {
            txn.status_message = owned(text);
        },
    ),
    limited(
        "gateway_txn_id",
        Set,
        |txn| txn.gateway_details.txn_id.as_deref(),
        |txn, text| {
            txn.gateway_details.txn_id = text.map(str::to_owned);
        },
    ),
    limited(
        "gateway_payment_mode",
        Set,
        |txn| txn.gateway_details.payment_mode.as_deref(),
        |txn, text| {
            txn.gateway_details.payment_mode = text.map(str::to_owned);
        },
    ),
    value(
        "pg_bank_transaction_no",
        SqlType::Text,
        Set,
        |txn, _| Parameter::optional(txn.gateway_details.bank_txn_no.as_deref()),
        Read::Text(|txn, text| txn.gateway_details.bank_txn_no = text.map(str::to_owned)),
    ),
    limited(
        "gateway_status_code",
        Set,
        |txn| txn.gateway_details.status_code.as_deref(),
        |txn, text| {
            txn.gateway_details.status_code = text.map(str::to_owned);
        },
    ),
    limited(
        "gateway_status_msg",
        Set,
        |txn| txn.gateway_details.status_message.as_deref(),
        |txn, text| {
            txn.gateway_details.status_message = text.map(str::to_owned);
        },
    ),
    limited(
        "created_by",
        Fixed,
        |txn| Some(&txn.audit.created_by),
        |txn, text| {
            txn.audit.created_by = owned(text);
        },
    ),
    value(
        "created_time",
        SqlType::Bigint,
        Fixed,
        |txn, _| Parameter::moment(txn.audit.created_at),
        Read::Moment(|txn, at| txn.audit.created_at = at.unwrap_or(Timestamp::from_millis(0))),
    ),
    limited(
        "last_modified_by",
        Set,
        |txn| txn.audit.modified_by.as_deref(),
        |txn, text| {
            txn.audit.modified_by = text.map(str::to_owned);
        },
    ),
    value(
        "last_modified_time",
        SqlType::Bigint,
        Set,
        |txn, _| Parameter::optional_moment(txn.audit.modified_at),
        Read::Moment(|txn, at| txn.audit.modified_at = at),
    ),
];

use OnChange::{Fixed, Set, SetTo};

const KEY: &str = "txn_id";
/// By column, the texts that are longer than their columns hold. It is the last of a row to be known, and
/// the first to be read.
const WHOLE_TEXTS: &str = "whole_texts";

const fn value(
    name: &'static str,
    sql: SqlType,
    on_change: OnChange,
    put: for<'a> fn(&'a Transaction, &'a JsonParts) -> Parameter<'a>,
    read: Read,
) -> Column {
    Column { name, sql, put: Put::Value(put), on_change, read }
}

const fn limited(
    name: &'static str,
    on_change: OnChange,
    put: for<'a> fn(&'a Transaction) -> Option<&'a str>,
    read: fn(&mut Transaction, Option<&str>),
) -> Column {
    Column { name, sql: SqlType::Text, put: Put::Limited(put), on_change, read: Read::Text(read) }
}

fn owned(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

impl Column {
    fn is_changed(&self) -> bool {
        self.name == KEY || self.on_change != Fixed
    }

    fn parameter<'a>(
        &self,
        txn: &'a Transaction,
        json: &'a JsonParts,
        cut: &mut Truncation<'_>,
    ) -> Parameter<'a> {
        match self.put {
            Put::Value(value) => value(txn, json),
            Put::Limited(text) => cut.optional(self.name, text(txn)),
        }
    }
}

/// The arrays of a statement with one parameter a column, and the names of the columns.
fn arrays<'a>(columns: impl Iterator<Item = &'a Column>) -> (String, String) {
    let (mut arrays, mut names) = (Vec::new(), Vec::new());
    for (place, column) in (1..).zip(columns) {
        arrays.push(format!("${place}::{}[]", column.sql.parameter().0));
        names.push(column.name);
    }
    arrays.push(format!("${}::text[]", arrays.len() + 1));
    names.push(WHOLE_TEXTS);
    (arrays.join(", "), names.join(", "))
}

/// Stores transactions whose ids are free; returns those ids.
pub(crate) static INSERT: LazyLock<String> = LazyLock::new(|| {
    let values: Vec<String> =
        COLUMNS.iter().map(|column| format!("u.{}{}", column.name, column.sql.parameter().1)).collect();
    let (values, (arrays, names)) = (values.join(", "), arrays(COLUMNS.iter()));
    format!(
        "INSERT INTO eg_pg_transactions ({names}) SELECT {values}, u.{WHOLE_TEXTS}::jsonb
        FROM unnest({arrays}) AS u ({names}) ON CONFLICT (txn_id) DO NOTHING RETURNING txn_id"
    )
});

/// A row of [`INSERT`].
pub(crate) fn insert_row<'a>(
    rows: &mut Rows<'a>,
    txn: &'a Transaction,
    json: &'a JsonParts,
    column_limits: &ColumnLimits,
) {
    let mut cut = Truncation::new(column_limits);
    let mut row = rows.row(COLUMNS.len() + 1);
    for column in COLUMNS {
        row.push(column.parameter(txn, json, &mut cut));
    }
    row.push(cut.whole_texts());
}

/// Stores changes of transactions that are locked. Details of an adopted row that are no object stay.
pub(crate) static UPDATE: LazyLock<String> = LazyLock::new(|| {
    let mut settings = Vec::new();
    for column in COLUMNS {
        let (name, cast) = (column.name, column.sql.parameter().1);
        match column.on_change {
            Fixed => {}
            Set => settings.push(format!("{name} = u.{name}{cast}")),
            SetTo(expression) => settings.push(format!("{name} = {expression}")),
        }
    }
    let (arrays, names) = arrays(COLUMNS.iter().filter(|column| column.is_changed()));
    format!(
        "UPDATE eg_pg_transactions AS t SET {}, {WHOLE_TEXTS} = u.{WHOLE_TEXTS}::jsonb
        FROM {} WHERE t.txn_id = u.txn_id",
        settings.join(", "),
        element_rows(&arrays, &names)
    )
});

/// A row of [`UPDATE`].
pub(crate) fn update_row<'a>(
    rows: &mut Rows<'a>,
    txn: &'a Transaction,
    json: &'a JsonParts,
    column_limits: &ColumnLimits,
) {
    let mut cut = Truncation::new(column_limits);
    let mut row = rows.row(COLUMNS.iter().filter(|column| column.is_changed()).count() + 1);
    for column in COLUMNS {
        if column.is_changed() {
            row.push(column.parameter(txn, json, &mut cut));
        } else if let Put::Limited(text) = column.put {
            // It stays as it is, and whole beside the changed texts.
            cut.optional(column.name, text(txn));
        }
    }
    row.push(cut.whole_texts());
}

/// The columns of `eg_pg_transactions AS t` for [`read`].
pub(crate) static SELECTED: LazyLock<String> = LazyLock::new(|| {
    let mut selected = vec![format!("t.{KEY}"), format!("t.{WHOLE_TEXTS}::text")];
    for column in COLUMNS {
        match column.read {
            Read::No => {}
            Read::Text(_) | Read::Moment(_) => selected.push(format!("t.{}", column.name)),
            Read::Own(expression, _) => selected.push(expression.to_owned()),
        }
    }
    selected.join(", ")
});

/// Reads a row of [`SELECTED`]. Absent values of an adopted row are empty, its moment of creation 0, its
/// version 1; its bills are those its details name, with the amounts paid, and otherwise the one bill it
/// names. An unknown amount or status is kept as it stands ([`Transaction::unknown`]).
pub(crate) fn read(row: &Row) -> Result<Transaction, Failure> {
    let mut columns = Columns::of(row, "eg_pg_transactions")?;
    columns.read_whole_texts(WHOLE_TEXTS)?;
    let txn = Transaction::unread(columns.txn_id());
    let mut draft = Draft { txn, is_adopted: false, currency: Currency::INR, amount: None, has_bills: false };
    for Column { name, read, .. } in COLUMNS {
        match read {
            Read::No => {}
            Read::Text(read) => read(&mut draft.txn, columns.whole(name)?),
            Read::Moment(read) => read(&mut draft.txn, columns.optional_moment(name)?),
            Read::Own(_, read) => read(&mut draft, &columns, name)?,
        }
    }
    Ok(draft.txn)
}

impl Draft {
    fn unknown(&mut self) -> &mut UnknownValues {
        self.txn.unknown.get_or_insert_default()
    }

    /// An earlier service took any value for details; only an object is one. An adopted row has its bills
    /// there.
    fn read_details(&mut self, row: &Columns<'_>, column: &'static str) -> Result<(), Failure> {
        let text: Option<&str> = row.get(column)?;
        self.txn.additional_details = match text.map(serde_json::from_str) {
            Some(Ok(Value::Object(details))) => details,
            Some(Err(_)) if !self.is_adopted => return Err(row.unreadable(column)),
            Some(Ok(
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_),
            ))
            | Some(Err(_))
            | None => Map::new(),
        };
        if !self.has_bills {
            self.txn.bills = self.paid_by(text).unwrap_or_else(|| self.named_bill());
        }
        Ok(())
    }

    fn is_in_unknown_currency(&self) -> bool {
        self.txn.unknown.as_ref().is_some_and(|unknown| unknown.currency.is_some())
    }

    /// The bills of the details; none where the amounts are in an unknown currency.
    fn paid_by(&self, details: Option<&str>) -> Option<Vec<BillPayment>> {
        let readable = details.filter(|_| !self.is_in_unknown_currency());
        readable.and_then(|details| adopted::bills(details, self.currency))
    }

    /// The whole amount towards the bill that the row names, where both are known.
    fn named_bill(&self) -> Vec<BillPayment> {
        let Transaction { amount, bill_id, unknown, .. } = &self.txn;
        let is_known = unknown.as_ref().is_none_or(|unknown| unknown.amount.is_none());
        if !is_known || bill_id.is_absent() {
            return Vec::new();
        }
        vec![BillPayment { tax_amount: None, amount_paid: *amount, bill_id: bill_id.clone() }]
    }
}

/// Every bill that a row of [`SELECTED`] may hold claims on: those of the transaction, and of an adopted one
/// every bill that its details name, however little sense they make otherwise.
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

/// The JSON parts of a transaction and its change, written by the caller so that the group commit need not.
pub(crate) struct JsonParts {
    bills: String,
    details: JsonText,
    redirect_form: Option<String>,
    evidence: String,
    pub(crate) response: Option<JsonText>,
    case_evidence: Option<String>,
}

impl JsonParts {
    pub(crate) fn of_new(new: &NewTransaction) -> Result<JsonParts, Failure> {
        JsonParts::of(&new.txn, new.redirect_form.as_ref(), &new.history, Some(&new.dump), None)
    }

    pub(crate) fn of_change(change: &Change) -> Result<JsonParts, Failure> {
        let (form, case) = (change.redirect_form.as_ref(), change.attention.as_ref());
        JsonParts::of(&change.txn, form, &change.history, change.dump.as_ref(), case)
    }

    fn of(
        txn: &Transaction,
        redirect_form: Option<&Value>,
        history: &HistoryEntry,
        dump: Option<&Dump>,
        case: Option<&Attention>,
    ) -> Result<JsonParts, Failure> {
        Ok(JsonParts {
            bills: serde_json::to_string(&txn.bills).map_err(|_| Failure::Unwritable)?,
            details: JsonText::of_object(&txn.additional_details)?,
            redirect_form: redirect_form.map(Value::to_string),
            evidence: history.evidence.to_string(),
            response: dump.and_then(|dump| dump.response.as_ref()).map(JsonText::of),
            case_evidence: case.map(|case| case.evidence.to_string()),
        })
    }

    /// The evidence of the review case.
    pub(crate) fn case_evidence(&self) -> &str {
        self.case_evidence.as_deref().unwrap_or("null")
    }

    /// The evidence of the line of the history.
    pub(crate) fn evidence(&self) -> &str {
        &self.evidence
    }
}
