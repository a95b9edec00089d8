//! The list of moved tables.

use super::{AUDIT, AUDIT_HEAD, AUDIT_PERSONAL, HISTORY, PAYMENTS, Table};

const NONE: Table = Table {
    name: "",
    key: &[],
    text: &[],
    integer: &[],
    bytes: &[],
    json: &[],
    flag: &[],
    has_one_row: false,
};

/// The moved tables: each before those that refer to it.
pub const TABLES: &[Table] = &[
    Table {
        name: PAYMENTS,
        key: &["txn_id"],
        text: &[
            "txn_id",
            "tenant_id",
            "currency",
            "bill_id",
            "module",
            "consumer_code",
            "product_info",
            "gateway",
            "callback_url",
            "redirect_url",
            "user_uuid",
            "user_name",
            "name",
            "mobile_number",
            "email_id",
            "user_tenant_id",
            "txn_status",
            "txn_status_msg",
            "receipt",
            "gateway_txn_id",
            "gateway_payment_mode",
            "pg_bank_transaction_no",
            "gateway_status_code",
            "gateway_status_msg",
            "created_by",
            "last_modified_by",
            "merchant_account",
        ],
        integer: &[
            "txn_amount_minor",
            "created_time",
            "last_modified_time",
            "version",
            "checks",
            "next_check_at",
            "last_checked_at",
        ],
        json: &["bills", "redirect_form", "additional_details"],
        ..NONE
    },
    Table {
        name: "eg_pg_transaction_bills",
        key: &["bill_id", "txn_id"],
        text: &["bill_id", "txn_id"],
        ..NONE
    },
    Table {
        name: "eg_pg_bill_claims",
        key: &["tenant_id", "bill_id"],
        text: &["tenant_id", "bill_id", "txn_id"],
        ..NONE
    },
    Table {
        name: "eg_pg_transactions_dump",
        key: &["txn_id"],
        text: &["txn_id", "txn_request", "created_by", "last_modified_by"],
        integer: &["created_time", "last_modified_time"],
        json: &["txn_response"],
        ..NONE
    },
    Table {
        name: HISTORY,
        key: &["position"],
        text: &["txn_id", "actor_kind", "actor_id", "from_status", "to_status", "why"],
        integer: &["position", "entry_number", "at_time"],
        json: &["evidence"],
        ..NONE
    },
    Table {
        name: "eg_pg_outbox",
        key: &["sequence"],
        text: &["kind", "txn_id", "tenant_id", "body", "dead_reason", "trace_context"],
        integer: &["sequence", "stored_at", "published_at", "dead_at"],
        ..NONE
    },
    Table { name: "eg_pg_event_keys", key: &["key"], text: &["key"], integer: &["stored_at"], ..NONE },
    Table {
        name: "eg_pg_receipt_duties",
        key: &["txn_id"],
        text: &["txn_id", "lease_token", "last_error"],
        integer: &["due_at", "attempts", "lease_until", "unclear_at"],
        ..NONE
    },
    Table {
        name: "eg_pg_receipt_cancellations",
        key: &["txn_id"],
        text: &["txn_id", "refund_id", "lease_token", "last_error", "outcome"],
        integer: &["due_at", "attempts", "lease_until", "unclear_at"],
        flag: &["frees_bills"],
        ..NONE
    },
    Table {
        name: "eg_pg_idempotency_keys",
        key: &["scope", "key"],
        text: &["scope", "key", "txn_id", "answer"],
        integer: &["created_at"],
        bytes: &["digest"],
        ..NONE
    },
    Table {
        name: "eg_pg_attention",
        key: &["case_id"],
        text: &["txn_id", "kind", "resolved_by", "resolution", "owner", "tenant_id"],
        integer: &["case_id", "raised_at", "resolved_at", "owned_since", "version"],
        json: &["evidence"],
        ..NONE
    },
    Table {
        name: "eg_pg_attention_history",
        key: &["case_id", "entry_number"],
        text: &["author", "act", "note", "note_key"],
        integer: &["case_id", "entry_number", "at_time"],
        ..NONE
    },
    Table {
        name: "eg_pg_callbacks",
        key: &["digest"],
        text: &["gateway", "content", "txn_id", "conclusion"],
        integer: &["received_at"],
        bytes: &["digest"],
        ..NONE
    },
    Table {
        name: "eg_pg_unsigned_callbacks",
        key: &["txn_id", "day", "nth"],
        text: &["txn_id", "gateway", "content"],
        integer: &["day", "nth", "received_at"],
        ..NONE
    },
    Table {
        name: "eg_pg_job_runs",
        key: &["run_id"],
        text: &["job", "node", "ended", "ended_detail"],
        integer: &[
            "run_id",
            "scheduled_at",
            "attempt",
            "missed",
            "started_at",
            "lease_until",
            "examined",
            "changed",
            "still_pending",
            "failed",
            "ended_at",
        ],
        ..NONE
    },
    Table {
        name: "eg_pg_transaction_refund",
        key: &["refund_id"],
        text: &[
            "refund_id",
            "original_txn_id",
            "tenant_id",
            "gateway",
            "service_code",
            "gateway_txn_id",
            "status",
            "workflow_status",
            "currency",
            "capture_key",
            "consumer_code",
            "requested_by",
            "approved_by",
            "second_approved_by",
            "waiver",
            "receipt_status",
            "last_updated_by",
            "request_scope",
            "request_key",
        ],
        integer: &[
            "captured_minor",
            "amount_minor",
            "case_id",
            "created_time",
            "last_updated_time",
            "version",
            "due_at",
            "checks",
        ],
        bytes: &["request_digest"],
        json: &["details"],
        ..NONE
    },
    Table {
        name: "eg_pg_refund_history",
        key: &["refund_id", "entry_number"],
        text: &["refund_id", "txn_id", "actor_kind", "actor_id", "from_status", "to_status", "why"],
        integer: &["entry_number", "at_time"],
        json: &["evidence"],
        ..NONE
    },
    Table {
        name: AUDIT,
        key: &["entry_number"],
        text: &["entry"],
        integer: &["entry_number"],
        bytes: &["entry_hash"],
        ..NONE
    },
    Table {
        name: AUDIT_PERSONAL,
        key: &["entry_number", "field"],
        text: &["field", "value"],
        integer: &["entry_number"],
        bytes: &["salt"],
        ..NONE
    },
    Table {
        name: "eg_pg_audit_checkpoints",
        key: &["size"],
        integer: &["size", "at_time"],
        bytes: &["root", "signature", "public_key", "tree"],
        ..NONE
    },
    Table {
        name: AUDIT_HEAD,
        key: &["only_row"],
        text: &["database_id"],
        integer: &["only_row", "last_number"],
        bytes: &["last_hash"],
        has_one_row: true,
        ..NONE
    },
    Table {
        name: "eg_pg_history_seal",
        key: &["only_row"],
        text: &["gaps"],
        integer: &["only_row", "sealed_through"],
        has_one_row: true,
        ..NONE
    },
    Table { name: "eg_pg_api_holders", key: &["uuid"], text: &["uuid", "name", "name_key", "kind"], ..NONE },
    Table {
        name: "eg_pg_api_tokens",
        key: &["token_id"],
        text: &["token_id", "label", "uuid", "issued_by", "revoked_by"],
        integer: &["issued_at", "expires_at", "last_used_at", "revoked_at"],
        bytes: &["digest"],
        ..NONE
    },
    Table {
        name: "eg_pg_api_token_grants",
        key: &["token_id", "tenant_id", "role"],
        text: &["token_id", "tenant_id", "role"],
        ..NONE
    },
    Table {
        name: "eg_pg_merchant_account",
        key: &["id"],
        text: &[
            "id",
            "tenant_id",
            "business_service",
            "gateway",
            "label",
            "state",
            "bank_account_ref",
            "merchant",
            "created_by",
            "modified_by",
        ],
        integer: &["priority", "created_at", "modified_at", "version"],
        ..NONE
    },
    Table {
        name: "eg_pg_merchant_credential",
        key: &["account_id", "version"],
        text: &[
            "account_id",
            "state",
            "options",
            "hints",
            "sealed",
            "kek_id",
            "fingerprint",
            "created_by",
            "entered_by",
            "verified_by",
            "approved_by",
            "retired_by",
        ],
        integer: &[
            "version",
            "created_at",
            "entered_at",
            "verified_at",
            "active_from",
            "active_until",
            "wiped_at",
        ],
        flag: &["second_person"],
        ..NONE
    },
    Table {
        name: "eg_pg_merchant_account_revision",
        key: &["only_row"],
        integer: &["revision"],
        flag: &["only_row"],
        has_one_row: true,
        ..NONE
    },
    Table { name: "stand_in_sequences", key: &["name"], text: &["name"], integer: &["last_taken"], ..NONE },
    Table {
        name: "stand_in_payments",
        key: &["transaction_number"],
        text: &["transaction_number", "tenant_id", "currency", "payer_name", "payer_mobile"],
        integer: &["total_minor", "paid_at", "registered_at"],
        json: &["additional_details"],
        ..NONE
    },
    Table {
        name: "stand_in_receipts",
        key: &["tenant_id", "bill_id"],
        text: &["tenant_id", "bill_id", "receipt_number", "transaction_number"],
        integer: &["position", "paid_minor"],
        ..NONE
    },
    Table {
        name: "stand_in_cancelled_receipts",
        key: &["receipt_number"],
        text: &["receipt_number", "tenant_id", "bill_id", "transaction_number", "reason"],
        integer: &["position", "paid_minor", "cancelled_at"],
        ..NONE
    },
    Table {
        name: "stand_in_payers",
        key: &["state", "mobile_number", "name"],
        text: &["state", "mobile_number", "name", "uuid", "user_name", "email_id"],
        integer: &["created_at"],
        ..NONE
    },
];
