//! The columns of a transaction and what is stored beside it, as parameters for statements of many rows.

use payment_domain::{HistoryEntry, Personal, Transaction};
use payment_store::{Attention, Change, Dump, NewTransaction};
use serde_json::Value;

use crate::failure::Failure;
use crate::parameters::{ColumnLimits, JsonText, Parameter, Rows, Truncation, each};

/// The parts of a transaction that are stored as JSON, written by the caller so that those who
/// commit for everybody need not.
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

    /// What the case of a change rests on.
    pub(crate) fn case_evidence(&self) -> &str {
        self.case_evidence.as_deref().unwrap_or("null")
    }

    /// What the line of the history rests on.
    pub(crate) fn evidence(&self) -> &str {
        &self.evidence
    }
}

/// Stores transactions that are not there.
pub(crate) const INSERT_TRANSACTIONS: &str = "
    INSERT INTO eg_pg_transactions (
        txn_id, tenant_id, txn_amount, currency, bill_id, module, consumer_code, bills, product_info,
        gateway, callback_url, redirect_url, redirect_form, user_uuid, user_name, name, mobile_number,
        email_id, user_tenant_id, txn_status, txn_status_msg, receipt, gateway_txn_id,
        gateway_payment_mode, gateway_status_code, gateway_status_msg, created_by, created_time,
        last_modified_by, last_modified_time, additional_details, additional_details_exact, version,
        whole_texts)
    SELECT
        u.txn_id, u.tenant_id, u.txn_amount::numeric, u.currency, u.bill_id, u.module, u.consumer_code,
        u.bills::json, u.product_info, u.gateway, u.callback_url, u.redirect_url, u.redirect_form::json,
        u.user_uuid, u.user_name, u.name, u.mobile_number, u.email_id, u.user_tenant_id, u.txn_status,
        u.txn_status_msg, u.receipt, u.gateway_txn_id, u.gateway_payment_mode, u.gateway_status_code,
        u.gateway_status_msg, u.created_by, u.created_time, u.last_modified_by, u.last_modified_time,
        u.additional_details::jsonb, u.additional_details_exact, u.version, u.whole_texts::jsonb
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
        $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[],
        $23::text[], $24::text[], $25::text[], $26::text[], $27::text[], $28::bigint[], $29::text[],
        $30::bigint[], $31::text[], $32::text[], $33::bigint[], $34::text[])
    AS u (
        txn_id, tenant_id, txn_amount, currency, bill_id, module, consumer_code, bills, product_info,
        gateway, callback_url, redirect_url, redirect_form, user_uuid, user_name, name, mobile_number,
        email_id, user_tenant_id, txn_status, txn_status_msg, receipt, gateway_txn_id,
        gateway_payment_mode, gateway_status_code, gateway_status_msg, created_by, created_time,
        last_modified_by, last_modified_time, additional_details, additional_details_exact, version,
        whole_texts)
    ON CONFLICT (txn_id) DO NOTHING
    RETURNING txn_id";

/// A row of [`INSERT_TRANSACTIONS`].
pub(crate) fn insert_transaction<'a>(
    rows: &mut Rows<'a>,
    txn: &'a Transaction,
    json: &'a JsonParts,
    column_limits: &ColumnLimits,
) {
    let mut cut = Truncation::new(column_limits);
    let (payer, details) = (&txn.payer, &txn.gateway_details);
    rows.push([
        Parameter::text(txn.id.as_str()),
        Parameter::text(txn.tenant_id.as_str()),
        Parameter::owned(txn.amount.to_string()),
        Parameter::text(txn.amount.currency().code()),
        Parameter::text(txn.bill_id.as_str()),
        cut.optional("module", txn.module.as_deref()),
        cut.text("consumer_code", &txn.consumer_code),
        Parameter::text(&json.bills),
        cut.text("product_info", &txn.product_info),
        cut.text("gateway", txn.gateway.as_str()),
        Parameter::optional(txn.callback_url.as_deref()),
        Parameter::optional(txn.redirect_url.as_deref()),
        Parameter::optional(json.redirect_form.as_deref()),
        cut.text("user_uuid", &payer.uuid),
        cut.text("user_name", payer.user_name.expose()),
        cut.text("name", payer.name.expose()),
        cut.text("mobile_number", payer.mobile_number.expose()),
        cut.optional("email_id", payer.email_id.as_ref().map(Personal::expose)),
        cut.text("user_tenant_id", &payer.tenant_id),
        Parameter::text(txn.status.name().as_str()),
        cut.text("txn_status_msg", &txn.status_message),
        cut.optional("receipt", txn.receipt()),
        cut.optional("gateway_txn_id", details.txn_id.as_deref()),
        cut.optional("gateway_payment_mode", details.payment_mode.as_deref()),
        cut.optional("gateway_status_code", details.status_code.as_deref()),
        cut.optional("gateway_status_msg", details.status_message.as_deref()),
        cut.text("created_by", &txn.audit.created_by),
        Parameter::moment(txn.audit.created_at),
        cut.optional("last_modified_by", txn.audit.modified_by.as_deref()),
        Parameter::optional_moment(txn.audit.modified_at),
        Parameter::text(&json.details.searchable),
        Parameter::optional(json.details.exact.as_deref()),
        Parameter::number(txn.version),
        cut.whole_texts(),
    ]);
}

/// Stores what may change of transactions that are locked. Bills, amounts and whatever else was fixed
/// at their creation stay; so do details of an adopted row that are none.
pub(crate) const UPDATE_TRANSACTIONS: &str = concat!(
    "UPDATE eg_pg_transactions AS t SET
        module = u.module, product_info = u.product_info, gateway = u.gateway,
        callback_url = u.callback_url, redirect_url = u.redirect_url,
        redirect_form = coalesce(u.redirect_form::json, t.redirect_form), user_name = u.user_name,
        name = u.name, mobile_number = u.mobile_number, email_id = u.email_id,
        user_tenant_id = u.user_tenant_id, txn_status = u.txn_status, txn_status_msg = u.txn_status_msg,
        receipt = u.receipt, gateway_txn_id = u.gateway_txn_id,
        gateway_payment_mode = u.gateway_payment_mode, gateway_status_code = u.gateway_status_code,
        gateway_status_msg = u.gateway_status_msg, last_modified_by = u.last_modified_by,
        last_modified_time = u.last_modified_time,
        additional_details = CASE
            WHEN u.additional_details = '{}' AND coalesce(jsonb_typeof(t.additional_details), '') <> 'object'
            THEN t.additional_details ELSE u.additional_details::jsonb END,
        additional_details_exact = u.additional_details_exact, version = u.version,
        whole_texts = u.whole_texts::jsonb
    FROM ",
    each!(
        "$1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
        $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::bigint[], $22::text[],
        $23::text[], $24::bigint[], $25::text[]",
        "txn_id, module, product_info, gateway, callback_url, redirect_url, redirect_form, user_name,
        name, mobile_number, email_id, user_tenant_id, txn_status, txn_status_msg, receipt,
        gateway_txn_id, gateway_payment_mode, gateway_status_code, gateway_status_msg, last_modified_by,
        last_modified_time, additional_details, additional_details_exact, version, whole_texts"
    ),
    " WHERE t.txn_id = u.txn_id"
);

/// A row of [`UPDATE_TRANSACTIONS`].
pub(crate) fn update_transaction<'a>(
    rows: &mut Rows<'a>,
    txn: &'a Transaction,
    json: &'a JsonParts,
    column_limits: &ColumnLimits,
) {
    let mut cut = Truncation::new(column_limits);
    let (payer, details) = (&txn.payer, &txn.gateway_details);
    // Fixed when it was created, and kept whole beside what is changed now.
    for (column, text) in [
        ("consumer_code", &txn.consumer_code),
        ("user_uuid", &payer.uuid),
        ("created_by", &txn.audit.created_by),
    ] {
        cut.text(column, text);
    }
    rows.push([
        Parameter::text(txn.id.as_str()),
        cut.optional("module", txn.module.as_deref()),
        cut.text("product_info", &txn.product_info),
        cut.text("gateway", txn.gateway.as_str()),
        Parameter::optional(txn.callback_url.as_deref()),
        Parameter::optional(txn.redirect_url.as_deref()),
        Parameter::optional(json.redirect_form.as_deref()),
        cut.text("user_name", payer.user_name.expose()),
        cut.text("name", payer.name.expose()),
        cut.text("mobile_number", payer.mobile_number.expose()),
        cut.optional("email_id", payer.email_id.as_ref().map(Personal::expose)),
        cut.text("user_tenant_id", &payer.tenant_id),
        Parameter::text(txn.status.name().as_str()),
        cut.text("txn_status_msg", &txn.status_message),
        cut.optional("receipt", txn.receipt()),
        cut.optional("gateway_txn_id", details.txn_id.as_deref()),
        cut.optional("gateway_payment_mode", details.payment_mode.as_deref()),
        cut.optional("gateway_status_code", details.status_code.as_deref()),
        cut.optional("gateway_status_msg", details.status_message.as_deref()),
        cut.optional("last_modified_by", txn.audit.modified_by.as_deref()),
        Parameter::optional_moment(txn.audit.modified_at),
        Parameter::text(&json.details.searchable),
        Parameter::optional(json.details.exact.as_deref()),
        Parameter::number(txn.version),
        cut.whole_texts(),
    ]);
}
