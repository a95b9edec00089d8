//! Lists of payments: a run of the index for each tenant and status, as in [`search`](crate::search). A statement has
//! the conditions that are set, and is planned for them.

use async_trait::async_trait;
use payment_domain::{StatusName, Transaction, TxnId};
use payment_store::{Listings, NamedQuery, PaymentQuery, StoreError, TenantScope};
use tokio_postgres::types::ToSql;

use crate::PostgresStore;
use crate::failure::Failure;
use crate::parameters::storable;
use crate::rows;
use crate::search::Place;
use crate::transaction_columns::{self, SELECTED};

/// Every tenant of the scopes $1, each found by one step along the index.
const TENANTS: &str = "
    (SELECT below.tenant_id FROM unnest($1::text[]) AS scope (root) CROSS JOIN LATERAL (
        WITH RECURSIVE known AS (
            (SELECT t.tenant_id COLLATE \"C\" AS tenant_id FROM eg_pg_transactions AS t
             WHERE t.tenant_id COLLATE \"C\" >= scope.root || '.' AND t.tenant_id COLLATE \"C\" < scope.root || '/'
             ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
            UNION ALL
            SELECT (SELECT t.tenant_id COLLATE \"C\" FROM eg_pg_transactions AS t
                WHERE t.tenant_id COLLATE \"C\" > known.tenant_id AND t.tenant_id COLLATE \"C\" < scope.root || '/'
                ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
            FROM known WHERE known.tenant_id IS NOT NULL)
        SELECT tenant_id FROM known WHERE tenant_id IS NOT NULL
        UNION ALL SELECT scope.root COLLATE \"C\") AS below) AS tenant";

const IN_SCOPES: &str = "EXISTS (SELECT 1 FROM unnest($1::text[]) AS scope (root)
    WHERE t.tenant_id = scope.root OR starts_with(t.tenant_id, scope.root || '.'))";

const NEWEST_FIRST: &str = "created_time DESC NULLS LAST, txn_id COLLATE \"C\" DESC";

type Bound = Box<dyn ToSql + Sync + Send>;

/// Conditions with the values of their parameters.
struct Conditions {
    sql: String,
    values: Vec<Bound>,
}

impl Conditions {
    fn within(scopes: &[TenantScope]) -> Conditions {
        let roots: Vec<String> = scopes.iter().map(|scope| storable(&scope.root).into_owned()).collect();
        Conditions { sql: String::new(), values: vec![Box::new(roots)] }
    }

    /// The place of a value.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> usize {
        self.values.push(Box::new(value));
        self.values.len()
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect()
    }
}

#[async_trait]
impl Listings for PostgresStore {
    async fn list_payments(&self, query: &PaymentQuery) -> Result<Vec<Transaction>, StoreError> {
        let place = match &query.after {
            Some(id) => match self.place_within(id, &query.within).await? {
                Some(place) => Some(place),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let (sql, conditions) = list(query, place, &self.foreign_statuses);
        let found = self.db.search(&sql, &conditions.values()).await?;
        Ok(rows::all(&found, transaction_columns::read)?)
    }

    async fn payments_named(&self, query: &NamedQuery) -> Result<Vec<Transaction>, StoreError> {
        let (sql, conditions) = named(query);
        let found = self.db.search(&sql, &conditions.values()).await?;
        Ok(rows::all(&found, transaction_columns::read)?)
    }
}

impl PostgresStore {
    async fn place_within(&self, id: &TxnId, within: &[TenantScope]) -> Result<Option<Place>, Failure> {
        let sql =
            format!("SELECT t.txn_id FROM eg_pg_transactions AS t WHERE t.txn_id = $2::text AND {IN_SCOPES}");
        let mut conditions = Conditions::within(within);
        conditions.bind(storable(id.as_str()).into_owned());
        if self.db.planned(&sql, &conditions.values()).await?.is_empty() {
            return Ok(None);
        }
        Place::of(&self.db, id).await
    }
}

fn list(query: &PaymentQuery, place: Option<Place>, foreign: &[String]) -> (String, Conditions) {
    let mut all = Conditions::within(&query.within);
    let statuses: Vec<String> = match query.status {
        Some(status) => vec![status.as_str().to_owned()],
        None => [StatusName::Pending, StatusName::Success, StatusName::Failure]
            .map(|status| status.as_str().to_owned())
            .into_iter()
            .chain(foreign.iter().cloned())
            .collect(),
    };
    let statuses = all.bind(statuses);
    let limit = all.bind(i64::from(query.limit));
    if let Some(gateway) = &query.gateway {
        let nth = all.bind(storable(gateway.as_str()).into_owned());
        all.sql.push_str(&format!(" AND upper(t.gateway) = upper(${nth}::text)"));
    }
    if let Some(module) = &query.module {
        let nth = all.bind(storable(module).into_owned());
        all.sql.push_str(&format!(" AND t.module = ${nth}::text"));
    }
    for (sign, amount) in [(">=", query.amount_from), ("<=", query.amount_to)] {
        if let Some(amount) = amount {
            let (units, code) = (all.bind(amount.to_string()), all.bind(amount.currency().code().to_owned()));
            all.sql.push_str(&format!(
                " AND t.txn_amount {sign} ${units}::text::numeric AND coalesce(t.currency, 'INR') = ${code}::text"
            ));
        }
    }
    for (sign, at) in [(">=", query.from), ("<", query.to)] {
        if let Some(at) = at {
            let nth = all.bind(at.as_millis());
            all.sql.push_str(&format!(" AND t.created_time {sign} ${nth}::bigint"));
        }
    }
    let head = |behind: &str| {
        format!(
            "(SELECT t.txn_id, t.created_time FROM eg_pg_transactions AS t
              WHERE t.tenant_id COLLATE \"C\" = tenant.tenant_id AND t.txn_status = status.name{}{behind}
              ORDER BY t.created_time DESC NULLS LAST, t.txn_id COLLATE \"C\" DESC LIMIT ${limit}::bigint)",
            all.sql
        )
    };
    let (run, behind) = match place {
        None => (head(""), Vec::new()),
        Some(place) => {
            let nth = all.values.len();
            let timed = format!(
                " AND (t.created_time, t.txn_id COLLATE \"C\") < (${}::bigint, ${}::text)",
                nth + 1,
                nth + 2
            );
            let timeless =
                format!(" AND t.created_time IS NULL AND t.txn_id COLLATE \"C\" < ${}::text", nth + 3);
            let values: Vec<Bound> =
                vec![Box::new(place.created_time), Box::new(place.txn_id), Box::new(place.timeless)];
            (format!("({} UNION ALL {})", head(&timed), head(&timeless)), values)
        }
    };
    let sql = format!(
        "SELECT {} FROM (
            SELECT run.txn_id, run.created_time FROM {TENANTS}
            CROSS JOIN unnest(${statuses}::text[]) AS status (name) CROSS JOIN LATERAL {run} AS run
            ORDER BY run.created_time DESC NULLS LAST, run.txn_id COLLATE \"C\" DESC LIMIT ${limit}::bigint) AS place
        JOIN eg_pg_transactions AS t ON t.txn_id = place.txn_id
        ORDER BY place.created_time DESC NULLS LAST, place.txn_id COLLATE \"C\" DESC",
        *SELECTED
    );
    all.values.extend(behind);
    (sql, all)
}

fn named(query: &NamedQuery) -> (String, Conditions) {
    const KINDS: [&str; 6] = [
        "t.txn_id = name.spelling",
        "lower(t.gateway_txn_id) COLLATE \"C\" = lower(name.spelling) AND t.gateway_txn_id IS NOT NULL",
        "t.txn_id IN (SELECT bill.txn_id FROM eg_pg_transaction_bills AS bill WHERE bill.bill_id = name.spelling)",
        "t.consumer_code = name.spelling",
        "t.receipt = name.spelling AND t.receipt IS NOT NULL",
        "t.txn_id IN (SELECT refund.original_txn_id FROM eg_pg_transaction_refund AS refund
            WHERE refund.refund_id = name.spelling)",
    ];
    let mut all = Conditions::within(&query.within);
    let spellings: Vec<String> =
        query.spellings.iter().map(|spelling| storable(spelling).into_owned()).collect();
    let (spellings, limit) = (all.bind(spellings), all.bind(i64::from(query.limit)));
    let runs = KINDS.map(|kind| {
        format!(
            "(SELECT run.* FROM unnest(${spellings}::text[]) AS name (spelling) CROSS JOIN LATERAL (
                SELECT t.txn_id, t.created_time FROM eg_pg_transactions AS t WHERE {kind} AND {IN_SCOPES}
                ORDER BY t.created_time DESC NULLS LAST, t.txn_id COLLATE \"C\" DESC LIMIT ${limit}::bigint) AS run)"
        )
    });
    let sql = format!(
        "SELECT {} FROM (SELECT DISTINCT txn_id, created_time FROM ({}) AS run) AS place
        JOIN eg_pg_transactions AS t ON t.txn_id = place.txn_id
        ORDER BY place.{}",
        *SELECTED,
        runs.join(" UNION ALL "),
        NEWEST_FIRST.replace("txn_id", "place.txn_id"),
    );
    (sql, all)
}
