//! The statements about refunds, whose tenant is spelt as the table has it, and the reading of their rows.

use payment_domain::Refund;
use payment_store::{RefundRow, RequestDigest};
use tokio_postgres::Row;

use crate::clock::present;
use crate::connections::Migrator;
use crate::failure::Failure;
use crate::rows::Columns;

const TABLE: &str = "eg_pg_transaction_refund";

/// The statements that name the tenant's column.
pub(crate) struct RefundColumns {
    /// `tenant_id`, or `tanant_id` in the table of one version of UPYOG's.
    pub(super) tenant: &'static str,
    pub(super) select: String,
    pub(super) of_key: String,
    pub(super) of_payment: String,
    pub(super) insert: String,
    pub(super) update: String,
}

impl RefundColumns {
    pub(crate) async fn detect(migrator: &Migrator) -> Result<RefundColumns, Failure> {
        const SPELT: &str = "
            SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = 'eg_pg_transaction_refund'::regclass
                AND attname = 'tenant_id' AND NOT attisdropped)";
        let is_usual: bool = migrator.row(SPELT, &[]).await?.try_get(0)?;
        Ok(RefundColumns::of(if is_usual { "tenant_id" } else { "tanant_id" }))
    }

    pub(crate) fn tenant(&self) -> &'static str {
        self.tenant
    }

    fn of(tenant: &'static str) -> RefundColumns {
        let columns = format!(
            "original_txn_id AS txn_id, refund_id, {tenant} AS tenant_id, gateway, service_code, gateway_txn_id,
            status, pg_status AS workflow_status, pg_currency AS currency,
            coalesce(pg_captured_minor, (original_amount * 100)::bigint) AS captured_minor,
            coalesce(pg_amount_minor, (refund_amount * 100)::bigint) AS amount_minor,
            coalesce(pg_capture_key, '') AS capture_key, coalesce(pg_consumer_code, '') AS consumer_code,
            coalesce(pg_requested_by, created_by, '') AS requested_by, pg_approved_by AS approved_by,
            pg_second_approved_by AS second_approved_by, pg_waiver AS waiver, pg_case_id AS case_id,
            pg_receipt_status AS receipt_status, coalesce(created_time, 0) AS created_at,
            last_updated_by AS modified_by, last_updated_time AS modified_at, pg_version AS version,
            pg_details::text AS details"
        );
        let due = |given: &str, delay: &str| format!("{} + {delay}", present(given));
        RefundColumns {
            tenant,
            select: format!("SELECT {columns} FROM {TABLE}"),
            of_key: format!(
                "SELECT {columns}, pg_request_digest AS digest FROM {TABLE}
                WHERE pg_request_scope = $1 AND pg_request_key = $2"
            ),
            of_payment: format!(
                "SELECT {columns} FROM {TABLE} WHERE original_txn_id = $1 ORDER BY created_time NULLS FIRST, refund_id"
            ),
            insert: format!(
                "INSERT INTO {TABLE} (
                    id, refund_id, {tenant}, original_txn_id, service_code, original_amount, refund_amount,
                    gateway_txn_id, gateway, status, created_by, created_time, pg_version, pg_status, pg_currency,
                    pg_captured_minor, pg_amount_minor, pg_capture_key, pg_consumer_code, pg_requested_by, pg_waiver,
                    pg_case_id, pg_receipt_status, pg_details, pg_request_scope, pg_request_key, pg_request_digest,
                    pg_due_at, pg_checks)
                VALUES ($1, $1, $2, $3, $4, $5::text::numeric, $6::text::numeric, $7, $8, $9, $10, $11, $12, $13,
                    $14, $15, $16, $17, $18, $19, $20, $21, $22, $23::text::json, $24, $25, $26, {due}, 0)
                ON CONFLICT DO NOTHING RETURNING refund_id",
                due = due("$27", "$28::bigint"),
            ),
            update: format!(
                "UPDATE {TABLE} SET
                    pg_version = $2 + 1, status = $3,
                    pg_checks = CASE WHEN $15 THEN pg_checks WHEN pg_status = $4 THEN pg_checks + 1 ELSE 0 END,
                    pg_status = $4,
                    pg_approved_by = $5, pg_second_approved_by = $6, pg_receipt_status = $7,
                    pg_details = $8::text::json, gateway_status_code = $9, gateway_status_msg = $10,
                    last_updated_by = $11, last_updated_time = $12,
                    pg_due_at = CASE WHEN $15 THEN pg_due_at ELSE {due} END
                WHERE refund_id = $1 AND pg_version = $2 RETURNING refund_id",
                due = due("$13", "$14::bigint"),
            ),
        }
    }
}

pub(crate) fn read(row: &Row) -> Result<Refund, Failure> {
    read_from(&Columns::of(row, TABLE)?)
}

pub(super) fn read_with_digest(row: &Row) -> Result<(Refund, RequestDigest), Failure> {
    let columns = Columns::of(row, TABLE)?;
    let refund = read_from(&columns)?;
    let digest = RequestDigest::try_from(columns.get::<&[u8]>("digest")?);
    Ok((refund, digest.map_err(|_| columns.unreadable("digest"))?))
}

fn read_from(columns: &Columns<'_>) -> Result<Refund, Failure> {
    let row = RefundRow {
        txn_id: columns.txn_id().to_string(),
        refund_id: columns.get("refund_id")?,
        tenant_id: columns.get("tenant_id")?,
        gateway: columns.get("gateway")?,
        service_code: columns.get("service_code")?,
        gateway_txn_id: columns.get("gateway_txn_id")?,
        status: columns.get("status")?,
        workflow_status: columns.get("workflow_status")?,
        currency: columns.get("currency")?,
        captured_minor: columns.get("captured_minor")?,
        amount_minor: columns.get("amount_minor")?,
        capture_key: columns.get("capture_key")?,
        consumer_code: columns.get("consumer_code")?,
        requested_by: columns.get("requested_by")?,
        approved_by: columns.get("approved_by")?,
        second_approved_by: columns.get("second_approved_by")?,
        waiver: columns.get("waiver")?,
        case_id: columns.get("case_id")?,
        receipt_status: columns.get("receipt_status")?,
        created_at: columns.get("created_at")?,
        modified_by: columns.get("modified_by")?,
        modified_at: columns.get("modified_at")?,
        version: columns.get("version")?,
        rest: columns.get("details")?,
    };
    row.read().map_err(|column| columns.unreadable(column))
}
