//! The meaning of this crate's metrics.

/// Describes them.
pub(crate) fn describe() {
    metrics::describe_counter!("transactions_created_total", "Transactions created");
    metrics::describe_counter!(
        "transactions_reused_total",
        "Requests answered with a transaction that was created earlier"
    );
    metrics::describe_counter!("transactions_settled_total", "Transactions that became SUCCESS or FAILURE");
    metrics::describe_counter!(
        "transactions_paid_minor_units_total",
        "Sum of the transactions that became SUCCESS, in minor units of their currency (paise)"
    );
    metrics::describe_counter!("receipts_issued_total", "Receipts issued");
    metrics::describe_counter!(
        "receipts_postponed_total",
        "Attempts to issue or cancel a receipt that failed"
    );
    metrics::describe_counter!(
        "receipt_cancellations_total",
        "Receipts of payments that were given back and are dealt with, by outcome"
    );
    metrics::describe_counter!("attention_raised_total", "Review cases raised");
    metrics::describe_counter!("refunds_requested_total", "Refunds requested");
    metrics::describe_counter!("refunds_changed_total", "Refunds that reached a status after REQUESTED");
    metrics::describe_counter!(
        "refunds_succeeded_minor_units_total",
        "Sum of the refunds that SUCCEEDED, in minor units of their currency (paise)"
    );
    metrics::describe_counter!(
        "refund_calls_failed_total",
        "Calls for a refund without a usable answer; the gateway is asked for its state"
    );
    metrics::describe_counter!(
        "answers_refused_total",
        "Answers of gateways refused for their signature or content"
    );
    metrics::describe_counter!(
        "callbacks_unsigned_total",
        "Callbacks that carry no signature of the gateway"
    );
    metrics::describe_counter!("gateway_questions_failed_total", "Status requests without a usable answer");
    metrics::describe_counter!(
        "gateway_questions_held_back_total",
        "Status requests not made, because the payment was asked about too often or the gateway's pace is reached"
    );
    metrics::describe_counter!(
        "job_runs_total",
        "Runs of jobs that ended on this replica, or were taken over by it"
    );
    metrics::describe_counter!(
        "job_items_total",
        "Pieces of work (payments, receipts, refunds, events, rows) of runs that ended on this replica, by outcome"
    );
    metrics::describe_gauge!(
        "merchant_accounts_unusable",
        "Merchant accounts with credentials that cannot be used, as a rule for a missing key"
    );
    metrics::describe_gauge!(
        "merchant_credential_active_timestamp_seconds",
        metrics::Unit::Seconds,
        "Since when the credentials of a merchant account are in use; NaN for one that takes no new payments"
    );
    metrics::describe_gauge!(
        "database_clock_offset_seconds",
        metrics::Unit::Seconds,
        "The lead of this replica's system clock over the database's"
    );
}
