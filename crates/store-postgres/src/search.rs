//! Searching transactions, newest first.
//!
//! The conditions of a search are turned into one or several *runs*: pieces of an index that lie in
//! the order of the answer. The most selective condition chooses the runs, the others filter their rows. The
//! heads of the runs are merged. Thus a page is read, however large the table. There are as many statements as
//! there are kinds of runs, from the newest and behind the place of a known transaction; each is planned anew
//! for the conditions that are set ([`Connections::search`]), but those for the payments of a bill.

use std::sync::LazyLock;

use async_trait::async_trait;
use payment_domain::{BillId, StatusName, TenantId, Transaction, TxnId};
use payment_store::{Search, SearchQuery, StoreError, TenantScope};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::PostgresStore;
use crate::connections::{Connections, Migrator};
use crate::failure::Failure;
use crate::parameters::storable;
use crate::rows;
use crate::transaction_columns::{self, SELECTED};

/// Every condition of a search that is set. A text that is longer than its column is compared as it was
/// before it was truncated.
const FILTERS: &str = "
    ($1::text IS NULL OR t.tenant_id = $1)
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
    AND ($12::text IS NULL OR TRUE) AND ($13::text IS NULL OR TRUE)";

/// The places of the answer in a run that begins with this condition.
fn places(run: &str) -> String {
    format!(
        "(SELECT t.txn_id, t.created_time FROM eg_pg_transactions AS t WHERE {run} AND {FILTERS}
        ORDER BY t.created_time DESC NULLS LAST, t.txn_id COLLATE \"C\" DESC
        LIMIT $14::bigint + $15::bigint)"
    )
}

/// The places of a run behind a cursor ($16, $17): the rest of those with a time, and of those without one,
/// which are the oldest, those behind $18. Each is a range of the index.
fn places_after(run: &str) -> String {
    format!(
        "({} UNION ALL {})",
        places(&format!("{run} AND (t.created_time, t.txn_id COLLATE \"C\") < ($16::bigint, $17::text)")),
        places(&format!("{run} AND t.created_time IS NULL AND t.txn_id COLLATE \"C\" < $18::text"))
    )
}

/// The page of all rows in these heads of runs.
fn page(heads: &str) -> String {
    format!(
        "SELECT {} FROM (SELECT head.txn_id, head.created_time FROM {heads} AS head
            ORDER BY head.created_time DESC NULLS LAST, head.txn_id COLLATE \"C\" DESC
            LIMIT $14::bigint OFFSET $15::bigint) AS place
        JOIN eg_pg_transactions AS t ON t.txn_id = place.txn_id
        ORDER BY place.created_time DESC NULLS LAST, place.txn_id COLLATE \"C\" DESC",
        *SELECTED
    )
}

/// Every tenant of a scope, each found by one step along the index.
const TENANTS_WITHIN: &str = "
    (WITH RECURSIVE below AS (
        (SELECT t.tenant_id COLLATE \"C\" AS tenant_id FROM eg_pg_transactions AS t
         WHERE t.tenant_id COLLATE \"C\" >= $10::text AND t.tenant_id COLLATE \"C\" < $11::text
         ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
        UNION ALL
        SELECT (SELECT t.tenant_id COLLATE \"C\" FROM eg_pg_transactions AS t
            WHERE t.tenant_id COLLATE \"C\" > below.tenant_id AND t.tenant_id COLLATE \"C\" < $11::text
            ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
        FROM below WHERE below.tenant_id IS NOT NULL)
    SELECT tenant_id FROM below WHERE tenant_id IS NOT NULL
    UNION ALL SELECT $9::text) AS tenant";

/// A statement for each kind of runs.
struct Statements {
    by_id: String,
    by_receipt: String,
    by_bill: String,
    by_consumer_code: String,
    by_payer: String,
    mine: String,
    of_tenant: String,
    within: String,
    everything: String,
}

impl Statements {
    fn of(head: fn(&str) -> String) -> Statements {
        let by = |run: &str| page(&head(run));
        // A run for each status ($7), of all there is or of each tenant.
        let by_status = |tenants: &str, run: &str| {
            page(&format!(
                "(SELECT run.* FROM {tenants} unnest($7::text[]) AS status (name)
                CROSS JOIN LATERAL {} AS run)",
                head(run)
            ))
        };
        let created = "t.created_by = $13 AND t.created_by <> t.user_uuid
            AND coalesce(t.whole_texts ->> 'user_uuid', t.user_uuid) <> $8";
        Statements {
            by_id: by("t.txn_id = $2"),
            by_receipt: by("t.receipt = $12"),
            by_bill: by("t.txn_id IN (SELECT known.txn_id FROM eg_pg_transaction_bills AS known
                WHERE known.bill_id = $3)"),
            by_consumer_code: by("t.consumer_code = $12"),
            by_payer: by("t.user_uuid = $12"),
            mine: page(&format!("({} UNION ALL {})", head("t.user_uuid = $12"), head(created))),
            of_tenant: by_status("", "t.tenant_id COLLATE \"C\" = $1 AND t.txn_status = status.name"),
            within: by_status(
                &format!("{TENANTS_WITHIN} CROSS JOIN"),
                "t.tenant_id COLLATE \"C\" = tenant.tenant_id AND t.txn_status = status.name",
            ),
            everything: by_status("", "t.txn_status = status.name"),
        }
    }
}

static FROM_THE_NEWEST: LazyLock<Statements> = LazyLock::new(|| Statements::of(places));
static AFTER_A_CURSOR: LazyLock<Statements> = LazyLock::new(|| Statements::of(places_after));

/// Behind every id, in the order of bytes.
const BEHIND_ALL_IDS: &str = "\u{10ffff}";

/// Where a page begins.
pub(crate) struct Place {
    pub(crate) created_time: i64,
    pub(crate) txn_id: String,
    /// Of the rows without a time.
    pub(crate) timeless: String,
}

impl Place {
    /// The place of a transaction; `None` where there is none of this id.
    pub(crate) async fn of(db: &Connections, id: &TxnId) -> Result<Option<Place>, Failure> {
        const CREATED: &str = "SELECT created_time FROM eg_pg_transactions WHERE txn_id = $1";
        let found = db.ask(CREATED, &[&id.as_str()]).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let place = match row.try_get(0)? {
            Some(created_time) => {
                let timeless = BEHIND_ALL_IDS.to_owned();
                Place { created_time, txn_id: id.as_str().to_owned(), timeless }
            }
            None => Place { created_time: i64::MIN, txn_id: String::new(), timeless: id.as_str().to_owned() },
        };
        Ok(Some(place))
    }
}

/// The runs of the most selective condition, and the text by which an index with cut texts is read,
/// where it is not one of the conditions as it stands.
fn runs<'a>(
    query: &'a SearchQuery,
    statements: &'static Statements,
) -> (&'static str, Option<(&'static str, &'a str)>) {
    if query.txn_id.is_some() {
        return (&statements.by_id, None);
    }
    if let Some(receipt) = &query.receipt {
        return (&statements.by_receipt, Some(("receipt", receipt)));
    }
    if query.bill_id.is_some() {
        return (&statements.by_bill, None);
    }
    if let Some(consumer_code) = &query.consumer_code {
        return (&statements.by_consumer_code, Some(("consumer_code", consumer_code)));
    }
    if let Some(uuid) = &query.user_uuid {
        return (&statements.by_payer, Some(("user_uuid", uuid)));
    }
    if let Some(mine) = &query.mine {
        return (&statements.mine, Some(("user_uuid", &mine.uuid)));
    }
    let sql = match (&query.tenant_id, &query.within) {
        (Some(_), _) => &statements.of_tenant,
        (None, Some(_)) => &statements.within,
        (None, None) => &statements.everything,
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
fn named_alone(query: &SearchQuery) -> Option<&TxnId> {
    let SearchQuery { txn_id, bill_id, user_uuid, receipt, consumer_code, mine, after, .. } = query;
    let is_alone = after.is_none()
        && bill_id.is_none()
        && user_uuid.is_none()
        && receipt.is_none()
        && consumer_code.is_none()
        // An adopted transaction may name no creator.
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

/// The statuses that an earlier service's rows have beside those of ours.
pub(crate) async fn foreign_statuses(migrator: &Migrator) -> Result<Vec<String>, Failure> {
    // Each is found by one step along the index.
    const KNOWN: &str = "
        WITH RECURSIVE known AS (
            (SELECT txn_status FROM eg_pg_transactions ORDER BY txn_status LIMIT 1)
            UNION ALL
            SELECT (SELECT t.txn_status FROM eg_pg_transactions AS t WHERE t.txn_status > known.txn_status
                ORDER BY t.txn_status LIMIT 1)
            FROM known WHERE known.txn_status IS NOT NULL)
        SELECT txn_status::text FROM known WHERE txn_status IS NOT NULL";
    let known: Result<Vec<String>, _> =
        migrator.rows(KNOWN, &[]).await?.iter().map(|row| row.try_get(0)).collect();
    Ok(known?.into_iter().filter(|word| StatusName::from_word(word).is_none()).collect())
}

/// The statuses that are looked for, as the column has them: by default all there are.
fn statuses<'a>(query: &SearchQuery, foreign: &'a [String]) -> Vec<&'a str> {
    let all = [StatusName::Pending, StatusName::Success, StatusName::Failure].map(StatusName::as_str);
    match query.status {
        Some(status) => vec![status.as_str()],
        None => all.into_iter().chain(foreign.iter().map(String::as_str)).collect(),
    }
}

/// The page when at most one transaction can be on it: the one [`named_alone`], which was found or not.
fn page_of_one(found: Option<&Row>, query: &SearchQuery) -> Result<Vec<Transaction>, Failure> {
    let Some(row) = found.filter(|_| query.page.offset == 0) else { return Ok(Vec::new()) };
    let status: Option<&str> = row.try_get("txn_status")?;
    if query.status.is_some_and(|wanted| status != Some(wanted.as_str())) {
        return Ok(Vec::new());
    }
    let txn = transaction_columns::read(row)?;
    Ok(if is_visible(&txn, query) { vec![txn] } else { Vec::new() })
}

#[async_trait]
impl Search for PostgresStore {
    async fn search(&self, query: &SearchQuery) -> Result<Vec<Transaction>, StoreError> {
        if let Some(id) = named_alone(query) {
            let found = self.findings.submit(id.clone()).await?;
            return Ok(page_of_one(found.as_ref(), query)?);
        }
        let (db, column_limits) = (&self.db, &self.column_limits);
        let place = match &query.after {
            Some(id) => match Place::of(db, id).await? {
                Some(place) => Some(place),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let (sql, run) = runs(query, if place.is_some() { &AFTER_A_CURSOR } else { &FROM_THE_NEWEST });
        let names_a_run = query.txn_id.is_some()
            || query.receipt.is_some()
            || query.bill_id.is_some()
            || query.consumer_code.is_some()
            || query.user_uuid.is_some()
            || query.mine.is_some();
        // Runs of their own only where nothing else names one.
        let statuses =
            (query.status.is_some() || !names_a_run).then(|| statuses(query, &self.foreign_statuses));
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
        let run = run.map(|(column, text)| column_limits.cut(column, text));
        let creator = query.mine.as_ref().map(|mine| column_limits.cut("created_by", &mine.uuid));
        let (limit, offset) = (i64::from(query.page.limit), i64::from(query.page.offset));
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![
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
        if let Some(Place { created_time, txn_id, timeless }) = &place {
            values.extend([created_time as &(dyn ToSql + Sync), txn_id, timeless]);
        }
        // One transaction is a small question.
        let found = if query.txn_id.is_some() {
            db.ask(sql, &values).await?
        } else if query.bill_id.is_some() && place.is_none() {
            db.search_few(sql, &values).await?
        } else {
            db.search(sql, &values).await?
        };
        Ok(rows::all(&found, transaction_columns::read)?)
    }
}
