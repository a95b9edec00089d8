//! Searching refunds, newest first.

use payment_domain::{BillId, Refund, RefundId, RefundStatus, TenantId, TxnId};
use payment_store::RefundQuery;

use super::columns;
use crate::PostgresStore;
use crate::failure::Failure;
use crate::parameters::storable;
use crate::rows;

/// One value of each condition; NULL for every refund.
struct Conditions {
    sql: String,
    tenant: Option<String>,
    refund: Option<String>,
    payment: Option<String>,
    /// Statuses of ours; DIGIT's words for rows of an earlier service.
    statuses: Option<Vec<&'static str>>,
    words: Vec<&'static str>,
    consumer_code: Option<String>,
    bill: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
    maker: Option<String>,
    scopes: Option<Vec<String>>,
}

impl Conditions {
    fn of(store: &PostgresStore, query: &RefundQuery) -> Conditions {
        let tenant = store.refunds.tenant;
        let owned = |text: &str| storable(text).into_owned();
        let statuses: Vec<&'static str> = query.statuses.iter().map(|status| status.as_str()).collect();
        Conditions {
            sql: format!(
                "($1::text IS NULL OR {tenant} = $1) AND ($2::text IS NULL OR refund_id = $2)
                AND ($3::text IS NULL OR original_txn_id = $3)
                AND ($4::text[] IS NULL OR pg_status = ANY($4)
                    OR (pg_status IS NULL AND upper(status) = ANY($5::text[])))
                AND ($6::text IS NULL OR pg_consumer_code = $6)
                AND ($7::text IS NULL OR original_txn_id IN (
                    SELECT paid.txn_id FROM eg_pg_transaction_bills AS paid WHERE paid.bill_id = $7))
                AND ($8::bigint IS NULL OR created_time >= $8) AND ($9::bigint IS NULL OR created_time < $9)
                AND ($10::text IS NULL OR pg_requested_by = $10)
                AND ($11::text[] IS NULL OR EXISTS (SELECT 1 FROM unnest($11::text[]) AS root
                    WHERE {tenant} = root OR starts_with({tenant}, root || '.')))"
            ),
            tenant: query.tenant_id.as_ref().map(TenantId::as_str).map(owned),
            refund: query.refund_id.as_ref().map(RefundId::as_str).map(owned),
            payment: query.txn_id.as_ref().map(TxnId::as_str).map(owned),
            words: query.statuses.iter().map(|status: &RefundStatus| status.digit_word()).collect(),
            statuses: (!statuses.is_empty()).then_some(statuses),
            consumer_code: query.consumer_code.as_deref().map(owned),
            bill: query.bill_id.as_ref().map(BillId::as_str).map(owned),
            from: query.from.map(|at| at.as_millis()),
            to: query.to.map(|at| at.as_millis()),
            maker: query.requested_by.as_deref().map(owned),
            scopes: query
                .within
                .as_ref()
                .map(|scopes| scopes.iter().map(|scope| owned(&scope.root)).collect()),
        }
    }

    fn values(&self) -> Vec<&(dyn tokio_postgres::types::ToSql + Sync)> {
        vec![
            &self.tenant,
            &self.refund,
            &self.payment,
            &self.statuses,
            &self.words,
            &self.consumer_code,
            &self.bill,
            &self.from,
            &self.to,
            &self.maker,
            &self.scopes,
        ]
    }
}

pub(super) async fn search(store: &PostgresStore, query: &RefundQuery) -> Result<Vec<Refund>, Failure> {
    let conditions = Conditions::of(store, query);
    let sql = format!(
        "{} WHERE {} ORDER BY created_time DESC NULLS LAST, refund_id DESC LIMIT $12 OFFSET $13",
        store.refunds.select, conditions.sql
    );
    let (limit, offset) = (i64::from(query.page.limit), i64::from(query.page.offset));
    let mut values = conditions.values();
    values.push(&limit);
    values.push(&offset);
    // A search for one refund is a small query.
    let found = match &query.refund_id {
        Some(_) => store.db.planned(&sql, &values).await?,
        None => store.db.search(&sql, &values).await?,
    };
    rows::all(&found, columns::read)
}

pub(super) async fn count(store: &PostgresStore, query: &RefundQuery) -> Result<u64, Failure> {
    let conditions = Conditions::of(store, query);
    let sql = format!("SELECT count(*) FROM eg_pg_transaction_refund WHERE {}", conditions.sql);
    let found = store.db.search(&sql, &conditions.values()).await?;
    let count: i64 = rows::first(&found)?.ok_or(Failure::OutOfRange)?;
    u64::try_from(count).map_err(|_| Failure::OutOfRange)
}
