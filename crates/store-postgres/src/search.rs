//! Searching transactions, newest first.
//!
//! The conditions of a search are turned into one or several *runs*: pieces of an index that lie in
//! the order of the answer. The most selective condition chooses the runs, the others filter what
//! they yield; written as they are they can use no index, and whether they are set is known only when
//! the statement runs. The heads of the runs are merged. Thus a page is read, however large the
//! table, and never gathered and sorted; and there are as many statements as there are kinds of runs.

use payment_domain::{BillId, StatusName, TenantId, Transaction, TxnId};
use payment_store::{SearchQuery, TenantScope};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::cells::{Widths, storable};
use crate::connections::Connections;
use crate::failure::Failure;
use crate::rows::{self, transaction_columns};

/// Every condition of a search that is set, in a form that uses no index. A text that is longer than
/// its column is compared as it was before it was cut.
macro_rules! filters {
    () => {
        "($1::text IS NULL OR t.tenant_id = $1)
         AND ($2::text IS NULL OR t.txn_id = $2)
         AND ($3::text IS NULL OR EXISTS (SELECT 1 FROM eg_pg_transaction_bills AS paid
             WHERE paid.bill_id = $3 AND paid.txn_id = t.txn_id))
         AND ($4::text IS NULL OR coalesce(t.whole_texts ->> 'user_uuid', t.user_uuid) = $4)
         AND ($5::text IS NULL OR coalesce(t.whole_texts ->> 'receipt', t.receipt) = $5)
         AND ($6::text IS NULL OR coalesce(t.whole_texts ->> 'consumer_code', t.consumer_code) = $6)
         AND ($7::text[] IS NULL OR t.txn_status = ANY($7))
         AND ($8::text IS NULL OR coalesce(t.whole_texts ->> 'user_uuid', t.user_uuid) = $8
             OR coalesce(t.whole_texts ->> 'created_by', t.created_by) = $8)
         AND ($9::text IS NULL OR t.tenant_id = $9
             OR (t.tenant_id COLLATE \"C\" >= $10::text AND t.tenant_id COLLATE \"C\" < $11::text))
         AND ($12::text IS NULL OR TRUE) AND ($13::text IS NULL OR TRUE)"
    };
}

/// The head of a run that begins with this condition: the places of the answer in it.
macro_rules! head {
    ($run:literal) => {
        concat!(
            "(SELECT t.txn_id, t.created_time FROM eg_pg_transactions AS t WHERE ",
            $run,
            " AND ",
            filters!(),
            " ORDER BY t.created_time DESC NULLS LAST, t.txn_id COLLATE \"C\" DESC
              LIMIT $14::bigint + $15::bigint)"
        )
    };
}

/// The page of all there is in these heads.
macro_rules! page {
    ($($heads:tt)*) => {
        concat!(
            "SELECT ",
            transaction_columns!(),
            " FROM (SELECT head.txn_id, head.created_time FROM ",
            $($heads)*,
            " AS head ORDER BY head.created_time DESC NULLS LAST, head.txn_id COLLATE \"C\" DESC
              LIMIT $14::bigint OFFSET $15::bigint) AS place
              JOIN eg_pg_transactions AS t ON t.txn_id = place.txn_id
              ORDER BY place.created_time DESC NULLS LAST, place.txn_id COLLATE \"C\" DESC"
        )
    };
}

/// Every tenant of a scope, each found by one step along the index.
macro_rules! tenants_within {
    () => {
        "(WITH RECURSIVE below AS (
             (SELECT t.tenant_id COLLATE \"C\" AS tenant_id FROM eg_pg_transactions AS t
              WHERE t.tenant_id COLLATE \"C\" >= $10::text AND t.tenant_id COLLATE \"C\" < $11::text
              ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
             UNION ALL
             SELECT (SELECT t.tenant_id COLLATE \"C\" FROM eg_pg_transactions AS t
                 WHERE t.tenant_id COLLATE \"C\" > below.tenant_id AND t.tenant_id COLLATE \"C\" < $11::text
                 ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
             FROM below WHERE below.tenant_id IS NOT NULL)
         SELECT tenant_id FROM below WHERE tenant_id IS NOT NULL
         UNION ALL SELECT $9::text) AS tenant"
    };
}

const BY_ID: &str = concat!(
    "SELECT ",
    transaction_columns!(),
    " FROM eg_pg_transactions AS t WHERE t.txn_id = $2 AND ",
    filters!(),
    " LIMIT $14::bigint OFFSET $15::bigint"
);
const BY_RECEIPT: &str = page!(head!("t.receipt = $12"));
const BY_BILL: &str = page!(head!(
    "t.txn_id IN (SELECT known.txn_id FROM eg_pg_transaction_bills AS known WHERE known.bill_id = $3)"
));
const BY_CONSUMER_CODE: &str = page!(head!("t.consumer_code = $12"));
const BY_PAYER: &str = page!(head!("t.user_uuid = $12"));
const MINE: &str = page!(concat!(
    "(",
    head!("t.user_uuid = $12"),
    " UNION ALL ",
    head!(
        "t.created_by = $13 AND t.created_by <> t.user_uuid
         AND coalesce(t.whole_texts ->> 'user_uuid', t.user_uuid) <> $8"
    ),
    ")"
));
const OF_TENANT: &str = page!(concat!(
    "(SELECT run.* FROM unnest($7::text[]) AS status (name) CROSS JOIN LATERAL ",
    head!("t.tenant_id COLLATE \"C\" = $1 AND t.txn_status = status.name"),
    " AS run)"
));
const WITHIN: &str = page!(concat!(
    "(SELECT run.* FROM ",
    tenants_within!(),
    " CROSS JOIN unnest($7::text[]) AS status (name) CROSS JOIN LATERAL ",
    head!("t.tenant_id COLLATE \"C\" = tenant.tenant_id AND t.txn_status = status.name"),
    " AS run)"
));
const EVERYTHING: &str = page!(concat!(
    "(SELECT run.* FROM unnest($7::text[]) AS status (name) CROSS JOIN LATERAL ",
    head!("t.txn_status = status.name"),
    " AS run)"
));

/// The runs of the most selective condition, and the text by which an index with cut texts is read,
/// where it is not one of the conditions as it stands.
fn runs(query: &SearchQuery) -> (&'static str, Option<(&'static str, &str)>) {
    if query.txn_id.is_some() {
        return (BY_ID, None);
    }
    if let Some(receipt) = &query.receipt {
        return (BY_RECEIPT, Some(("receipt", receipt)));
    }
    if query.bill_id.is_some() {
        return (BY_BILL, None);
    }
    if let Some(consumer_code) = &query.consumer_code {
        return (BY_CONSUMER_CODE, Some(("consumer_code", consumer_code)));
    }
    if let Some(uuid) = &query.user_uuid {
        return (BY_PAYER, Some(("user_uuid", uuid)));
    }
    if let Some(mine) = &query.mine {
        return (MINE, Some(("user_uuid", &mine.uuid)));
    }
    let sql = match (&query.tenant_id, &query.within) {
        (Some(_), _) => OF_TENANT,
        (None, Some(_)) => WITHIN,
        (None, None) => EVERYTHING,
    };
    (sql, None)
}

/// A tenant, and the range in which all tenants below it lie: from the dot behind it to the
/// character that follows the dot.
fn below(scope: &TenantScope) -> [String; 3] {
    let root = storable(&scope.root);
    [root.clone().into_owned(), format!("{root}."), format!("{root}/")]
}

/// The one transaction that is looked for, when the other conditions are its status and who may see
/// it. They can be read off it; to ask the server for them costs more than finding it does.
pub(crate) fn named_alone(query: &SearchQuery) -> Option<&TxnId> {
    let SearchQuery { txn_id, bill_id, user_uuid, receipt, consumer_code, mine, .. } = query;
    let is_alone = bill_id.is_none()
        && user_uuid.is_none()
        && receipt.is_none()
        && consumer_code.is_none()
        // An adopted transaction may have been created by nobody.
        && mine.as_ref().is_none_or(|mine| !mine.uuid.is_empty());
    txn_id.as_ref().filter(|_| is_alone)
}

/// Whether these conditions hold for a transaction: its tenant, its payer or creator, its place.
fn is_visible(txn: &Transaction, query: &SearchQuery) -> bool {
    query.tenant_id.as_ref().is_none_or(|wanted| *wanted == txn.tenant_id)
        && query.within.as_ref().is_none_or(|scope| txn.tenant_id.is_within(&storable(&scope.root)))
        && query.mine.as_ref().is_none_or(|mine| {
            let uuid = storable(&mine.uuid);
            txn.payer.uuid == uuid || txn.audit.created_by == uuid
        })
}

/// The statuses that are looked for, as the column has them. An adopted transaction may be in a state
/// that nobody knows; it is in no answer.
fn statuses(query: &SearchQuery) -> Vec<&'static str> {
    match query.status {
        Some(status) => vec![status.as_str()],
        None => {
            [StatusName::Pending, StatusName::Success, StatusName::Failure].map(StatusName::as_str).into()
        }
    }
}

/// The page when at most one transaction can be on it: the one [`named_alone`], which was found or not.
pub(crate) fn page_of_one(found: Option<&Row>, query: &SearchQuery) -> Result<Vec<Transaction>, Failure> {
    let Some(row) = found.filter(|_| query.page.offset == 0) else { return Ok(Vec::new()) };
    let status: Option<&str> = row.try_get("txn_status")?;
    if !status.is_some_and(|status| statuses(query).contains(&status)) {
        return Ok(Vec::new());
    }
    let txn = rows::transaction(row)?;
    Ok(if is_visible(&txn, query) { vec![txn] } else { Vec::new() })
}

/// The transactions that match, newest first.
pub(crate) async fn search(
    db: &Connections,
    widths: &Widths,
    query: &SearchQuery,
) -> Result<Vec<Transaction>, Failure> {
    let (sql, run) = runs(query);
    let statuses = statuses(query);
    let text = |text: &'_ Option<String>| text.as_deref().map(|text| storable(text).into_owned());
    let tenant = query.tenant_id.as_ref().map(TenantId::as_str);
    let txn_id = query.txn_id.as_ref().map(TxnId::as_str);
    let bill = query.bill_id.as_ref().map(BillId::as_str);
    let (user, receipt, consumer_code) =
        (text(&query.user_uuid), text(&query.receipt), text(&query.consumer_code));
    let mine = query.mine.as_ref().map(|mine| storable(&mine.uuid));
    let [root, from, to] = match query.within.as_ref().map(below) {
        Some(range) => range.map(Some),
        None => [None, None, None],
    };
    let run = run.map(|(column, text)| widths.cut(column, text));
    let creator = query.mine.as_ref().map(|mine| widths.cut("created_by", &mine.uuid));
    let (limit, offset) = (i64::from(query.page.limit), i64::from(query.page.offset));
    let values: [&(dyn ToSql + Sync); 15] = [
        &tenant,
        &txn_id,
        &bill,
        &user,
        &receipt,
        &consumer_code,
        &statuses,
        &mine,
        &root,
        &from,
        &to,
        &run,
        &creator,
        &limit,
        &offset,
    ];
    // One transaction is a small question.
    let found = if query.txn_id.is_some() {
        db.ask(sql, &values).await?
    } else {
        db.repeatable(sql, &values).await?
    };
    rows::all(&found, rows::transaction)
}
